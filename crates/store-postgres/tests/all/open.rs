//! What is refused at the start, in which words.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener};
use std::thread;

use tokio::task::JoinSet;
use vestibule_ports::session_store::{Created, SessionStore as _};
use vestibule_store_postgres::{Config, PostgresStore, examine};
use vestibule_testkit::port::Port;
use vestibule_testkit::server::postgres::{PASSWORD, Postgres, SUPERUSER};

use crate::rig::{self, database, handle, record, server};

async fn refusal(url: &str) -> String {
    let config = Config::parse(url).expect("a good URL");
    PostgresStore::open(config).await.expect_err("should be refused").to_string()
}

/// What a look refuses, or whether it finds nothing of ours there.
async fn looked(url: &str) -> Result<bool, String> {
    let examined = examine(Config::parse(url).expect("a good URL")).await;
    examined.map(|examined| examined.is_new).map_err(|refused| refused.to_string())
}

fn url(account: &str, database: &str) -> String {
    server().url(account, database)
}

#[tokio::test]
async fn nobody_there() {
    let port = Port::free();
    assert_eq!(
        refusal(&format!("postgres://u:p@127.0.0.1:{port}/d")).await,
        format!(
            "127.0.0.1:{port} cannot be reached: error connecting to server: Connection refused (os error 111)"
        )
    );
}

#[tokio::test]
async fn wrong_password_or_account() {
    let port = server().port();
    assert_eq!(
        refusal(&format!("postgres://postgres:wrong@127.0.0.1:{port}/postgres")).await,
        format!(
            "127.0.0.1:{port} refuses user postgres: password authentication failed for user \"postgres\" (28P01); \
             see store_password_file"
        )
    );
    assert_eq!(
        refusal(&format!("postgres://postgres@127.0.0.1:{port}/postgres")).await,
        format!(
            "127.0.0.1:{port} refuses user postgres: invalid configuration: password missing; see store_password_file"
        )
    );
}

#[tokio::test]
async fn a_password_may_come_from_elsewhere() {
    database("elsewhere");
    let url = format!("postgres://postgres@127.0.0.1:{}/elsewhere", server().port());
    let config = Config::parse(&url).unwrap().with_password(PASSWORD.to_owned());
    PostgresStore::open(config).await.unwrap();
}

#[tokio::test]
async fn no_such_database() {
    let port = server().port();
    assert_eq!(
        refusal(&url(SUPERUSER, "nowhere")).await,
        format!("127.0.0.1:{port} has no database nowhere; run: CREATE DATABASE \"nowhere\"")
    );
}

/// A server of another kind: says this to whoever sends something.
fn other_server(says: &'static str) -> u16 {
    let socket = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let port = socket.local_addr().expect("it is bound").port();
    thread::spawn(move || {
        for peer in socket.incoming().take(2) {
            let mut peer = peer.expect("a peer");
            let mut first = [0; 64];
            let _any = peer.read(&mut first).expect("a first word");
            let _gone = peer.write_all(says.as_bytes()).and_then(|()| peer.shutdown(Shutdown::Write));
            // Whoever closes with something unread resets the connection.
            let _rest = peer.read_to_end(&mut Vec::new());
        }
    });
    port
}

#[tokio::test]
async fn another_kind_of_server() {
    for says in ["HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n", "-ERR unknown command\r\n", ""] {
        let port = other_server(says);
        let refusal = refusal(&format!("postgres://u:p@127.0.0.1:{port}/d")).await;
        let begins = format!("127.0.0.1:{port} does not speak PostgreSQL's protocol: ");
        assert!(refusal.starts_with(&begins), "{refusal}");
    }
}

