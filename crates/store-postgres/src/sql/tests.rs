//! What each kind of server is asked.

use super::*;

fn texts(dialect: Dialect) -> [String; STATEMENTS] {
    Sql { schema: "\"vestibule\"".to_owned(), dialect }.texts()
}

const BOTH: [Dialect; 2] = [Dialect { tells: true }, Dialect { tells: false }];

/// The parameters that a statement has: `$1`, `$2` and so on.
fn parameters(text: &str) -> Vec<u32> {
    let number = |behind: &str| behind.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap();
    let mut found: Vec<u32> = text.split('$').skip(1).map(number).collect();
    found.sort_unstable();
    found.dedup();
    found
}

#[test]
fn a_server_is_known_by_what_it_calls_itself() {
    for (version, tells) in [
        ("PostgreSQL 15.18 (Debian 15.18-0+deb12u1) on x86_64-pc-linux-gnu, compiled by gcc, 64-bit", true),
        ("CockroachDB CCL v23.2.4 (x86_64-pc-linux-gnu, built 2024/04/08 21:54:54, go1.21.8)", false),
        ("PostgreSQL 15.2-YB-2.25.1.0-b0 on x86_64-pc-linux-gnu, compiled by clang version 17.0.6", false),
    ] {
        let dialect = Dialect::of(version);
        assert_eq!(dialect.tells, tells, "{version}");
        assert_eq!(dialect.warning().is_none(), tells, "{version}");
    }
}

#[test]
fn a_server_without_notify_is_never_asked_for_it() {
    let [with, without] = BOTH.map(texts);
    assert!(without.iter().all(|text| !text.to_lowercase().contains("notify")), "{without:?}");
    // An update that moves a user, an end, what is told beside commits, and beats.
    assert_eq!(with.iter().filter(|text| text.contains("pg_notify(")).count(), 4);
}

#[test]
fn both_take_the_same_parameters() {
    let [with, without] = BOTH.map(texts);
    for (with, without) in with.iter().zip(&without) {
        assert_eq!(parameters(with), parameters(without), "{without}");
        let all: Vec<u32> = (1..).take(parameters(with).len()).collect();
        assert_eq!(parameters(with), all, "none is left out: {with}");
        assert!(!with.contains('{') && !without.contains('{'), "nothing is left to be filled in: {with}");
    }
}

#[test]
fn no_statement_changes_a_table_twice() {
    for text in BOTH.map(texts).as_flattened() {
        for table in ["session", "seen", "attempt", "beat"] {
            let changes = ["INSERT INTO", "UPDATE", "DELETE FROM"].map(|change| {
                let begins = format!("{change} \"vestibule\".{table}");
                let ends = |behind: &str| !behind.starts_with(|c: char| c.is_alphanumeric() || c == '_');
                text.split(&begins).skip(1).filter(|behind| ends(behind)).count()
            });
            assert!(changes.iter().sum::<usize>() <= 1, "{table} in {text}");
        }
    }
}
