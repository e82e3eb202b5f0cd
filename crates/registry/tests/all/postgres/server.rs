//! Servers that cannot hold a registry: each is refused with what to change, and is left as it was.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::thread;

use vestibule_registry::{ANSWER_MAX, Caps, ConnectError, Registry, Server};
use vestibule_testkit::patience::Patience;
use vestibule_testkit::port::Port;
use vestibule_testkit::server::postgres::SUPERUSER;

use super::database::{Place, SERVER};
use super::fixture::*;

fn refusal(server: &Server) -> ConnectError {
    Registry::connect(server, Caps::default()).expect_err("it cannot hold a registry")
}

fn at_port(port: u16) -> Server {
    Server::at(&format!("postgres://vestibule:secret@127.0.0.1:{port}/vestibule"))
}

#[test]
fn nobody_there_is_said_with_the_address() {
    let port = Port::free();
    let refused = refusal(&at_port(port.number()));
    assert!(matches!(refused, ConnectError::Unreachable { .. }));
    let text = refused.to_string();
    assert!(text.starts_with(&format!("PostgreSQL at 127.0.0.1:{port} cannot be reached: ")), "{text}");
    assert!(!text.contains("secret"), "{text}");
}

#[test]
fn a_server_that_says_nothing_is_waited_for_within_bounds() {
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let patience = Patience::new(ANSWER_MAX * 2);
    let refused = refusal(&at_port(silent.local_addr().unwrap().port()));
    assert!(matches!(refused, ConnectError::Unreachable { .. }), "{refused}");
    assert!(!patience.left().is_zero(), "{refused}");
}

#[test]
fn a_server_of_another_kind_is_recognised() {
    let other = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = other.local_addr().unwrap().port();
    let server = thread::spawn(move || {
        let (mut caller, _) = other.accept().unwrap();
        let _asked = caller.read(&mut [0; 256]).unwrap();
        caller.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    });
    let refused = refusal(&at_port(port));
    assert!(matches!(refused, ConnectError::NotPostgres { .. }), "{refused:?}");
    server.join().unwrap();
}

#[test]
fn a_wrong_password_is_said_to_be_one_and_not_shown() {
    let right = Place::new().server();
    let server = Server { password: Some("a wrong password".to_owned()), ..right.clone() };
    let refused = refusal(&server);
    assert!(matches!(refused, ConnectError::Refused { .. }), "{refused:?}");
    let text = refused.to_string();
    assert!(text.contains("password authentication failed") && !text.contains("wrong"), "{text}");
    let none = Server::at(&right.url.replace(":a%20password%20of%20tests@", "@"));
    assert!(matches!(refusal(&none), ConnectError::Refused { .. }));
}

#[test]
fn a_database_that_is_not_there_is_named() {
    let refused = refusal(&Server::at(&SERVER.url(SUPERUSER, "nowhere")));
    assert!(matches!(refused, ConnectError::NoDatabase { .. }), "{refused:?}");
    assert!(refused.to_string().contains("\"nowhere\""), "{refused}");
}

#[test]
fn a_database_with_other_letters_is_refused() {
    SERVER.sql(
        "postgres",
        "CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0",
    );
    let refused = refusal(&Server::at(&SERVER.url(SUPERUSER, "latin")));
    assert!(
        matches!(&refused, ConnectError::Encoding { encoding, .. } if encoding == "LATIN1"),
        "{refused:?}"
    );
}

#[test]
fn a_server_without_tls_is_refused_where_tls_is_asked_for() {
    let server = Place::new().server();
    let refused = refusal(&Server { url: format!("{}?sslmode=verify-full", server.url), ..server });
    assert!(matches!(refused, ConnectError::Tls { .. }), "{refused:?}");
}

