//! The embedded store keeps the contract of `SessionStore`.

use std::sync::Arc;

use async_trait::async_trait;
use tempfile::TempDir;
use vestibule_ports::session_store::SessionStore;
use vestibule_store_embedded::{Config, EmbeddedStore};
use vestibule_testkit::session_store::{self, Stores};

/// Each store is a file.
struct Files(TempDir);

#[async_trait]
impl Stores for Files {
    async fn open(&self, name: &str) -> Arc<dyn SessionStore> {
        let config = Config::new(self.0.path().join(name));
        Arc::new(EmbeddedStore::open(&config).expect("the directory is there and nobody else uses it"))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_the_contract() {
    session_store::all(&Files(TempDir::new().unwrap())).await;
}
