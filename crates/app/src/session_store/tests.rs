//! What keeps a store from being used is told under the name of the setting to look at, by a check and by a start alike.
#![expect(clippy::unwrap_used, reason = "these are tests, down to the functions that they share")]

use std::fs::{self, Permissions};
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::thread;

use mongodb::Client;
use mongodb::bson::doc;
use vestibule_testkit::port::Port;
use vestibule_testkit::server::mongo::{Manner, ROOT, ROOT_PASSWORD, ReplicaSet};
use vestibule_testkit::server::postgres::{PASSWORD, Postgres};
use vestibule_testkit::server::redis::Redis;

use crate::config::Config;
use crate::serve;

const EXAMPLE: &str = include_str!("../../../../docs/examples/postgres.toml");

/// The example with another store, and nothing that stands in anybody's way.
fn config(dir: &Path, store: &str) -> Config {
    let line = |line: &str| match line {
        _ if line.starts_with("store = ") => store.to_owned(),
        _ if line.starts_with("bind = ") => "bind = \"127.0.0.1:0\"".to_owned(),
        _ => line.to_owned(),
    };
    let text = EXAMPLE.lines().map(line).collect::<Vec<_>>().join("\n");
    let file = dir.join("v.toml");
    fs::write(&file, text).unwrap();
    Config::read(&file).unwrap_or_else(|bad| panic!("{bad}"))
}

/// What a check says, and what a start ends with.
fn told(url: &str, password: Option<&str>) -> [String; 2] {
    let dir = tempfile::tempdir().unwrap();
    let mut store = format!("store = \"{url}\"");
    if let Some(password) = password {
        let file = dir.path().join("password");
        fs::write(&file, password).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        store += "\nstore_password_file = \"password\"";
    }
    let asked = serve::ask(&config(dir.path(), &store)).unwrap();
    let [checked] = &asked.refusals[..] else { panic!("{url}: {asked:?}") };
    let Err(ended) = serve::start(config(dir.path(), &store)) else { panic!("{url}: it starts") };
    [checked.clone(), format!("{ended:#}")]
}

/// Both begin with the setting, and go on with what is wrong.
#[track_caller]
fn names(setting: &str, what: &str, url: &str, password: Option<&str>) {
    for said in told(url, password) {
        assert!(said.starts_with(&format!("{setting}: ")) && said.contains(what), "{url}: {said}");
        assert!(!said.contains("canary"), "a password is in it: {said}");
    }
}

/// A server of another kind: whatever it hears, it answers as the web does.
fn stranger() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for peer in listener.incoming() {
            let mut peer = peer.unwrap();
            thread::spawn(move || {
                let _asked = peer.read(&mut [0; 1_024]);
                let _said = peer.write_all(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n");
                let _over = peer.shutdown(Shutdown::Write).and_then(|()| peer.read_to_end(&mut Vec::new()));
            });
        }
    });
    address
}

#[test]
fn what_is_wrong_with_a_postgres_is_told_by_its_setting() {
    let server = Postgres::start();
    server.account("clerk");
    let (port, nobody, web) = (server.port(), Port::free(), stranger());
    let at = |user: &str| format!("postgres://{user}@127.0.0.1:{port}/postgres");
    names("sessions.store", "cannot be reached", &format!("postgres://u:canary@127.0.0.1:{nobody}/d"), None);
    names("sessions.store", "does not speak PostgreSQL", &format!("postgres://u:canary@{web}/d"), None);
    names("sessions.store", "refuses user clerk", &at("clerk:canary"), None);
    names("sessions.store_password_file", "refuses user clerk", &at("clerk"), Some("canary\n"));
    names("sessions.store", "lacks a privilege", &at("clerk"), Some(PASSWORD));
    names("sessions.store", "no database nowhere", &server.url("clerk", "nowhere"), None);
}

#[test]
fn what_is_wrong_with_a_redis_is_told_by_its_setting() {
    let server = Redis::start(&["user default off", "user clerk on >pass ~vst:* &vst:* +info +ping +select"]);
    let (place, nobody, web) = (server.place(), Port::free(), stranger());
    let at = |user: &str| format!("redis://{user}@{place}");
    names("sessions.store", "cannot be reached", &format!("redis://:canary@127.0.0.1:{nobody}"), None);
    names("sessions.store", "no Redis for sessions", &format!("redis://:canary@{web}"), None);
    names("sessions.store", "refuses the user or password", &at("clerk:canary"), None);
    names("sessions.store_password_file", "refuses the user or password", &at("clerk"), Some("canary\n"));
    names("sessions.store", "does not let its user do all", &at("clerk"), Some("pass"));
}

