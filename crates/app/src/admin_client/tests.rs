//! The command lines, as users type them.

use clap::Parser;

use super::*;

#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: AdminCommand,
}

fn parse(line: &str) -> Result<AdminCommand, clap::Error> {
    let words = ["vestibule"].into_iter().chain(line.split(' '));
    Arguments::try_parse_from(words).map(|arguments| arguments.command)
}

#[test]
fn whereabouts_stand_anywhere_and_exclude_each_other() {
    for line in ["user list --data-dir here", "user --data-dir here list"] {
        assert_eq!(parse(line).unwrap().whereabouts().data_dir, PathBuf::from("here"));
    }
    let command = parse("audit session AAAAAAAAAAAAAAAAAAAAAA --config a.toml").unwrap();
    assert_eq!(command.whereabouts().config, Some(PathBuf::from("a.toml")));
    assert_eq!(parse("user list").unwrap().whereabouts().data_dir, PathBuf::from("vestibule-demo"));
    assert!(parse("user list --data-dir here --config a.toml").is_err());
}

#[test]
fn a_handle_may_begin_like_an_option() {
    for handle in [
        "-hAAAAAAAAAAAAAAAAAAAA",
        "--AAAAAAAAAAAAAAAAAAAA",
        "-VAAAAAAAAAAAAAAAAAAAA",
        "--config-AAAAAAAAAAAAA",
    ] {
        for line in [format!("audit session {handle}"), format!("audit session --data-dir x {handle}")] {
            let AdminCommand::Audit { command: AuditCommand::Session { handle: read }, .. } =
                parse(&line).unwrap_or_else(|error| panic!("{line}: {error}"))
            else {
                panic!("{line}")
            };
            assert_eq!(read.to_string(), handle);
        }
    }
    let said = parse("audit session nope").unwrap_err().to_string();
    assert!(said.contains("has 22 letters") && said.contains("x-context-session"), "{said}");
}

#[test]
fn a_change_names_something() {
    assert!(parse("user set alice").is_err());
    assert!(parse("user set alice --role a --no-roles").is_err());
    assert!(parse("user set alice --role a --role b --locale de").is_ok());
    assert!(parse("audit user alice --last 0").is_err());
}

#[test]
fn keys_are_named_by_what_they_sign_and_may_begin_like_an_option() {
    assert!(parse("key rotate jpt").is_ok());
    assert!(parse("key rotate jwt").unwrap_err().to_string().contains("services, jpt or oidc"));
    let command = parse("key end -Vx --config a.toml").unwrap();
    let AdminCommand::Key { command: KeyCommand::End { kid }, .. } = command else { panic!("{command:?}") };
    assert_eq!(kid, "-Vx");
}

#[test]
fn no_password_on_the_command_line() {
    assert!(parse("user password alice secret").is_err());
    assert!(parse("user add alice --password secret").is_err());
}
