//! Commits: conflicts, unknown outcomes, ends; never on a stale copy.

use std::sync::Arc;

use futures_util::FutureExt as _;
use vestibule_domain::identity::Handle;
use vestibule_ports::clock::Clock as _;
use vestibule_ports::memory::Fault;
use vestibule_ports::session_store::SessionStore as _;

use super::*;
use crate::lease::LEASE;
use crate::rig::{HANDLE, Rig, kept_tombstone, now, number_of, record_of, session, tombstone};

const OTHER: Handle = Handle::from_bytes([8; 16]);

#[tokio::test]
async fn a_new_session_is_there_once() {
    let rig = Rig::new().await;
    assert_eq!(rig.sessions.create(OTHER, &session(5)).await, Ok(Created::Created));
    assert_eq!(rig.sessions.create(OTHER, &session(6)).await, Ok(Created::Exists));
    let Ok(Found::Live(known, _)) = rig.sessions.get(OTHER).await else { panic!("not found") };
    assert_eq!(known.session, session(5));
}

#[tokio::test]
async fn a_handle_that_was_gone_a_moment_ago_is_found_once_it_is_created() {
    let rig = Rig::new().await;
    assert!(matches!(rig.sessions.get(OTHER).await, Ok(Found::Gone)));
    rig.sessions.create(OTHER, &session(5)).await.unwrap();
    assert!(matches!(rig.sessions.get(OTHER).await, Ok(Found::Live(..))));
}

