//! Writes that the network has kept while others went on.

use std::sync::Arc;

use async_trait::async_trait;
use vestibule_ports::session_store::StoreError;
use vestibule_store_postgres::{Config, PostgresStore};
use vestibule_testkit::fault::FaultProxy;
use vestibule_testkit::server::postgres::{Postgres, SUPERUSER};
use vestibule_testkit::session_store::{Network, late_writes};

use crate::rig::{healed, store_on};

/// What stands in an update, an end and a touch, and nowhere else.
const WRITES: [&str; 3] = ["version = version + 1", "SET ended = true, expires_at", ".seen SET at"];

struct Between<'p> {
    server: &'p Postgres,
    proxy: FaultProxy,
}

impl Between<'_> {
    /// How many of these the server has carried out, by its log.
    fn writes(&self) -> usize {
        let log = self.server.log();
        let entries = log.split("LOG:  duration: ").skip(1);
        let done =
            entries.filter(|entry| entry.lines().next().is_some_and(|line| line.contains(" execute ")));
        done.filter(|entry| WRITES.iter().any(|write| entry.contains(write))).count()
    }
}

#[async_trait]
impl Network for Between<'_> {
    async fn hold(&self) {
        self.proxy.black_hole();
    }

    async fn deliver(&self) {
        let before = self.writes();
        self.proxy.heal();
        healed(|| async {
            match self.writes() {
                writes if writes == before + 2 => Ok(()),
                writes => Err(StoreError::Unreachable(format!("{writes} instead of {before} and two"))),
            }
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_that_arrive_late_undo_nothing() {
    let server = Postgres::start_with(&["log_min_duration_statement=0"]);
    let target = ([127, 0, 0, 1], server.port()).into();
    let network = Between { server: &server, proxy: FaultProxy::start(target) };
    let direct = format!(":{}/", server.port());
    let through =
        server.url(SUPERUSER, "postgres").replace(&direct, &format!(":{}/", network.proxy.address().port()));
    let near = store_on(&server).await;
    let far = PostgresStore::open(Config::parse(&format!("{through}?connections_max=8")).unwrap()).await;
    late_writes(Arc::new(far.unwrap()), Arc::new(near), &network).await;
}
