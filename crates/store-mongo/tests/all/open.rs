//! Who cannot be served is told what to change, in so many words.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::thread;
use std::time::Duration;

use futures_util::future::join_all;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Document, doc};
use mongodb::{Client, Database};
use vestibule_ports::session_store::SessionStore as _;
use vestibule_store_mongo::{Config, MongoStore, SCHEMA, examine};
use vestibule_testkit::patience::{PATIENCE, Patience};
use vestibule_testkit::port::Port;
use vestibule_testkit::server::mongo::{ROOT, ROOT_PASSWORD, ReplicaSet, SET, Standalone};

use crate::server::{self, GUARDED, NOW, guarded_url, handle, users_of_guarded};

fn guarded(user: &str, database: &str, options: &str) -> Config {
    Config::parse(&format!("{}{options}", guarded_url(user, database))).unwrap()
}

async fn refused(config: Config) -> String {
    MongoStore::open(config).await.expect_err("it must not open").to_string()
}

async fn refused_url(url: &str) -> String {
    refused(Config::parse(url).unwrap()).await
}

/// Makes a user with these rights on `shop`.
async fn grant(user: &str, actions: &[&str]) {
    let admin = users_of_guarded().await;
    let resource = doc! { "db": "shop", "collection": "" };
    let role = doc! {
        "createRole": user,
        "privileges": [{ "resource": resource, "actions": actions.to_vec() }],
        "roles": [],
    };
    admin.run_command(role).await.unwrap();
    admin.run_command(doc! { "createUser": user, "pwd": "pass", "roles": [user] }).await.unwrap();
}