#[tokio::test]
async fn a_newer_schema() {
    drop(rig::store("newer").await);
    server().sql("newer", "UPDATE vestibule.format SET format = 2");
    assert_eq!(
        refusal(&url(SUPERUSER, "newer")).await,
        "schema vestibule has format 2, and this program knows formats up to 1; \
         run the newer program, or write another ?schema= in the URL"
    );
    PostgresStore::open(Config::parse(&format!("{}?schema=other", url(SUPERUSER, "newer"))).unwrap())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_schema_may_be_called_as_sql_calls_things() {
    database("words");
    let config = Config::parse(&format!("{}?schema=select", url(SUPERUSER, "words"))).unwrap();
    let store = PostgresStore::open(config).await.unwrap();
    let mut watch = store.watch().await.unwrap();
    assert_eq!(store.create(handle(1), record("1")).await, Ok(Created::Created));
    assert_eq!(rig::heard(&store, &mut watch, 1).await.len(), 1);
}

#[tokio::test]
async fn missing_privileges_one_by_one_until_none_is_missing() {
    database("privileges");
    server().account("clerk");
    let clerk = url("clerk", "privileges");
    assert_eq!(
        refusal(&clerk).await,
        "user clerk lacks a privilege: permission denied for database privileges (42501); \
         run as the owner: CREATE SCHEMA \"vestibule\" AUTHORIZATION \"clerk\""
    );
    assert_eq!(
        looked(&clerk).await.unwrap_err(),
        "user clerk lacks a privilege: CREATE on database privileges, to make schema vestibule; \
         run as the owner: CREATE SCHEMA \"vestibule\" AUTHORIZATION \"clerk\""
    );
    assert_eq!(looked(&url(SUPERUSER, "privileges")).await, Ok(true));
    drop(rig::store("privileges").await);
    assert_eq!(looked(&url(SUPERUSER, "privileges")).await, Ok(false));
    assert_eq!(looked(&clerk).await.unwrap_err(), refusal(&clerk).await);
    assert_eq!(
        refusal(&clerk).await,
        "user clerk lacks a privilege: USAGE on schema vestibule; \
         run as the owner: GRANT USAGE ON SCHEMA \"vestibule\" TO \"clerk\""
    );
    server().sql("privileges", "GRANT USAGE ON SCHEMA vestibule TO clerk");
    assert_eq!(
        refusal(&clerk).await,
        "user clerk lacks a privilege: SELECT on vestibule.format; \
         run as the owner: GRANT SELECT ON \"vestibule\".format TO \"clerk\""
    );
    server().sql("privileges", "GRANT SELECT ON ALL TABLES IN SCHEMA vestibule TO clerk");
    assert_eq!(
        refusal(&clerk).await,
        "user clerk lacks a privilege: INSERT on vestibule.session; run as the owner: \
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA \"vestibule\" TO \"clerk\""
    );
    assert_eq!(looked(&clerk).await.unwrap_err(), refusal(&clerk).await);
    server().sql("privileges", "GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA vestibule TO clerk");
    assert_eq!(looked(&clerk).await, Ok(false));
    let store = PostgresStore::open(Config::parse(&clerk).unwrap()).await.unwrap();
    let mut watch = store.watch().await.unwrap();
    assert_eq!(store.create(handle(1), record("1")).await, Ok(Created::Created));
    assert_eq!(rig::heard(&store, &mut watch, 1).await.len(), 1);
}

#[tokio::test]
async fn a_server_that_only_reads() {
    database("reads");
    server().sql("postgres", "ALTER DATABASE reads SET default_transaction_read_only = on");
    assert_eq!(
        refusal(&url(SUPERUSER, "reads")).await,
        format!(
            "127.0.0.1:{} is a read-only standby; name the primary in the URL, or all hosts with commas",
            server().port()
        )
    );
}

#[tokio::test]
async fn of_several_hosts_the_one_that_writes_is_used() {
    database("several");
    let (password, port) = (PASSWORD.replace(' ', "%20"), server().port());
    let dead = Port::free();
    for hosts in [format!("127.0.0.1:{dead},127.0.0.1:{port}"), format!("127.0.0.1:{port},127.0.0.1:{dead}")]
    {
        let config = Config::parse(&format!("postgres://postgres:{password}@{hosts}/several")).unwrap();
        PostgresStore::open(config).await.unwrap();
    }
}

#[tokio::test]
async fn many_that_open_at_once_make_the_tables_once() {
    let config = database("at_once");
    let mut opens = JoinSet::new();
    for _ in 0..8 {
        opens.spawn(PostgresStore::open(config.clone()));
    }
    assert!(opens.join_all().await.iter().all(Result::is_ok));
    assert_eq!(server().sql("at_once", "SELECT count(*), max(format) FROM vestibule.format"), "1|1");
}

#[tokio::test]
async fn a_certificate_counts_when_its_authority_and_its_name_are_known() {
    let server = Postgres::start();
    let url = |host: &str, mode: &str| {
        let password = PASSWORD.replace(' ', "%20");
        format!("postgres://postgres:{password}@{host}:{}/postgres?sslmode={mode}", server.port())
    };
    let open = |host: &str, mode: &str, ca: Option<Vec<u8>>| {
        let config = Config::parse(&url(host, mode)).unwrap();
        PostgresStore::open(match ca {
            Some(pem) => config.with_ca(pem),
            None => config,
        })
    };
    assert_eq!(
        refusal(&url("127.0.0.1", "require")).await,
        format!(
            "127.0.0.1:{}: TLS failed: error performing TLS handshake: server does not support TLS; \
             see sslmode in the URL and store_ca_file",
            server.port()
        )
    );
    let ca = server.serve_tls();
    open("127.0.0.1", "require", None).await.unwrap();
    open("127.0.0.1", "prefer", None).await.unwrap();
    let encrypted = server.sql("postgres", "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
    assert_eq!(encrypted, "t", "the server takes TLS");
    let unknown = open("localhost", "verify-full", None).await.unwrap_err().to_string();
    assert!(unknown.contains("invalid peer certificate: UnknownIssuer"), "{unknown}");
    open("localhost", "verify-full", Some(ca.clone())).await.unwrap();
    open("127.0.0.1", "verify-ca", Some(ca.clone())).await.unwrap();
    let other = open("127.0.0.1", "verify-full", Some(ca)).await.unwrap_err().to_string();
    assert!(other.contains("certificate not valid for name"), "{other}");
    let none =
        open("localhost", "verify-full", Some(b"no certificate".to_vec())).await.unwrap_err().to_string();
    assert!(none.contains("store_ca_file holds no certificates in PEM"), "{none}");
}

#[tokio::test]
async fn settings_that_lose_acknowledged_writes_are_warned_of() {
    database("careless");
    server().sql("postgres", "ALTER DATABASE careless SET synchronous_commit = off");
    let warnings = rig::store("careless").await.warnings().await;
    assert!(warnings[0].starts_with("synchronous_commit is off"), "{warnings:?}");
    // As the tests' own server is, for speed.
    assert!(warnings[1].starts_with("fsync or full_page_writes is off"), "{warnings:?}");
    assert_eq!(warnings.len(), 2, "{warnings:?}");
}
