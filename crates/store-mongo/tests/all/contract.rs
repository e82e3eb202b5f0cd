//! The store keeps the contract of `SessionStore`.

use std::sync::Arc;

use async_trait::async_trait;
use vestibule_ports::session_store::SessionStore;
use vestibule_testkit::session_store::{self, Stores};

use crate::server;

/// Each store is a database.
struct Databases;

#[async_trait]
impl Stores for Databases {
    async fn open(&self, name: &str) -> Arc<dyn SessionStore> {
        // MongoDB takes names of up to 63 characters.
        let url = server::url(&name[..name.len().min(60)]);
        // A hundred race in some rules, and on a slow machine a place is not waited for that long.
        server::open(&format!("{url}&maxPoolSize=128")).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_the_contract() {
    session_store::all(&Databases).await;
}
