//! Writes that the network has kept while others went on.

use std::sync::Arc;

use async_trait::async_trait;
use vestibule_testkit::fault::FaultProxy;
use vestibule_testkit::server::redis::Redis;
use vestibule_testkit::session_store::{Network, late_writes};

use crate::rig::store;

struct Between<'r> {
    redis: &'r Redis,
    proxy: FaultProxy,
}

impl Between<'_> {
    /// Scripts that the server has run: an update, an end and a touch are one each.
    fn scripts(&self) -> u64 {
        let counted = self.redis.command(&["INFO", "commandstats"]);
        let line = counted.lines().find_map(|line| line.strip_prefix("cmdstat_evalsha:calls="));
        line.map_or(0, |line| line.split(',').next().unwrap().parse().unwrap())
    }
}

#[async_trait]
impl Network for Between<'_> {
    async fn hold(&self) {
        self.proxy.black_hole();
    }

    async fn deliver(&self) {
        let both = self.scripts() + 2;
        self.proxy.heal();
        self.redis.until(&["INFO", "commandstats"], &format!("cmdstat_evalsha:calls={both},"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_that_arrive_late_undo_nothing() {
    let redis = Redis::start(&[]);
    let network = Between { redis: &redis, proxy: FaultProxy::start(redis.server.address()) };
    let far = store(&format!("redis://{}", network.proxy.address())).await;
    let near = store(&format!("redis://{}", redis.place())).await;
    late_writes(Arc::new(far), Arc::new(near), &network).await;
}
