//! Floors 1 and 2 parse and decide: no async, no I/O, no clock, no random numbers. So a thousand of their cases run in
//! the time of one request, and a fuzzer needs nothing else.

use std::slice;

use super::Finding;
use super::floors::PLACES;
use super::manifest;
use super::tree::{File, Tree};

const PURE_FLOOR_MAX: u8 = 2;

/// Modules of std that reach the world.
const WORLDLY: [&str; 5] = ["env", "fs", "os", "process", "thread"];

/// Of std::net only these do; addresses are values.
const SOCKETS: [&str; 3] = ["TcpListener", "TcpStream", "UdpSocket"];

/// Libraries that do.
const WORLDLY_LIBRARIES: [&str; 9] =
    ["async-trait", "axum", "futures-util", "getrandom", "hyper", "hyper-util", "rand", "socket2", "tokio"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let (manifests, _) = manifest::read(tree); // `floors` reports what is no TOML
    let mut findings = Vec::new();
    for manifest in manifests.iter().filter(|manifest| is_pure(manifest.file)) {
        for dependency in &manifest.dependencies {
            if WORLDLY_LIBRARIES.contains(&dependency.name.as_str()) {
                let what =
                    format!("{} reaches the world: ask for what it gives in a parameter", dependency.name);
                findings.push(Finding::new(&manifest.file.path, dependency.line, what));
            }
        }
    }
    for file in tree.rust().filter(|file| is_pure(file) && !file.is_test()) {
        for line in file.find(&["async"]) {
            findings.push(Finding::new(&file.path, line, "nothing here waits: await in the caller"));
        }
        for module in WORLDLY {
            for line in file.find(&["std", ":", ":", module]) {
                let what = format!("std::{module} reaches the world: ask for what it gives in a parameter");
                findings.push(Finding::new(&file.path, line, what));
            }
        }
        for line in SOCKETS.iter().flat_map(|socket| file.find(slice::from_ref(socket))) {
            findings.push(Finding::new(&file.path, line, "a socket is `wire`'s: take bytes"));
        }
    }
    findings
}

fn is_pure(file: &File) -> bool {
    file.crate_folder()
        .and_then(|folder| PLACES.iter().find(|place| place.name == folder))
        .is_some_and(|place| place.floor <= PURE_FLOOR_MAX)
}
