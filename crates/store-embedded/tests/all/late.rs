//! Writes whose callers have given them up. There is one queue, so they are done before what is asked for later.

use std::time::Duration;

use tempfile::TempDir;
use tokio::time::timeout;
use vestibule_domain::identity::{Handle, Timestamp};
use vestibule_ports::session_store::{Ended, Record, SessionStore as _, Slot, Tombstone};
use vestibule_store_embedded::{Config, EmbeddedStore};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const UNTIL: Timestamp = Timestamp::from_secs(1_800_003_600);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_that_were_given_up_undo_nothing() {
    let dir = TempDir::new().unwrap();
    let store = EmbeddedStore::open(&Config::new(dir.path().join("sessions"))).unwrap();
    let record = |body: &'static str| Record { body: body.into(), user: None, expires_at: UNTIL };
    let tombstone = || Tombstone { body: "over".into(), expires_at: UNTIL };
    for number in 0..100 {
        let handle = Handle::from_bytes([number; 16]);
        store.create(handle, record("1")).await.unwrap();
        let touch = [(handle, NOW)];
        // On their way, and nobody waits for an answer.
        let _no_answer = timeout(Duration::ZERO, store.update(handle, 1, record("late"), NOW)).await;
        let _no_answer = timeout(Duration::ZERO, store.touch(&touch)).await;
        assert_eq!(store.end(handle, None, tombstone(), NOW).await, Ok(Ended::Ended));
        assert_eq!(store.end(handle, None, tombstone(), NOW).await, Ok(Ended::Already));
        assert_eq!(store.get(handle, NOW).await, Ok(Slot::Ended(tombstone())));
    }
}
