//! The commands in README.md are run as they stand there.

use crate::fixture::{Ended, Fixture};

fn readme(text: &str) -> Ended {
    let fixture = Fixture::empty();
    fixture.write("README.md", &text.replace('@', &fixture.path().display().to_string()));
    fixture.run("readme")
}

#[test]
fn a_line_that_prints_what_it_says_passes() {
    readme("```sh ci\n# a word first\necho one two # -> two\ntrue\n```\n")
        .assert_passed_with("readme: echo one two");
}

#[test]
fn a_line_that_prints_something_else_or_fails_is_reported() {
    readme("```sh ci\necho one # -> two\n```\n")
        .assert_failed_with("`echo one` should succeed and print \"two\"");
    readme("```sh ci\nfalse\n```\n").assert_failed_with("it ended with exit status: 1");
    readme("```sh ci\nfalse | true # -> \n```\n").assert_failed_with("it ended with exit status: 1");
}

#[test]
fn other_fences_are_not_run_and_a_readme_without_commands_fails() {
    readme("```sh\nfalse\n```\n```sh ci\ntrue\n```\n").assert_passed_with("readme: true");
    readme("```sh\ntrue\n```\n").assert_failed_with("README.md marks no command to run");
}

/// Says that it is up, then lives until it is stopped; `@` is the folder.
const SERVED: &str = "```sh ci-serve=file://@/up\n\
    bash -c 'tail -f /dev/null & trap \"kill $!; exit CODE\" TERM; touch up; wait'\n```\n\
    ```sh ci\ntest -e up && echo it is up # -> up\n```\n";

#[test]
fn a_served_command_is_up_while_the_lines_run_and_must_end_well() {
    readme(&SERVED.replace("CODE", "0")).assert_passed_with("test -e up");
    readme(&SERVED.replace("CODE", "3"))
        .assert_failed_with("should end with 0 on SIGTERM, not with exit status: 3");
}
