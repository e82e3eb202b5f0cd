//! Commits: conflicts, unknown outcomes, ends; never on a stale copy.

use std::sync::Arc;

use futures_util::FutureExt as _;
use vestibule_domain::audit::Cause;
use vestibule_domain::identity::Handle;
use vestibule_domain::rise;
use vestibule_ports::clock::Clock as _;
use vestibule_ports::memory::Fault;
use vestibule_ports::session_store::SessionStore as _;

use super::*;
use crate::deadline;
use crate::lease::LEASE;
use crate::rig::{HANDLE, Rig, kept_tombstone, now, number_of, pass, record_of, session, tombstone};

const OTHER: Handle = Handle::from_bytes([8; 16]);

#[tokio::test]
async fn a_new_session_is_there_once() {
    let rig = Rig::new().await;
    assert_eq!(rig.sessions.create(OTHER, &session(5), rig.sessions.deadline()).await, Ok(Created::Created));
    assert_eq!(rig.sessions.create(OTHER, &session(6), rig.sessions.deadline()).await, Ok(Created::Exists));
    let Ok(Found::Live(known, _)) = rig.sessions.get(OTHER).await else { panic!("not found") };
    assert_eq!(known.session, session(5));
}

#[tokio::test]
async fn a_handle_that_was_gone_a_moment_ago_is_found_once_it_is_created() {
    let rig = Rig::new().await;
    assert!(matches!(rig.sessions.get(OTHER).await, Ok(Found::Gone)));
    rig.sessions.create(OTHER, &session(5), rig.sessions.deadline()).await.unwrap();
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
    assert_eq!(rig.sessions.create(OTHER, &session(5), rig.sessions.deadline()).await, Ok(Created::Created));
    let saved = rig.sessions.commit(HANDLE, |_, _| Ok(session(2))).await;
    assert!(matches!(saved, Ok(Committed::Saved { version: 2, .. })));
    let ended = rig.sessions.end(HANDLE, |_| Some(tombstone())).await;
    assert_eq!(ended, Ok(Finished::Ended(Box::new(tombstone()))));
}

#[tokio::test]
async fn where_reading_proves_nothing_a_write_whose_answer_was_lost_stays_unknown() {
    let rig = Rig::new().await;
    rig.store.let_reading_prove_nothing();
    rig.store.set_fault(Fault::LoseAnswers);
    let unknown = |error: &StoreError| matches!(error, StoreError::Unknown(_));
    assert!(
        rig.sessions
            .create(OTHER, &session(5), rig.sessions.deadline())
            .await
            .is_err_and(|error| unknown(&error))
    );
    let failed = rig.sessions.commit(HANDLE, |_, _| Ok(session(2))).await;
    assert!(matches!(failed, Err(CommitError::Store(error)) if unknown(&error)));
    let failed = rig.sessions.end(HANDLE, |_| Some(tombstone())).await;
    assert!(matches!(failed, Err(CommitError::Store(error)) if unknown(&error)));
    assert!(rig.cached().is_none());
    // All three are there to be read all the same.
    rig.store.set_fault(Fault::None);
    assert!(matches!(rig.sessions.get(OTHER).await, Ok(Found::Live(..))));
    assert_eq!(rig.store.get(HANDLE, now()).await, Ok(Slot::Ended(kept_tombstone())));
}

#[tokio::test(start_paused = true)]
async fn an_end_is_proven_by_ending_again_where_reading_proves_nothing() {
    let rig = Rig::new().await;
    rig.store.let_reading_prove_nothing();
    rig.get().await;
    let sessions = Arc::clone(&rig.sessions);
    let store = Arc::clone(&rig.store);
    let ending = tokio::spawn(async move {
        let end = sessions.end(HANDLE, |_| {
            store.set_fault(Fault::HoldAnswers);
            Some(tombstone())
        });
        end.await
    });
    // Its first answer is given up by then.
    pass(deadline::STORE_DEADLINE * 3 / 4).await;
    rig.store.set_fault(Fault::None);
    assert_eq!(ending.await.unwrap(), Ok(Finished::Ended(Box::new(tombstone()))));
}

#[tokio::test(start_paused = true)]
async fn a_write_that_cannot_be_looked_up_stays_unknown_and_is_not_believed() {
    let rig = Rig::new().await;
    rig.get().await;
    rig.store.set_fault(Fault::HoldCalls);
    let unknown = |error: &StoreError| matches!(error, StoreError::Unknown(_));
    assert!(
        rig.sessions
            .create(OTHER, &session(5), rig.sessions.deadline())
            .await
            .is_err_and(|error| unknown(&error))
    );
    let failed = rig.sessions.commit(HANDLE, |_, _| Ok(session(2))).await;
    assert!(matches!(failed, Err(CommitError::Store(error)) if unknown(&error)));
    let failed = rig.sessions.end(HANDLE, |_| Some(tombstone())).await;
    assert_eq!(failed, Err(CommitError::Store(StoreError::Deadline)), "it could not even be read");
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
    let ended = Finished::Ended(Box::new(tombstone()));
    assert_eq!(rig.sessions.end(HANDLE, |_| Some(tombstone())).await, Ok(ended));
    for handle in [HANDLE, OTHER] {
        assert_eq!(rig.sessions.end(handle, |_| panic!("nothing to end")).await, Ok(Finished::Gone));
    }
    assert_eq!(rig.store.get(HANDLE, rig.clock.wall()).await, Ok(Slot::Ended(kept_tombstone())));
}

