//! `vestibule demo` as a user starts it: the binary, a directory of its own, free ports.

use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;
use vestibule_testkit::port::Port;

use super::program::Program;

/// From `--port-base` to the ports that the demo listens on.
const DISTANCES: [u16; 5] = [0, 1, 2, 10, 19];

/// The running demo.
pub(super) struct Demo {
    /// The shop's origin.
    pub(super) web: String,
    /// The identity provider's origin.
    pub(super) issuer: String,
    /// What `alice` logs in with.
    pub(super) password: String,
    _program: Program,
    _ports: [Port; 5],
    _folder: TempDir,
}

impl Demo {
    pub(super) fn start() -> Self {
        let folder = tempfile::tempdir().expect("the machine has room for a folder");
        let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
        command.arg("demo").arg("--data-dir").arg(folder.path());
        let ports = Port::free_at(DISTANCES);
        command.arg("--port-base").arg(ports[0].to_string());
        let program = Program::start(&mut command).expect("the binary was built for this test");
        program.line_with("Ctrl-C ends it.");
        let record = std::fs::read(folder.path().join("demo.json")).expect("written before it is ready");
        let record: Value = serde_json::from_slice(&record).expect("demo.json is JSON");
        let text = |value: &Value| value.as_str().expect("demo.json has a text here").to_owned();
        Self {
            web: text(&record["web"]),
            issuer: text(&record["issuer"]),
            password: text(&record["users"]["alice"]["password"]),
            _program: program,
            _ports: ports,
            _folder: folder,
        }
    }
}
