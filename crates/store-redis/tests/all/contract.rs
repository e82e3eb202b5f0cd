//! The store keeps the contract of `SessionStore` on each arrangement of servers.

use std::sync::Arc;

use async_trait::async_trait;
use vestibule_ports::session_store::SessionStore;
use vestibule_store_redis::{Config, open};
use vestibule_testkit::server::redis::{Cluster, MASTER, Redis, SentinelSet};
use vestibule_testkit::session_store::{self, Stores};

/// Each store is a prefix.
struct Prefixes {
    url: String,
    ca: Option<String>,
}

impl Prefixes {
    fn of(url: String) -> Self {
        Self { url, ca: None }
    }
}

#[async_trait]
impl Stores for Prefixes {
    async fn open(&self, name: &str) -> Arc<dyn SessionStore> {
        let joint = if self.url.contains('?') { '&' } else { '?' };
        let mut config = Config::parse(&format!("{}{joint}prefix=vst:{name}", self.url)).unwrap();
        if let Some(ca) = &self.ca {
            config = config.with_ca(ca.clone().into_bytes());
        }
        Arc::new(open(config).await.unwrap())
    }
}

/// The user that the example names: with fewer rights the store cannot be opened, with these it can do everything.
pub(crate) fn user(password: &str) -> String {
    let example = include_str!("../../../../docs/examples/redis.toml");
    let line = example.lines().find_map(|line| line.strip_prefix("# user ")).unwrap();
    format!("user {}", line.replace("PASSWORD", password))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_server_keeps_the_contract() {
    let redis = Redis::start(&[]);
    session_store::all(&Prefixes::of(format!("redis://{}", redis.place()))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_server_with_tls_and_a_user_keeps_the_contract() {
    let redis = Redis::start_with_tls(&[&user("s3cret"), "user default off"]);
    let url = format!("rediss://vestibule:s3cret@{}/0", redis.place());
    let ca = redis.ca().map(str::to_owned);
    session_store::all(&Prefixes { url, ca }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sentinel_set_keeps_the_contract() {
    let set = SentinelSet::start(&[]);
    let url = format!("redis+sentinel://{}/{MASTER}?wait_replicas=1&wait_ms=1000", set.places());
    session_store::all(&Prefixes::of(url)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_keeps_the_contract() {
    let cluster = Cluster::start(3, 0);
    session_store::all(&Prefixes::of(format!("redis+cluster://{}", cluster.places()))).await;
}
