//! The store keeps the contract of `SessionStore`, as the user that the example makes, over TLS.

use std::sync::Arc;

use async_trait::async_trait;
use mongodb::bson::doc;
use vestibule_ports::session_store::SessionStore;
use vestibule_store_mongo::{Config, MongoStore};
use vestibule_testkit::session_store::{self, Stores};

use crate::server::{GUARDED, guarded_url, users_of_guarded};

/// Each store is a database, with a user of its own.
struct Databases;

/// All that the example's user may do in its database.
fn role() -> &'static str {
    let example = include_str!("../../../../docs/examples/mongo.toml");
    let mut roles = example.split("role: \"").skip(1).map(|behind| behind.split('"').next().unwrap());
    let role = roles.next().unwrap();
    assert_eq!(roles.next(), None, "the example grants one role");
    role
}

#[async_trait]
impl Stores for Databases {
    async fn open(&self, name: &str) -> Arc<dyn SessionStore> {
        // MongoDB takes names of up to 63 characters.
        let database = &name[..name.len().min(60)];
        let user =
            doc! { "createUser": database, "pwd": "pass", "roles": [{ "role": role(), "db": database }] };
        // The second time it is there.
        let _made = users_of_guarded().await.run_command(user).await;
        // A hundred race in some rules, and on a slow machine a place is not waited for that long.
        let url = format!("{}&tls=true&maxPoolSize=128", guarded_url(&format!("{database}:pass"), database));
        let ca = GUARDED.ca().unwrap().as_bytes().to_vec();
        Arc::new(MongoStore::open(Config::parse(&url).unwrap().with_ca(ca)).await.unwrap())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_the_contract() {
    session_store::all(&Databases).await;
}
