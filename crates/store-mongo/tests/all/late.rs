//! Writes that the network has kept while others went on.

use async_trait::async_trait;
use mongodb::bson::{Document, doc};
use mongodb::{Client, Database};
use vestibule_testkit::fault::FaultProxy;
use vestibule_testkit::patience::{PATIENCE, Patience};
use vestibule_testkit::server::mongo::ReplicaSet;
use vestibule_testkit::session_store::{Network, late_writes};

use crate::server::open;

struct Between {
    proxy: FaultProxy,
    admin: Database,
}

impl Between {
    /// Commands of this kind that have come to the server: an update, an end and a touch are one each.
    async fn updates(&self) -> i64 {
        let status = self.admin.run_command(doc! { "serverStatus": 1 }).await.unwrap();
        let commands = status.get_document("metrics").unwrap().get_document("commands").unwrap();
        commands.get_document("update").unwrap().get_i64("total").unwrap()
    }

    /// Whether it works on one now.
    async fn is_at_work(&self) -> bool {
        let now = doc! { "$currentOp": { "allUsers": true } };
        let ours = doc! { "$match": { "active": true, "ns": "late.sessions" } };
        let mut found = self.admin.aggregate([now, ours]).await.unwrap().with_type::<Document>();
        found.advance().await.unwrap()
    }
}

#[async_trait]
impl Network for Between {
    async fn hold(&self) {
        self.proxy.black_hole();
    }

    async fn deliver(&self) {
        let both = self.updates().await + 2;
        self.proxy.heal();
        let patience = Patience::new(PATIENCE);
        while self.updates().await < both || self.is_at_work().await {
            assert!(!patience.left().is_zero(), "they never arrive");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_that_arrive_late_undo_nothing() {
    let set = ReplicaSet::of_one();
    let proxy = FaultProxy::start(set.members()[0].address());
    // Past what the set says of itself, or the driver would go round the proxy.
    let through = format!("mongodb://{}/late?directConnection=true", proxy.address());
    let near = open(&set.url("late")).await;
    let far = open(&through).await;
    let admin = Client::with_uri_str(set.url("admin")).await.unwrap().database("admin");
    late_writes(far, near, &Between { proxy, admin }).await;
}
