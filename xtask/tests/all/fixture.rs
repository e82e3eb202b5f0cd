//! A tree in a folder of its own: clean at first, then a test plants what it wants reported.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

pub(crate) struct Fixture {
    folder: TempDir,
}

/// How a run ended.
pub(crate) struct Ended {
    pub(crate) passed: bool,
    pub(crate) printed: String,
}

const CLEAN: &[(&str, &str)] = &[
    (
        "Cargo.toml",
        "[workspace]\nmembers = [\"crates/*\"]\n\n[workspace.dependencies]\nmemchr = \"2\"\n\
         vestibule-message = { path = \"crates/message\" }\n",
    ),
    ("ARCHITECTURE.md", "The crates `message`, `routes`, `wire`, `proxy` and `store-embedded`.\n"),
    ("docs/dependencies.md", "| name | what for, why this one |\n|---|---|\n| `memchr` | scans |\n"),
    (
        "crates/message/Cargo.toml",
        "[package]\nname = \"vestibule-message\"\n\n[dependencies]\nmemchr.workspace = true\n",
    ),
    ("crates/message/src/lib.rs", "//! Messages.\npub mod head;\n"),
    ("crates/message/src/head.rs", "//! Heads.\npub fn head() {}\n"),
    (
        "crates/wire/Cargo.toml",
        "[package]\nname = \"vestibule-wire\"\n\n[dependencies]\nvestibule-message.workspace = true\n",
    ),
    ("crates/wire/src/lib.rs", "//! Sockets.\n"),
    ("crates/proxy/Cargo.toml", "[package]\nname = \"vestibule-proxy\"\n"),
    ("crates/proxy/src/lib.rs", "//! The face for browsers.\nmod reply;\n"),
    ("crates/proxy/src/reply.rs", "//! Answers.\npub const GONE: Option<Status> = Status::new(410);\n"),
    ("crates/proxy/tests/all/main.rs", "//! The tests.\n"),
];

impl Fixture {
    pub(crate) fn clean() -> Self {
        let fixture = Self::empty();
        for (path, text) in CLEAN {
            fixture.write(path, text);
        }
        fixture
    }

    pub(crate) fn empty() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The task, told to look at this tree.
    pub(crate) fn run(&self, task: &str) -> Ended {
        Ended::of(&xtask().arg(task).arg("--root").arg(self.path()).output().unwrap())
    }
}

impl Ended {
    pub(crate) fn of(output: &Output) -> Self {
        let printed = [&output.stdout[..], &output.stderr[..]].concat();
        Self { passed: output.status.success(), printed: String::from_utf8(printed).unwrap() }
    }

    #[track_caller]
    pub(crate) fn assert_failed_with(&self, text: &str) {
        assert!(!self.passed && self.printed.contains(text), "should fail with {text:?}:\n{}", self.printed);
    }

    #[track_caller]
    pub(crate) fn assert_passed_with(&self, text: &str) {
        assert!(self.passed && self.printed.contains(text), "should pass with {text:?}:\n{}", self.printed);
    }
}

pub(crate) fn xtask() -> Command {
    Command::new(env!("CARGO_BIN_EXE_xtask"))
}
