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

/// The users that the example names, for servers and for sentinels: with fewer rights the store cannot be opened, with
/// these it can do everything.
fn users(password: &str) -> [String; 2] {
    let example = include_str!("../../../../docs/examples/redis.toml");
    let mut lines = example.lines().filter_map(|line| line.strip_prefix("# user "));
    let mut next = || format!("user {}", lines.next().unwrap().replace("PASSWORD", password));
    [next(), next()]
}

/// That for servers.
pub(crate) fn user(password: &str) -> String {
    let [user, _] = users(password);
    user
}

/// A cluster with TLS that only the example's user gets into, its URL and who vouches for it.
pub(crate) fn guarded_cluster(masters: usize, replicas: usize) -> (Cluster, String, String) {
    let cluster = Cluster::start_guarded(masters, replicas, &[&user("s3cret")]);
    let url = format!("rediss+cluster://vestibule:s3cret@{}", cluster.places());
    let ca = cluster.masters[0].ca().unwrap();
    (cluster, url, ca)
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
    session_store::all(&Prefixes { url, ca: redis.ca() }).await;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sentinel_set_with_tls_and_users_keeps_the_contract() {
    let [of_servers, of_sentinels] = users("s3cret");
    let set = SentinelSet::start_guarded(&[&of_servers], &[&of_sentinels]);
    let url = format!("rediss+sentinel://vestibule:s3cret@{}/{MASTER}/0?wait_replicas=1", set.places());
    let url = format!("{url}&wait_ms=1000");
    session_store::all_but_floods(&Prefixes { url, ca: set.servers[0].ca() }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_with_tls_and_users_keeps_the_contract() {
    let (_cluster, url, ca) = guarded_cluster(3, 0);
    session_store::all_but_floods(&Prefixes { url, ca: Some(ca) }).await;
}
