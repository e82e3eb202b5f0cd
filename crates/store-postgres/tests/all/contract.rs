//! PostgreSQL keeps the contract of `SessionStore`.

use std::sync::Arc;

use async_trait::async_trait;
use vestibule_ports::session_store::SessionStore;
use vestibule_store_postgres::{Config, PostgresStore};
use vestibule_testkit::patience::PATIENCE;
use vestibule_testkit::server::postgres::SUPERUSER;
use vestibule_testkit::session_store::{self, Stores};

use crate::rig;

/// Each store is a schema.
struct Schemas;

#[async_trait]
impl Stores for Schemas {
    async fn open(&self, name: &str) -> Arc<dyn SessionStore> {
        // The suite has no deadlines, and more writers than this store has connections.
        drop(rig::database("contract"));
        let url = rig::server().url(SUPERUSER, "contract");
        let config = Config::parse(&format!("{url}?connections_max=6&schema={name}")).expect("a good URL");
        let config = config.with_wait_max(PATIENCE);
        Arc::new(PostgresStore::open(config).await.expect("the server is there"))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_the_contract() {
    session_store::all(&Schemas).await;
}