#[test]
fn what_is_wrong_with_a_mongo_is_told_by_its_setting() {
    let set = ReplicaSet::start(1, Manner { users: true, ..Manner::default() });
    let at = |user: &str, database: &str| {
        set.url(database).replace("mongodb://", &format!("mongodb://{user}@")) + "&authSource=admin"
    };
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let root = at(&format!("{ROOT}:{}", ROOT_PASSWORD.replace(' ', "%20")), "admin");
        let admin = Client::with_uri_str(root).await.unwrap().database("admin");
        let roles = vec![doc! { "role": "read", "db": "shop" }];
        admin.run_command(doc! { "createUser": "clerk", "pwd": "pass", "roles": roles }).await.unwrap();
    });
    let (nobody, web) = (Port::free(), stranger());
    names("sessions.store", "can be reached", &format!("mongodb://u:canary@127.0.0.1:{nobody}/shop"), None);
    names("sessions.store", "does not behave like", &format!("mongodb://u:canary@{web}/shop"), None);
    names("sessions.store", "does not accept the password", &at("clerk:canary", "shop"), None);
    names(
        "sessions.store_password_file",
        "does not accept the password",
        &at("clerk", "shop"),
        Some("canary\n"),
    );
    names("sessions.store", "grant it the role readWrite", &at("clerk", "shop"), Some("pass"));
}

#[test]
fn a_url_that_cannot_be_used_is_told_by_its_setting() {
    let dir = tempfile::tempdir().unwrap();
    for (url, what) in [
        ("postgres://localhost/shop", "names no user"),
        ("postgres://u@h/shop?schema=pg_catalog", "schema"),
        ("redis://h:0", "a port"),
        ("redis+sentinel://h", "names the master"),
        ("rediss+cluster://h/3", "database 0 only"),
        ("mongodb://h/admin", "MongoDB's own"),
        ("mongodb://h/shop?readPreference=secondary", "readPreference"),
        ("mysql://u:canary@h/shop", "no store for mysql://"),
        ("u:canary@h", "neither"),
    ] {
        let store = format!("store = \"{url}\"");
        let checked = serve::check(&config(dir.path(), &store)).expect_err(url).to_string();
        let Err(ended) = serve::start(config(dir.path(), &store)) else { panic!("{url}: it starts") };
        for said in [checked, format!("{ended:#}")] {
            assert!(said.contains(": sessions.store: ") && said.contains(what), "{url}: {said}");
            assert!(!said.contains("canary"), "a password is in it: {said}");
        }
    }
}

#[test]
fn a_file_without_certificates_is_told_by_its_setting() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("ca.pem"), "no certificate\n").unwrap();
    let file = dir.path().join("v.toml");
    let store = "[sessions]\nstore = \"rediss://h\"\nstore_ca_file = \"ca.pem\"\n";
    fs::write(&file, store).unwrap();
    let said = Config::read(&file).expect_err("there is no certificate").to_string();
    assert!(said.contains(": sessions.store_ca_file: "), "{said}");
    assert!(said.contains("ca.pem: holds no certificates in PEM"), "{said}");
}

#[test]
fn the_example_for_postgres_works_as_it_says() {
    let server = Postgres::start();
    let behind = EXAMPLE.split("psql -c \"").nth(1).expect("it makes a role");
    server.sql("postgres", behind.split('"').next().expect("and closes the quotation"));
    assert!(EXAMPLE.contains("createdb --owner vestibule vestibule\n"));
    server.sql("postgres", "CREATE DATABASE vestibule OWNER vestibule");
    let dir = tempfile::tempdir().unwrap();
    let line = EXAMPLE.lines().find(|line| line.starts_with("store = ")).unwrap();
    let line = line.replace("@localhost/", &format!("@127.0.0.1:{}/", server.port()));
    let asked = serve::ask(&config(dir.path(), &line)).unwrap();
    assert_eq!(asked.refusals, [""; 0]);
    serve::start(config(dir.path(), &line)).unwrap_or_else(|fault| panic!("{fault:#}")).stop();
}
