//! The rule that reads git: a change that users see needs a word in CHANGELOG.md.

use std::process::Command;

use crate::fixture::Fixture;

const CONFIG: &str = "//! Config.\npub struct Config {\n    pub idle_limit: u8,\n}\n";

#[track_caller]
fn git(fixture: &Fixture, arguments: &[&str]) {
    let identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"];
    let output =
        Command::new("git").arg("-C").arg(fixture.path()).args(identity).args(arguments).output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn committed() -> Fixture {
    let fixture = Fixture::clean();
    fixture.write("CHANGELOG.md", "# Changes\n");
    fixture.write("crates/wire/src/config.rs", CONFIG);
    git(&fixture, &["init", "--quiet"]);
    git(&fixture, &["add", "."]);
    git(&fixture, &["commit", "--quiet", "--message", "all: begin"]);
    fixture
}

#[test]
fn without_git_the_rule_says_that_it_is_skipped() {
    Fixture::clean().run("tidy").assert_passed_with("changelog: skipped, this is no git checkout");
}

#[test]
fn a_new_key_needs_a_word_in_the_changelog() {
    let fixture = committed();
    fixture.write("crates/wire/src/config.rs", &CONFIG.replace("idle_limit", "idle_max"));
    fixture.run("tidy").assert_failed_with("CHANGELOG.md:1: changelog: users see this change");
    git(&fixture, &["commit", "--quiet", "--all", "--message", "wire: rename a key"]);
    fixture.run("tidy").assert_failed_with("CHANGELOG.md:1: changelog: users see this change");
    fixture.write("CHANGELOG.md", "# Changes\n\n- `idle_limit` is now `idle_max`\n");
    fixture.run("tidy").assert_passed_with("nothing to do");
    git(&fixture, &["commit", "--quiet", "--all", "--message", "changelog: say it"]);
    fixture.run("tidy").assert_passed_with("nothing to do");
}

#[test]
fn a_key_in_a_part_of_a_config_counts_too() {
    let fixture = committed();
    fixture.write("crates/app/src/config/limits.rs", CONFIG);
    git(&fixture, &["add", "."]);
    fixture.run("tidy").assert_failed_with("pub idle_limit: u8,");
}

#[test]
fn a_new_argument_needs_a_word_in_the_changelog() {
    let fixture = committed();
    fixture.write(
        "crates/app/src/main.rs",
        "//! Main.\nstruct Demo {\n    #[arg(long)]\n    port_base: u16,\n}\n",
    );
    git(&fixture, &["add", "."]);
    fixture.run("tidy").assert_failed_with("#[arg(long)]");
}

#[test]
fn what_users_do_not_see_needs_none() {
    let fixture = committed();
    fixture.write("crates/wire/src/config.rs", &CONFIG.replace("//! Config.", "//! The limits."));
    fixture.run("tidy").assert_passed_with("nothing to do");
}
