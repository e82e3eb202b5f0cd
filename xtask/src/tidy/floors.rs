//! Imports only go down, and siblings on a floor never meet. Only manifests keep such a picture true: inside one crate
//! import circles grow unseen. This table is the picture; ARCHITECTURE.md explains it.

use super::Finding;
use super::manifest::{self, Kind};
use super::tree::Tree;

pub(super) struct Place {
    /// The folder below `crates/`.
    pub(super) name: &'static str,
    pub(super) floor: u8,
    /// The crates it may import, where that is less than every lower floor.
    only: Option<&'static [&'static str]>,
}

/// Tools stand here: they may use the whole building, and nobody may use them.
const OUTSIDE: u8 = 7;

const fn place(name: &'static str, floor: u8) -> Place {
    Place { name, floor, only: None }
}

const fn narrow(name: &'static str, floor: u8, only: &'static [&'static str]) -> Place {
    Place { name, floor, only: Some(only) }
}

pub(super) const PLACES: &[Place] = &[
    place("message", 1),
    place("oauth", 1),
    place("domain", 2),
    place("routes", 2),
    place("ports", 3),
    narrow("draft", 3, &[]),                   // knows a file by its path alone
    narrow("wire", 3, &["message", "routes"]), // true of every connection: knows no session and no token
    place("sessions", 4),
    place("issuer-http", 4),
    place("feed", 4),
    place("registry", 4),
    narrow("store-embedded", 4, STORE), // a store knows no user and no HTTP
    narrow("store-postgres", 4, STORE),
    narrow("store-redis", 4, STORE),
    narrow("store-mongo", 4, STORE),
    place("proxy", 5),
    place("gateway", 5),
    place("idp", 5),
    place("admin", 5),
    place("kube", 5),
    narrow("demo", 5, &[]), // plain HTTP programs, as a company's own apps are
    place("solutions", 5),
    place("app", 6),
    place(TESTKIT, 4),
    place("bench", OUTSIDE),
    place("fuzz", OUTSIDE),
    narrow("xtask", OUTSIDE, &[]), // builds in seconds and when everything else is broken
];

const STORE: &[&str] = &["domain", "draft", "ports"];

/// For tests: every crate may use it there, none may ship it.
const TESTKIT: &str = "testkit";

/// Libraries that only `app` may use: an error without a type ends decisions by kind.
const APP_ONLY: [&str; 1] = ["anyhow"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let (manifests, mut findings) = manifest::read(tree);
    let architecture = tree.file("ARCHITECTURE.md").map_or("", |file| &file.text);
    for manifest in &manifests {
        let Some(package) = &manifest.package else { continue };
        let path = &manifest.file.path;
        let Some(own) = place_of(package) else {
            let what = format!("`{package}` stands on no floor: give it one in xtask/src/tidy/floors.rs");
            findings.push(Finding::new(path, 1, what));
            continue;
        };
        if !architecture.contains(&format!("`{}`", own.name)) {
            let what = format!("say in ARCHITECTURE.md what `{}` is and what it must not know", own.name);
            findings.push(Finding::new(path, 1, what));
        }
        if manifest.has_features && own.name != "app" {
            findings.push(Finding::new(
                path,
                1,
                "cargo features belong to `app` alone: what is built is chosen once",
            ));
        }
        for dependency in &manifest.dependencies {
            if let Some(what) = refusal(own, &dependency.name, dependency.kind) {
                findings.push(Finding::new(path, dependency.line, what));
            }
        }
    }
    findings
}

fn refusal(own: &Place, dependency: &str, kind: Kind) -> Option<String> {
    if APP_ONLY.contains(&dependency) && own.name != "app" {
        return Some(format!("only `app` may use {dependency}: give the error a type"));
    }
    let other = place_of(dependency)?;
    if other.name == TESTKIT {
        let fine = kind == Kind::Dev || own.floor == OUTSIDE;
        return (!fine).then(|| "testkit is for tests: make it a dev-dependency".into());
    }
    if other.floor >= own.floor {
        return Some(format!(
            "`{}` on floor {} may not import `{}` on floor {}: imports only go down. Move the code down, \
             or ask for it through a trait in `ports`",
            own.name, own.floor, other.name, other.floor
        ));
    }
    let only = own.only?;
    (!only.contains(&other.name)).then(|| {
        format!("`{}` may import {} and nothing else of ours, not `{}`", own.name, listed(only), other.name)
    })
}

fn listed(names: &[&str]) -> String {
    if names.is_empty() { "nothing".into() } else { names.join(", ") }
}

/// `vestibule` is the package of `app`; the others are named after their folder.
fn place_of(package: &str) -> Option<&'static Place> {
    let folder = match package {
        "vestibule" => "app",
        "xtask" => "xtask",
        other => other.strip_prefix("vestibule-")?,
    };
    PLACES.iter().find(|place| place.name == folder)
}
