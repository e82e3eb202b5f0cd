//! `MemorySessionStore` keeps the contract, and its faults do what they say.

use std::sync::Arc;

use async_trait::async_trait;
use vestibule_domain::identity::{Handle, Timestamp};
use vestibule_ports::memory::{Fault, MemorySessionStore};
use vestibule_ports::session_store::{Created, Record, SessionStore, Slot, StoreError};
use vestibule_testkit::session_store::{self, Stores};

struct Memory;

#[async_trait]
impl Stores for Memory {
    async fn open(&self, _: &str) -> Arc<dyn SessionStore> {
        Arc::new(MemorySessionStore::new())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_the_contract() {
    session_store::all(&Memory).await;
}

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const HANDLE: Handle = Handle::from_bytes([7; 16]);

fn record() -> Record {
    Record { body: "body".into(), user: None, expires_at: Timestamp::from_secs(1_900_000_000) }
}

#[tokio::test]
async fn an_unreachable_store_carries_nothing_out() {
    let store = MemorySessionStore::new();
    store.set_fault(Fault::Unreachable);
    assert!(matches!(store.create(HANDLE, record()).await, Err(StoreError::Unreachable(_))));
    assert!(matches!(store.watch().await, Err(StoreError::Unreachable(_))));
    store.set_fault(Fault::None);
    assert_eq!(store.get(HANDLE, NOW).await, Ok(Slot::Absent));
}

#[tokio::test]
async fn a_lost_answer_leaves_the_write_committed() {
    let store = MemorySessionStore::new();
    store.set_fault(Fault::LoseAnswers);
    assert!(matches!(store.create(HANDLE, record()).await, Err(StoreError::Unknown(_))));
    assert!(matches!(store.get(HANDLE, NOW).await, Ok(Slot::Live(_))));
    store.set_fault(Fault::None);
    assert_eq!(store.create(HANDLE, record()).await, Ok(Created::Exists));
}

#[tokio::test]
async fn held_calls_and_held_answers_differ_in_what_has_happened() {
    let store = Arc::new(MemorySessionStore::new());
    for (fault, carried_out) in [(Fault::HoldCalls, 0), (Fault::HoldAnswers, 1)] {
        store.set_fault(fault);
        let before = store.reads();
        let held = tokio::spawn({
            let store = Arc::clone(&store);
            async move { store.get(HANDLE, NOW).await }
        });
        tokio::task::yield_now().await;
        assert!(!held.is_finished());
        assert_eq!(store.reads() - before, carried_out, "{fault:?}");
        store.set_fault(Fault::None);
        assert_eq!(held.await.unwrap(), Ok(Slot::Absent));
    }
}