#[tokio::test]
async fn an_end_is_decided_on_what_the_store_has_and_anew_when_another_came_first() {
    let rig = Rig::new().await;
    // In the cache, and stale.
    rig.get().await;
    rig.commit_elsewhere(1, 10).await;
    let (store, mut seen) = (&rig.store, Vec::new());
    let ended = rig.sessions.end(HANDLE, |known| {
        seen.push(number_of(&known.session));
        if seen.len() == 1 {
            let elsewhere = store.update(HANDLE, 2, record_of(&session(20)), now());
            assert_eq!(elsewhere.now_or_never(), Some(Ok(Updated::Updated(3))));
        }
        Some(tombstone_of(known))
    });
    let ended = ended.await.unwrap();
    assert_eq!(seen, [10, 20]);
    let of_the_newest = tombstone_of_session(&session(20));
    assert_eq!(ended, Finished::Ended(Box::new(of_the_newest.clone())));
    let kept = record::tombstone(&of_the_newest, &rig.sessions.limits);
    assert_eq!(rig.store.get(HANDLE, now()).await, Ok(Slot::Ended(kept)));
}

#[tokio::test]
async fn an_end_of_what_was_just_read_reads_nothing_and_still_decides_on_the_newest() {
    let rig = Rig::new().await;
    rig.get().await;
    let (known, reads) = (rig.cached(), rig.store.reads());
    let stale = known.clone();
    let deadline = rig.sessions.deadline();
    let ended = rig.sessions.end_by(HANDLE, deadline, known, |known| Some(tombstone_of(known))).await;
    assert_eq!(ended, Ok(Finished::Ended(Box::new(tombstone_of_session(&session(1))))));
    assert_eq!(rig.store.reads(), reads);
    let again = rig.sessions.end_by(HANDLE, deadline, stale, |known| Some(tombstone_of(known))).await;
    assert_eq!(again, Ok(Finished::Gone));

    let rig = Rig::new().await;
    rig.get().await;
    let known = rig.cached();
    rig.commit_elsewhere(1, 10).await;
    let ended =
        rig.sessions.end_by(HANDLE, rig.sessions.deadline(), known, |known| Some(tombstone_of(known)));
    assert_eq!(ended.await, Ok(Finished::Ended(Box::new(tombstone_of_session(&session(10))))));
}

#[tokio::test]
async fn a_session_that_moves_on_between_the_decision_and_the_write_can_be_spared() {
    let rig = Rig::new().await;
    let store = &rig.store;
    let ended = rig.sessions.end(HANDLE, |known| {
        if number_of(&known.session) == 1 {
            let elsewhere = store.update(HANDLE, 1, record_of(&session(2)), now());
            assert_eq!(elsewhere.now_or_never(), Some(Ok(Updated::Updated(2))));
        }
        (number_of(&known.session) == 1).then(tombstone)
    });
    assert_eq!(ended.await, Ok(Finished::Spared));
    assert_eq!(rig.get().await.0, Some(2), "the newer log-on lives");
}

#[tokio::test]
async fn an_end_gives_up_after_as_many_conflicts_as_a_commit() {
    let rig = Rig::new().await;
    let (store, mut tries) = (&rig.store, 0);
    let given_up = rig.sessions.end(HANDLE, |_| {
        tries += 1;
        let elsewhere = store.update(HANDLE, tries, record_of(&session(100 + tries)), now());
        assert_eq!(elsewhere.now_or_never(), Some(Ok(Updated::Updated(tries + 1))));
        Some(tombstone())
    });
    assert_eq!(given_up.await, Err(CommitError::Conflicts));
    assert_eq!(tries, 1 + CONFLICTS_MAX as u64);
    assert_eq!(rig.get().await.0, Some(tries + 1));
}

#[tokio::test(start_paused = true)]
async fn an_end_that_somebody_else_wrote_is_not_called_this_ones() {
    let rig = Rig::new().await;
    let sessions = Arc::clone(&rig.sessions);
    rig.store.set_fault(Fault::HoldAnswers);
    let ours = Tombstone { cause: Cause::Revoked, ..tombstone() };
    let ending = tokio::spawn(async move { sessions.end(HANDLE, |_| Some(ours.clone())).await });
    tokio::task::yield_now().await;
    // The read waits for its answer, and somebody else ends the session.
    rig.end_elsewhere_while_held().await;
    rig.store.set_fault(Fault::LoseAnswers);
    assert_eq!(ending.await.unwrap(), Ok(Finished::Gone));
    assert_eq!(rig.store.get(HANDLE, now()).await, Ok(Slot::Ended(kept_tombstone())));
}

#[tokio::test(start_paused = true)]
async fn an_end_whose_write_may_yet_come_is_unknown_and_not_believed_undone() {
    let rig = Rig::new().await;
    rig.get().await;
    let store = &rig.store;
    let unknown = rig.sessions.end(HANDLE, |_| {
        store.set_fault(Fault::HoldCalls);
        Some(tombstone())
    });
    assert!(matches!(unknown.await, Err(CommitError::Store(StoreError::Unknown(_)))));
    assert!(rig.cached().is_none());
}

#[tokio::test]
async fn an_end_that_a_failover_could_undo_is_never_told_as_done() {
    let rig = Rig::new().await;
    rig.store.set_fault(Fault::Unsafe);
    // The second time it is there to be read, and still not safe.
    for _ in 0..2 {
        let ended = rig.sessions.end(HANDLE, |known| Some(tombstone_of(known))).await;
        assert!(matches!(ended, Err(CommitError::Store(StoreError::Unsafe(_)))), "{ended:?}");
    }
    rig.store.set_fault(Fault::None);
    assert_eq!(rig.sessions.end(HANDLE, |_| None).await, Ok(Finished::Gone));
}

fn tombstone_of(known: &Known<()>) -> Tombstone {
    tombstone_of_session(&known.session)
}

fn tombstone_of_session(session: &Session) -> Tombstone {
    rise::end(session, Cause::LogOut, now())
}