/// A server of another kind: whatever it is asked, it says this.
fn stranger(says: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for socket in listener.incoming() {
            let mut socket = socket.unwrap();
            let _asked = socket.read(&mut [0; 1024]);
            let _said = socket.write_all(says);
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_where_nobody_listens_is_named() {
    let port = Port::free();
    assert_eq!(
        refused_url(&format!("mongodb://127.0.0.1:{port}/shop")).await,
        format!(
            "no MongoDB primary can be reached at 127.0.0.1:{port}: 127.0.0.1:{port}: Connection refused (os error 111)"
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_of_other_kinds_are_known_for_what_they_are_not() {
    for says in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b"-ERR unknown command\r\n"] {
        let address = stranger(says);
        assert_eq!(
            refused_url(&format!("mongodb://{address}/shop")).await,
            format!(
                "{address} does not behave like a MongoDB server: what it answers is not MongoDB's protocol"
            )
        );
    }
    let address = stranger(b"");
    assert_eq!(
        refused_url(&format!("mongodb://{address}/shop")).await,
        format!(
            "{address} does not behave like a MongoDB server: it hung up; if it demands TLS, add tls=true to the URL"
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_outside_a_replica_set_is_refused() {
    let alone = Standalone::start();
    let address = alone.address();
    for url in [format!("mongodb://{address}/shop"), format!("mongodb://{address}/shop?replicaSet={SET}")] {
        assert_eq!(
            refused_url(&url).await,
            format!(
                "{address} is a standalone server, which cannot tell other nodes of changes: start it with \
                 --replSet NAME and run rs.initiate() once; a replica set of one is enough"
            )
        );
    }
    let waiting = Standalone::waiting_for_its_set();
    let address = waiting.address();
    assert_eq!(
        refused_url(&format!("mongodb://{address}/shop")).await,
        format!("{address} waits for its replica set to be founded: run rs.initiate() there once")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn another_replica_set_than_the_one_named_is_refused() {
    let url = server::url("shop").replace(SET, "other");
    let said = refused_url(&url).await;
    assert!(
        said.ends_with("belongs to the replica set \"vestibule\", and the URL says replicaSet=other"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_told_what_they_lack() {
    grant("reader", &["find"]).await;
    grant("editor", &["find", "insert", "update", "remove", "createCollection", "createIndex"]).await;
    assert_eq!(
        refused(guarded("nobody:wrong", "shop", "")).await,
        "MongoDB does not accept the password of \"nobody\": check it, and name the database that the user was made \
         in (?authSource=admin) if it is not \"admin\""
    );
    assert_eq!(
        refused(Config::parse(&GUARDED.url("shop")).unwrap()).await,
        "MongoDB wants a user: put it into the URL, as in mongodb://user@host/, and its password into a file"
    );
    assert_eq!(
        examine(guarded("reader:pass", "shop", "")).await.unwrap_err().to_string(),
        "the user \"reader\" may not insert and update in the database \"shop\": grant it the role readWrite there"
    );
    let new = examine(guarded("editor:pass", "shop", "")).await.unwrap();
    assert!(new.is_new, "{new:?}");
    assert_eq!(
        refused(guarded("reader:pass", "shop", "")).await,
        "the user \"reader\" may not make collections and indexes in the database \"shop\": grant it the role readWrite \
         there"
    );
    assert_eq!(
        refused(guarded("editor:pass", "shop", "")).await,
        "the user \"editor\" may not open a change stream (the action changeStream) in the database \"shop\": grant it \
         the role readWrite there"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_nobody_vouches_for_is_refused_and_a_known_one_is_not() {
    let root = || guarded(ROOT, "tls", "&tls=true").with_password(ROOT_PASSWORD.to_owned());
    let said = refused(root()).await;
    assert!(said.starts_with("no TLS connection to 127.0.0.1:") && said.contains("UnknownIssuer"), "{said}");
    let ca = GUARDED.ca().unwrap().as_bytes().to_vec();
    let store = MongoStore::open(root().with_ca(ca)).await.unwrap();
    store.get(handle(1), NOW).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_schema_is_refused() {
    let url = server::url("newer");
    server::open(&url).await;
    let meta = Client::with_uri_str(&url).await.unwrap().database("newer").collection::<Document>("meta");
    let newer = doc! { "$set": { "version": SCHEMA + 1 } };
    meta.update_one(doc! { "_id": "schema" }, newer).await.unwrap();
    assert_eq!(
        refused_url(&url).await,
        "the database \"newer\" has schema 2 and this program knows 1: run the newer program, or name another database"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_nodes_that_open_a_new_database_at_once_one_makes_it() {
    let url = server::url("many");
    let database = Client::with_uri_str(&url).await.unwrap().database("many");
    // Takes note of every command.
    database.run_command(doc! { "profile": 2 }).await.unwrap();
    let opened = join_all((0..8).map(|_| server::open(&url))).await;
    opened[7].get(handle(1), NOW).await.unwrap();
    let noted = database.collection::<Document>("system.profile");
    let made = noted.count_documents(doc! { "command.createIndexes": { "$exists": true } }).await.unwrap();
    assert_eq!(made, 3, "indexes of three collections, each made once");
    let meta = database.collection::<Document>("meta");
    let lock = meta.find_one(doc! { "_id": "lock" }).await.unwrap().unwrap();
    assert!(lock.get_datetime("until").unwrap().timestamp_millis() < 0, "the lock is free: {lock}");
}

/// Has somebody who does nothing hold the lock of a database for so long from now on.
async fn hold_lock(database: &Database, millis: i64) -> String {
    let until = doc! { "$add": ["$$NOW", millis] };
    let held = vec![doc! { "$set": { "until": until, "holder": ObjectId::new() } }];
    let meta = database.collection::<Document>("meta");
    meta.update_one(doc! { "_id": "lock" }, held).upsert(true).await.unwrap();
    let lock = meta.find_one(doc! { "_id": "lock" }).await.unwrap().unwrap();
    lock.get_datetime("until").unwrap().try_to_rfc3339_string().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_makes_anything_while_another_node_is_at_it_and_a_dead_one_is_waited_for_briefly() {
    let url = server::url("locked");
    let database = Client::with_uri_str(&url).await.unwrap().database("locked");
    let until = hold_lock(&database, 3_600_000).await;
    assert_eq!(
        refused_url(&url).await,
        format!(
            "another node is making the collections of the database \"locked\", and has until {until} by the server's \
             clock: start again then"
        )
    );
    assert_eq!(database.list_collection_names().await.unwrap(), ["meta"], "it has touched nothing");
    let looked = examine(Config::parse(&url).unwrap()).await.unwrap();
    assert!(looked.is_new, "a look needs no lock");

    hold_lock(&database, 1_500).await;
    let patience = Patience::new(PATIENCE);
    server::open(&url).await.get(handle(1), NOW).await.unwrap();
    assert!(patience.waited() >= Duration::from_secs(1), "it has waited for its turn: {patience:?}");
    let meta = database.collection::<Document>("meta");
    let schema = meta.find_one(doc! { "_id": "schema" }).await.unwrap().unwrap();
    assert_eq!(schema.get_i32("version").unwrap(), SCHEMA);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_servers_settings_may_lose_is_warned_of() {
    let store = server::open(&server::url("warned")).await;
    let warnings = store.warnings().await;
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].starts_with("the replica set has one member"), "{warnings:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_majority_that_does_not_journal_before_it_acknowledges_is_warned_of() {
    let set = ReplicaSet::of_one();
    let url = set.url("warned");
    let store = server::open(&url).await;
    let admin = Client::with_uri_str(&url).await.unwrap().database("admin");
    let mut config = admin.run_command(doc! { "replSetGetConfig": 1 }).await.unwrap();
    let config = config.get_document_mut("config").unwrap();
    config.insert("version", config.get_i32("version").unwrap() + 1);
    config.insert("writeConcernMajorityJournalDefault", false);
    admin.run_command(doc! { "replSetReconfig": config.clone() }).await.unwrap();
    let warnings = store.warnings().await;
    assert!(
        warnings.iter().any(|warning| warning.starts_with("writeConcernMajorityJournalDefault is false")),
        "{warnings:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_read_proves_a_write_where_a_majority_has_it() {
    let url = server::url("proven");
    assert!(server::open(&url).await.capabilities().reading_proves);
    assert!(!server::open(&format!("{url}&w=1")).await.capabilities().reading_proves);
}
