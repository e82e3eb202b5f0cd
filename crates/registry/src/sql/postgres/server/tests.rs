//! Which addresses are usable, and when what is sent is sealed.

use tokio_postgres::config::SslMode;

use super::{Address, ConnectError, Server};

fn mode(url: &str) -> SslMode {
    Address::read(&Server::at(url)).unwrap_or_else(|fault| panic!("{url}: {fault}")).config.get_ssl_mode()
}

fn refusal(server: &Server) -> String {
    match Address::read(server) {
        Ok(_) => "usable".to_owned(),
        Err(fault) => fault.to_string(),
    }
}

#[test]
fn what_leaves_this_machine_is_sealed_unless_the_url_says_otherwise() {
    for here in ["localhost", "127.0.0.1", "127.9.9.9", "%2Frun%2Fpostgresql"] {
        assert_eq!(mode(&format!("postgres://v@{here}/v")), SslMode::Disable, "{here}");
    }
    for url in [
        "postgres://v@db.example/v",
        "postgresql://v@192.0.2.1:5433/v",
        "postgres://v@localhost,db.example/v",
        "postgres://v@localhost/v?sslmode=require",
        "postgres://v@localhost/v?sslmode=verify-full",
        "postgres://v@db.example/v?application_name=x&sslmode=verify-ca",
    ] {
        assert_eq!(mode(url), SslMode::Require, "{url}");
    }
    assert_eq!(mode("postgres://v@db.example/v?sslmode=disable"), SslMode::Disable);
}

#[test]
fn a_url_that_cannot_be_meant_is_refused_with_what_is_wrong() {
    for (url, said) in [
        ("mysql://v@db/v", "does not begin with postgres://"),
        ("postgres:///v?user=v", "names no host"),
        ("postgres://db.example/v", "names no user"),
        ("postgres://v@db.example", "names no database"),
        ("postgres://v@db.example/a/b", "what follows the host is more than the name of a database"),
        ("postgres://v@db.example/v?sslmode=prefer", "sslmode is disable or verify-full"),
        ("postgres://v@db.example/v?colour=blue", "colour"),
        ("postgres://v@db.example:port/v", "port"),
    ] {
        let refused = refusal(&Server::at(url));
        assert!(refused.starts_with("not a usable URL: ") && refused.contains(said), "{url}: {refused}");
    }
}

#[test]
fn a_schema_has_a_plain_name() {
    for (name, is_plain) in [
        ("vestibule_registry", true),
        ("v2", true),
        ("", false),
        ("2v", false),
        ("Vestibule", false),
        ("pg_vestibule", false),
        ("a; DROP TABLE users", false),
        (&"v".repeat(64), false),
    ] {
        let server = Server { schema: name.to_owned(), ..Server::at("postgres://v@localhost/v") };
        assert_eq!(Address::read(&server).is_ok(), is_plain, "{name}");
    }
}

#[test]
fn certificates_are_read_when_they_are_given_and_not_only_when_they_are_needed() {
    let with = |ca: &[u8]| Server { ca: Some(ca.to_vec()), ..Server::at("postgres://v@localhost/v") };
    assert!(matches!(Address::read(&with(b"")), Err(ConnectError::Certificates(_))));
    let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert!(matches!(Address::read(&with(broken)), Err(ConnectError::Certificates(_))));
}

#[test]
fn a_server_prints_without_its_password() {
    let server =
        Server { password: Some("secret".to_owned()), ..Server::at("postgres://v:secret@localhost/v") };
    assert!(!format!("{server:?}").contains("secret"));
    let refused = refusal(&Server { url: "postgres://v:secret@/".to_owned(), ..server });
    assert!(!refused.contains("secret"), "{refused}");
}
