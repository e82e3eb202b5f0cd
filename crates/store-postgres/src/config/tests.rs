//! What a URL says, and what is said of a bad one.

use super::*;

fn error(url: &str) -> String {
    Config::parse(url).expect_err(url).to_string()
}

#[test]
fn a_url_names_hosts_account_and_database() {
    let config =
        Config::parse("postgres://shop:p%40ss%2fword@a.example,[::1]:7,%2Frun%2Fpostgresql:8/sessions")
            .unwrap();
    assert_eq!(config.place(), "a.example:5432, [::1]:7, /run/postgresql:8");
    assert_eq!((config.user.as_str(), config.database.as_str()), ("shop", "sessions"));
    assert_eq!(config.password.as_deref(), Some("p@ss/word"));
    assert_eq!((config.schema.as_str(), config.connections_max), (SCHEMA, CONNECTIONS));
}

#[test]
fn keys_set_what_they_name() {
    let config = Config::parse(
        "postgresql://u@h/d?sslmode=verify-ca&schema=shop_1&connections_max=40&target_session_attrs=read-write",
    )
    .unwrap();
    assert_eq!(config.sslmode, SslMode::VerifyCa);
    assert_eq!((config.schema.as_str(), config.connections_max), ("shop_1", 40));
}

#[test]
fn only_this_machine_is_trusted_without_a_certificate() {
    for (url, mode) in [
        ("postgres://u@localhost/d", SslMode::Prefer),
        ("postgres://u@127.0.0.9/d", SslMode::Prefer),
        ("postgres://u@[::1]/d", SslMode::Prefer),
        ("postgres://u@%2Frun/d", SslMode::Prefer),
        ("postgres://u@db.example/d", SslMode::VerifyFull),
        ("postgres://u@localhost,db.example/d", SslMode::VerifyFull),
        ("postgres://u@localhost.example/d", SslMode::VerifyFull),
    ] {
        assert_eq!(Config::parse(url).unwrap().sslmode, mode, "{url}");
    }
}

#[test]
fn what_may_be_read_on_the_way_is_warned_of() {
    for mode in ["disable", "prefer", "require"] {
        let warnings = Config::parse(&format!("postgres://u@db/d?sslmode={mode}")).unwrap().warnings();
        assert_eq!(warnings.len(), 1);
        assert!(warnings[0].contains("sslmode=verify-full"), "{warnings:?}");
    }
    assert_eq!(Config::parse("postgres://u@db/d").unwrap().warnings(), Vec::<String>::new());
    assert_eq!(Config::parse("postgres://u@localhost/d").unwrap().warnings(), Vec::<String>::new());
}

#[test]
fn a_bad_url_is_told_what_to_write() {
    for (url, says) in [
        ("redis://u@h/d", "the URL of a PostgreSQL begins with postgres:// or postgresql://"),
        ("postgres://h/d", "the URL names no user; write postgres://USER@HOST/DATABASE"),
        ("postgres://u@/d", "the URL names no host; write postgres://USER@HOST/DATABASE"),
        ("postgres://u@h", "the URL names no database; write postgres://USER@HOST/DATABASE"),
        (
            "postgres://u@h/a/b",
            "what follows the host is more than the name of a database; write %2F for a / in it",
        ),
        ("postgres://u@h,/d", "the URL names no host; write postgres://USER@HOST/DATABASE"),
        (
            "postgres://u:a/b@h/d",
            "a password with / or ? in it hides the host; write %2F for /, %3F for ? and %40 for @",
        ),
        ("postgres://u@h:x/d", "the port \"x\" is no number from 1 to 65535"),
        ("postgres://u@h:0/d", "the port \"0\" is no number from 1 to 65535"),
        (
            "postgres://u:50%@h/d",
            "the password holds a % that begins no character; write %25 for the sign itself",
        ),
        (
            "postgres://u@h/d?ssl=1",
            "the key \"ssl\" is unknown here; known are sslmode, schema, connections_max",
        ),
        (
            "postgres://u@h/d?sslmode=on",
            "sslmode=on is not allowed; write disable, prefer, require, verify-ca or verify-full",
        ),
        (
            "postgres://u@h/d?connections_max=2",
            "connections_max=2 is not allowed; write a number from 5 to 1000",
        ),
        (
            "postgres://u@h/d?schema=a\"b",
            "schema=a\"b is not allowed; write at most 63 of a to z, 0 to 9 and _, beginning with a letter",
        ),
        (
            "postgres://u@h/d?target_session_attrs=any",
            "target_session_attrs=any is not allowed; write read-write or nothing: sessions are written",
        ),
        (
            "postgres://u@h/d?password=x",
            "password does not belong into the URL; write store_password_file = \"PATH\"",
        ),
        (
            "postgres://u@h/d?sslrootcert=x",
            "sslrootcert does not belong into the URL; write store_ca_file = \"PATH\"",
        ),
    ] {
        assert_eq!(error(url), says, "{url}");
    }
}

#[test]
fn nothing_shows_the_password() {
    let config = Config::parse("postgres://u:hunter2@h/d").unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));
    assert!(!format!("{:?}", config.with_password("hunter3".to_owned())).contains("hunter3"));
    for url in [
        "postgres://u:hunter2%@h/d",
        "postgres://u:hunter2@h:x/d",
        "postgres://u:hunter2@/d",
        "u:hunter2@h/d",
        "postgres://u:hunter2",
        "postgres://u:x/hunter2",
        "postgres://u:x?hunter2",
        "postgres://u:x?sslmode=hunter2",
        "postgres://u:hunter2/x@h/d",
        "postgres://u:x/hunter2@h/d",
        "postgres://u:hunter2?x@h/d",
        "postgres://u:x?hunter2@h/d",
        "postgres://u:x@y/hunter2@h/d",
        "postgres://u:x@y:hunter2/z@h/d",
        "postgres://u:x@y/d?sslmode=hunter2@h/d",
    ] {
        assert!(!error(url).contains("hunter2"), "{url}: {}", error(url));
    }
}