/// Whoever administers the database may make the schema and hand it over.
#[test]
fn an_account_needs_no_more_than_its_schema() {
    SERVER.account("plain");
    let place = Place::new();
    let server = Server { url: SERVER.url("plain", "postgres"), ..place.server() };
    let refused = refusal(&server);
    assert!(matches!(refused, ConnectError::Privilege { .. }), "{refused:?}");
    let schema = &server.schema;
    assert!(refused.to_string().contains(schema), "{refused}");
    SERVER.sql("postgres", &format!("CREATE SCHEMA {schema}"));
    let refused = refusal(&server);
    assert!(matches!(refused, ConnectError::Privilege { .. }), "{refused:?}");
    SERVER.sql("postgres", &format!("GRANT USAGE, CREATE ON SCHEMA {schema} TO plain"));
    let registry = furnish(Registry::connect(&server, Caps::default()).unwrap());
    sign_on(&registry, "alice", "browser", START);
}

#[test]
fn a_schema_of_a_newer_version_is_refused_and_left_alone() {
    let place = Place::new();
    drop(furnish(place.open(Caps::default())));
    place.sql("UPDATE schema_version SET version = 99");
    let refused = refusal(&place.server());
    assert!(matches!(refused, ConnectError::Newer { found: 99, .. }));
    let text = refused.to_string();
    assert!(text.contains("version 99") && text.contains("start the newer program"), "{text}");
    assert_eq!(place.sql("SELECT version FROM schema_version"), "99");
}

#[test]
fn a_schema_of_another_program_is_refused_and_left_alone() {
    let place = Place::new();
    let schema = place.server().schema;
    SERVER.sql("postgres", &format!("CREATE SCHEMA {schema}; CREATE TABLE {schema}.photos (id INTEGER)"));
    assert!(matches!(refusal(&place.server()), ConnectError::Foreign { .. }));
    assert_eq!(
        place.sql("SELECT COUNT(*) FROM pg_class WHERE relnamespace = current_schema()::regnamespace"),
        "1"
    );
}

#[test]
fn what_was_committed_is_on_the_disk_whatever_the_default_of_the_account_is() {
    SERVER.account("hasty");
    SERVER.sql(
        "postgres",
        "GRANT CREATE ON DATABASE postgres TO hasty; ALTER ROLE hasty SET synchronous_commit TO off",
    );
    let server = Server { url: SERVER.url("hasty", "postgres"), ..Place::new().server() };
    let registry = Registry::connect(&server, Caps::default()).unwrap();
    add_user(&registry, "alice");
    let schema = &server.schema;
    // A trigger of the test's own sees what a change runs with.
    SERVER.sql(
        "postgres",
        &format!(
            "CREATE FUNCTION {schema}.note() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN NEW.name := current_setting('synchronous_commit'); RETURN NEW; END $$; \
             CREATE TRIGGER note BEFORE INSERT ON {schema}.users FOR EACH ROW EXECUTE FUNCTION {schema}.note()"
        ),
    );
    add_user(&registry, "bob");
    let bob = registry.user(&user("bob")).unwrap().unwrap();
    assert_eq!(bob.profile.name.as_deref(), Some("on"));
}

#[test]
fn an_examination_finds_what_a_start_would_find_and_changes_nothing() {
    let place = Place::new();
    let server = place.server();
    let tables = || {
        let schema = &server.schema;
        SERVER.sql("postgres", &format!("SELECT COUNT(*) FROM pg_tables WHERE schemaname = '{schema}'"))
    };
    Registry::examine(&server).unwrap();
    assert_eq!(tables(), "0");
    drop(furnish(place.open(Caps::default())));
    let made = tables();
    assert_ne!(made, "0");
    Registry::examine(&server).unwrap();

    SERVER.account("reader");
    let schema = &server.schema;
    SERVER.sql("postgres", &format!("GRANT USAGE ON SCHEMA {schema} TO reader"));
    SERVER.sql("postgres", &format!("GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO reader"));
    let reader = Server { url: SERVER.url("reader", "postgres"), ..server.clone() };
    let refused = Registry::examine(&reader).expect_err("it may not write");
    assert!(matches!(refused, ConnectError::Privilege { .. }), "{refused:?}");
    place.sql("UPDATE schema_version SET version = 99");
    let refused = Registry::examine(&server).expect_err("a newer one");
    assert!(matches!(refused, ConnectError::Newer { found: 99, .. }), "{refused:?}");
    assert_eq!(tables(), made);
}
