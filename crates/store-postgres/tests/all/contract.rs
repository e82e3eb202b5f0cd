//! PostgreSQL keeps the contract of `SessionStore`, for an account that owns its database and may do nothing else.

use std::sync::Arc;

use async_trait::async_trait;
use vestibule_ports::session_store::SessionStore;
use vestibule_store_postgres::{Config, PostgresStore};
use vestibule_testkit::patience::PATIENCE;
use vestibule_testkit::session_store::{self, Stores};

use crate::rig;

/// The account, as the example makes it.
const OWNER: &str = "vestibule";

/// Each store is a schema.
struct Schemas;

#[async_trait]
impl Stores for Schemas {
    async fn open(&self, name: &str) -> Arc<dyn SessionStore> {
        // The suite has no deadlines, and more writers than this store has connections.
        let url = rig::server().url(OWNER, "contract");
        let config = Config::parse(&format!("{url}?connections_max=6&schema={name}")).expect("a good URL");
        let config = config.with_wait_max(PATIENCE);
        Arc::new(PostgresStore::open(config).await.expect("the server is there"))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_the_contract() {
    drop(rig::database("contract"));
    rig::server().account(OWNER);
    rig::server().sql("postgres", &format!("ALTER DATABASE contract OWNER TO {OWNER}"));
    session_store::all(&Schemas).await;
}