#[tokio::test]
async fn a_change_is_applied_anew_when_another_came_first() {
    let rig = Rig::new().await;
    rig.get().await;
    rig.commit_elsewhere(1, 10).await;
    let mut bases = Vec::new();
    let saved = rig.sessions.commit(HANDLE, |base, _| {
        bases.push(number_of(&base.session));
        Ok(session(number_of(&base.session) + 1))
    });
    assert!(matches!(saved.await, Ok(Committed::Saved { version: 3, session }) if number_of(&session) == 11));
    assert_eq!(bases, [1, 10]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parallel_commits_are_all_there_or_told_to_have_failed() {
    let rig = Rig::new().await;
    let commits = (0..64).map(|_| {
        let sessions = Arc::clone(&rig.sessions);
        tokio::spawn(async move {
            sessions.commit(HANDLE, |base, _| Ok(session(number_of(&base.session) + 1))).await
        })
    });
    let mut saved = 0;
    for commit in commits.collect::<Vec<_>>() {
        match commit.await.unwrap() {
            Ok(Committed::Saved { .. }) => saved += 1,
            Err(CommitError::Conflicts) => {}
            other => panic!("{other:?}"),
        }
    }
    let Ok(Found::Live(known, _)) = rig.sessions.get_fresh(HANDLE).await else { panic!("not found") };
    assert_eq!((number_of(&known.session), known.version), (1 + saved, 1 + saved));
}

#[tokio::test]
async fn endless_conflicts_are_given_up() {
    let rig = Rig::new().await;
    let store = &rig.store;
    let mut tries = 0;
    let given_up = rig.sessions.commit(HANDLE, |base, _| {
        tries += 1;
        // Another node is always a little faster.
        let elsewhere = store.update(HANDLE, tries, record_of(&session(100 + tries)), now());
        let answer = elsewhere.now_or_never().expect("the memory store does not wait");
        assert_eq!(answer, Ok(Updated::Updated(tries + 1)));
        Ok(session(number_of(&base.session) + 1))
    });
    assert!(matches!(given_up.await, Err(CommitError::Conflicts)));
    assert_eq!(tries, 1 + CONFLICTS_MAX as u64);
}

#[tokio::test]
async fn a_change_that_changes_nothing_writes_nothing() {
    let rig = Rig::new().await;
    assert!(matches!(
        rig.sessions.commit(HANDLE, |_, _| Err(NoChange::Nothing)).await,
        Ok(Committed::Unchanged)
    ));
    assert_eq!(rig.get().await.0, Some(1));
}

#[tokio::test]
async fn a_change_that_cannot_be_decided_on_a_copy_is_tried_on_what_the_store_has() {
    let rig = Rig::new().await;
    rig.get().await;
    rig.commit_elsewhere(1, 10).await;
    let saved = rig.sessions.commit(HANDLE, |base, _| match base.version {
        1 => Err(NoChange::ReadAgain),
        _ => Ok(session(number_of(&base.session) + 1)),
    });
    assert!(matches!(saved.await, Ok(Committed::Saved { version: 3, session }) if number_of(&session) == 11));
}

#[tokio::test]
async fn a_change_to_what_has_ended_is_dropped() {
    let rig = Rig::new().await;
    rig.get().await;
    // The node has not heard of it: the store is what refuses.
    rig.end_elsewhere().await;
    assert!(matches!(rig.sessions.commit(HANDLE, |_, _| Ok(session(2))).await, Ok(Committed::Gone)));
    assert_eq!(rig.get().await, (None, 1));
    assert!(matches!(
        rig.sessions.commit(HANDLE, |_, _| panic!("nothing to change")).await,
        Ok(Committed::Gone)
    ));
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_is_looked_up() {
    let rig = Rig::new().await;
    rig.store.set_fault(Fault::LoseAnswers);
    assert_eq!(rig.sessions.create(OTHER, &session(5)).await, Ok(Created::Created));
    let saved = rig.sessions.commit(HANDLE, |_, _| Ok(session(2))).await;
    assert!(matches!(saved, Ok(Committed::Saved { version: 2, .. })));
    assert_eq!(rig.sessions.end(HANDLE, &tombstone()).await, Ok(Ended::Ended));
}

#[tokio::test(start_paused = true)]
async fn a_write_that_cannot_be_looked_up_stays_unknown_and_is_not_believed() {
    let rig = Rig::new().await;
    rig.get().await;
    rig.store.set_fault(Fault::HoldCalls);
    let unknown = |error: &StoreError| matches!(error, StoreError::Unknown(_));
    assert!(rig.sessions.create(OTHER, &session(5)).await.is_err_and(|error| unknown(&error)));
    let failed = rig.sessions.commit(HANDLE, |_, _| Ok(session(2))).await;
    assert!(matches!(failed, Err(CommitError::Store(error)) if unknown(&error)));
    assert!(rig.sessions.end(HANDLE, &tombstone()).await.is_err_and(|error| unknown(&error)));
    assert!(rig.cached().is_none());
    rig.store.set_fault(Fault::None);
    assert_eq!(rig.get().await, (Some(1), 1), "calls that were given up before they were carried out");
}

#[tokio::test]
async fn nothing_is_written_on_top_of_a_stale_copy() {
    let rig = Rig::new().await;
    rig.get().await;
    rig.clock.advance(LEASE);
    rig.store.set_fault(Fault::Unreachable);
    assert!(matches!(rig.sessions.get(HANDLE).await, Ok(Found::Stale { .. })));
    let failed = rig.sessions.commit(HANDLE, |_, _| panic!("there is nothing to apply this to")).await;
    assert!(matches!(failed, Err(CommitError::Store(StoreError::Unreachable(_)))));
}

#[tokio::test]
async fn an_end_is_final_and_told_once() {
    let rig = Rig::new().await;
    assert_eq!(rig.sessions.end(HANDLE, &tombstone()).await, Ok(Ended::Ended));
    assert_eq!(rig.sessions.end(HANDLE, &tombstone()).await, Ok(Ended::Already));
    assert_eq!(rig.sessions.end(OTHER, &tombstone()).await, Ok(Ended::Absent));
    assert_eq!(rig.store.get(HANDLE, rig.clock.wall()).await, Ok(Slot::Ended(kept_tombstone())));
}
