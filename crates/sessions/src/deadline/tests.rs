//! One budget for all that a request asks of the store. On tokio's paused time: what is waited for is exact.

use std::sync::Arc;

use vestibule_domain::identity::Handle;
use vestibule_ports::memory::{Fault, MemorySessionStore};
use vestibule_ports::session_store::SessionStore as _;

use super::*;
use crate::commit::CommitError;
use crate::rig::{HANDLE, Rig, pass, record_of, session, tombstone};
use crate::sessions::{Config, Found, Sessions};

const OTHER: Handle = Handle::from_bytes([8; 16]);

/// How long something took.
async fn timed<T>(work: impl Future<Output = T>) -> (T, Duration) {
    let start = Instant::now();
    (work.await, start.elapsed())
}

fn is_unknown(error: &StoreError) -> bool {
    matches!(error, StoreError::Unknown(_))
}

#[tokio::test(start_paused = true)]
async fn a_write_and_the_look_whether_it_was_done_share_one_deadline() {
    let rig = Rig::new().await;
    rig.get().await;
    for held in [Fault::HoldCalls, Fault::HoldAnswers] {
        rig.store.set_fault(held);
        let (created, took) = timed(rig.sessions.create(OTHER, &session(5), rig.sessions.deadline())).await;
        assert!(created.is_err_and(|error| is_unknown(&error)));
        assert_eq!(took, STORE_DEADLINE);
        let (saved, took) = timed(rig.sessions.commit(HANDLE, |_, _| Ok(session(2)))).await;
        assert!(matches!(saved, Err(CommitError::Store(_))), "{saved:?}");
        assert_eq!(took, STORE_DEADLINE);
        let store = &rig.store;
        store.set_fault(Fault::None);
        let (ended, took) = timed(rig.sessions.end(HANDLE, |_| {
            store.set_fault(held);
            Some(tombstone())
        }))
        .await;
        assert!(matches!(ended, Err(CommitError::Store(error)) if is_unknown(&error)));
        assert!(took <= STORE_DEADLINE, "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_has_two_thirds_of_the_time_and_the_look_has_the_rest() {
    let rig = Rig::new().await;
    rig.store.set_fault(Fault::HoldAnswers);
    let sessions = Arc::clone(&rig.sessions);
    let creating =
        tokio::spawn(async move { timed(sessions.create(OTHER, &session(5), sessions.deadline())).await });
    pass(STORE_DEADLINE * 3 / 5).await;
    assert!(!creating.is_finished());
    // Now the write is given up, and looked for.
    pass(Duration::from_millis(50)).await;
    rig.store.set_fault(Fault::None);
    let (created, took) = creating.await.unwrap();
    assert_eq!(created, Ok(vestibule_ports::session_store::Created::Created));
    assert!(took > STORE_DEADLINE * 2 / 3 && took < STORE_DEADLINE, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_turn_is_part_of_it_and_what_is_too_late_is_not_sent() {
    let rig = Rig::new().await;
    rig.get().await;
    rig.store.set_fault(Fault::HoldCalls);
    let first = rig.sessions.commit(HANDLE, |_, _| Ok(session(2)));
    let second = rig.sessions.commit(HANDLE, |_, _| panic!("its turn never comes in time"));
    let (first, second) = tokio::join!(timed(first), timed(second));
    assert!(matches!(first, (Err(_), STORE_DEADLINE)), "{first:?}");
    assert!(matches!(second, (Err(_), STORE_DEADLINE)), "{second:?}");

    let deadline = Deadline::within(WRITE_MIN);
    pass(Duration::from_millis(1)).await;
    let refused = deadline.write(async { panic!("this is not begun") }).await;
    assert!(matches!(refused, Err::<(), _>(StoreError::Unreachable(_))));
}

#[tokio::test(start_paused = true)]
async fn somebody_who_joined_a_read_late_has_time_of_his_own() {
    let rig = Rig::new().await;
    rig.store.set_fault(Fault::HoldCalls);
    let first = rig.start_get_timed().await;
    pass(STORE_DEADLINE / 2).await;
    let second = rig.start_get_timed().await;
    let (found, took) = first.await.unwrap();
    assert_eq!((found, took), (Err(StoreError::Deadline), STORE_DEADLINE));
    rig.store.set_fault(Fault::None);
    assert_eq!(second.await.unwrap(), (Ok(Some(1)), STORE_DEADLINE / 2));
}

#[tokio::test(start_paused = true)]
async fn several_calls_under_one_deadline_take_no_longer_than_one() {
    let rig = Rig::new().await;
    let all = async {
        let deadline = rig.sessions.deadline();
        let found = rig.sessions.get_fresh_by(HANDLE, deadline).await;
        pass(STORE_DEADLINE / 2).await;
        rig.store.set_fault(Fault::HoldCalls);
        let known = rig.cached();
        (found, rig.sessions.end_by(HANDLE, deadline, known, |_| Some(tombstone())).await)
    };
    let ((found, ended), took) = timed(all).await;
    assert!(matches!(found, Ok(Found::Live(..))), "{found:?}");
    assert!(matches!(ended, Err(CommitError::Store(error)) if is_unknown(&error)));
    assert!(took <= STORE_DEADLINE, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn the_deadline_is_a_setting() {
    let store = Arc::new(MemorySessionStore::new());
    store.create(HANDLE, record_of(&session(1))).await.unwrap();
    let deadline = Duration::from_millis(120);
    let clock = Arc::new(vestibule_ports::clock::TestClock::new(crate::rig::now()));
    let config = Config { deadline, ..Config::default() };
    let sessions = Sessions::<()>::new(store.clone(), clock, 1, config);
    store.set_fault(Fault::HoldCalls);
    assert_eq!(timed(sessions.get(HANDLE)).await.1, deadline);
    assert_eq!(timed(sessions.create(OTHER, &session(5), sessions.deadline())).await.1, deadline);
    store.set_fault(Fault::None);
    assert!(matches!(sessions.get(HANDLE).await, Ok(Found::Live(..))));
}
