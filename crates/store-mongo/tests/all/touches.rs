//! Touches by the thousand, from more nodes at once than most houses have.

use std::sync::Arc;
use std::time::Duration;

use mongodb::Client;
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, DateTime, doc};
use tokio::task::JoinSet;
use tokio::time::timeout;
use vestibule_domain::identity::{Handle, Timestamp};
use vestibule_ports::session_store::{SessionStore as _, Slot, TOUCHES_MAX};
use vestibule_testkit::patience::Patience;
use vestibule_testkit::server::mongo::ReplicaSet;

use crate::server::{NOW, handle, open, record, tombstone, url};

/// Nodes that save a full batch at the same time.
const NODES: u64 = 4;

/// How long the sessions crate waits for a batch.
const CHORE_MAX: Duration = Duration::from_secs(2);

fn session(number: u64) -> Handle {
    let mut bytes = [0; 16];
    // Spread like random ones.
    bytes[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    bytes[8..].copy_from_slice(&number.to_be_bytes());
    Handle::from_bytes(bytes)
}

/// Long after `NOW`.
const LATER: DateTime = DateTime::from_millis(1_900_000_000_000);

fn binary(bytes: &[u8]) -> Binary {
    Binary { subtype: BinarySubtype::Generic, bytes: bytes.to_vec() }
}

fn seen_at(number: u64) -> Timestamp {
    NOW + Duration::from_millis(number)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn full_batches_of_several_nodes_at_once_are_all_saved_in_time() {
    let database = url("touched");
    let store = open(&database).await;
    let all = NODES * TOUCHES_MAX as u64;
    // As the store writes them, and all at once.
    let documents = (0..all).map(|number| {
        doc! { "_id": binary(session(number).as_bytes()), "version": 1_i64, "body": binary(b"1"), "expires_at": LATER }
    });
    let client = Client::with_uri_str(&database).await.unwrap();
    client.database("touched").collection("sessions").insert_many(documents).await.unwrap();

    let mut touched = JoinSet::new();
    for node in 0..NODES {
        let store = Arc::clone(&store);
        touched.spawn(async move {
            let first = node * TOUCHES_MAX as u64;
            let batch: Vec<_> =
                (first..first + TOUCHES_MAX as u64).map(|n| (session(n), seen_at(n))).collect();
            let waited = Patience::new(CHORE_MAX);
            (timeout(CHORE_MAX, store.touch(&batch)).await, waited.waited())
        });
    }
    for (answer, took) in touched.join_all().await {
        println!("a batch of {TOUCHES_MAX} took {took:?}");
        assert_eq!(answer, Ok(Ok(())), "after {took:?}");
    }

    for number in (0..all).step_by(37) {
        let Ok(Slot::Live(stored)) = store.get(session(number), NOW).await else {
            panic!("{number} is gone")
        };
        assert_eq!(stored.last_seen, Some(seen_at(number)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_touch_of_a_tombstone_changes_nothing_that_anybody_reads() {
    let store = open(&url("touched_late")).await;
    store.create(handle(1), record("1")).await.unwrap();
    store.end(handle(1), None, tombstone(), NOW).await.unwrap();
    store.touch(&[(handle(1), NOW), (handle(2), NOW)]).await.unwrap();
    assert_eq!(store.get(handle(1), NOW).await, Ok(Slot::Ended(tombstone())));
    assert_eq!(store.get(handle(2), NOW).await, Ok(Slot::Absent), "no session comes of a touch");
}

/// The server works on each command until its limit, as one does whose disk hangs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_batch_is_answered_by_the_server_before_its_task_ends() {
    let set = ReplicaSet::of_one();
    let database = set.url("shop");
    let store = open(&database).await;
    store.create(handle(1), record("1")).await.unwrap();
    let admin = Client::with_uri_str(&database).await.unwrap().database("admin");
    let others = (1..TOUCHES_MAX as u64).map(|number| (session(number), NOW));
    let batch: Vec<_> = others.chain([(handle(1), NOW)]).collect();

    admin.run_command(doc! { "fsync": 1, "lock": true }).await.unwrap();
    let answer = timeout(CHORE_MAX, store.touch(&batch)).await.expect("inside the time of a batch");
    let error = answer.expect_err("nothing can be written").to_string();
    assert!(error.contains("MaxTimeMSExpired"), "the server says why: {error}");

    admin.run_command(doc! { "fsyncUnlock": 1 }).await.unwrap();
    assert_eq!(timeout(CHORE_MAX, store.touch(&batch)).await, Ok(Ok(())));
    let Ok(Slot::Live(stored)) = store.get(handle(1), NOW).await else { panic!("it is gone") };
    assert_eq!(stored.last_seen, Some(NOW));
}
