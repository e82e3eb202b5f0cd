//! What is owed is found by every node until it is confirmed, and never told of a session that lives.

use std::sync::Arc;

use vestibule_domain::audit::Cause;
use vestibule_domain::identity::{Epoch, GrantDigest};
use vestibule_domain::judge::{Reading, Source, Verdict, judge};
use vestibule_domain::key::Key;
use vestibule_domain::limits::Limits;
use vestibule_domain::owed::{Reach, SETTLED_AFTER};
use vestibule_domain::rise;
use vestibule_domain::session::Session;
use vestibule_oauth::token::GrantToken;
use vestibule_ports::clock::Clock as _;
use vestibule_ports::memory::Fault;
use vestibule_ports::session_store::SessionStore as _;

use super::*;
use crate::rig::{HANDLE, Rig, now, record_of, session, tombstone};
use crate::sessions::{Config, Sessions};

const ENTRY: Handle = Handle::from_bytes([9; 16]);
const LIMIT: usize = 10;

fn owed(rig: &Rig) -> Owed {
    Owed { what: Debt::Session(HANDLE, Reach::SignOn), since: rig.clock.wall() }
}

async fn owe(rig: &Rig, owed: &Owed) -> Result<(), StoreError> {
    rig.sessions.owe(ENTRY, owed, rig.sessions.deadline()).await
}

async fn all_due(sessions: &Sessions<()>) -> Vec<Due> {
    let mut all = Vec::new();
    for entry in sessions.owed(LIMIT).await.unwrap() {
        all.extend(sessions.due(entry).await.unwrap());
    }
    all
}

async fn entries(rig: &Rig) -> Vec<Handle> {
    all_due(&rig.sessions).await.into_iter().map(|due| due.entry).collect()
}

#[tokio::test]
async fn an_end_is_owed_until_it_is_confirmed() {
    let rig = Rig::new().await;
    let debt = owed(&rig);
    owe(&rig, &debt).await.unwrap();
    rig.sessions.end(HANDLE, |_| Some(tombstone())).await.unwrap();

    let due = all_due(&rig.sessions).await.pop().expect("it is owed");
    assert_eq!((due.entry, due.owed, due.tombstone), (ENTRY, debt, Some(tombstone())));

    rig.sessions.paid(ENTRY).await.unwrap();
    assert_eq!(entries(&rig).await, []);
    rig.sessions.paid(ENTRY).await.unwrap();
}

#[tokio::test]
async fn after_its_confirmation_only_what_was_left_behind_is_owed() {
    let rig = Rig::new().await;
    let debt = owed(&rig);
    owe(&rig, &debt).await.unwrap();
    rig.sessions.end(HANDLE, |_| Some(tombstone())).await.unwrap();
    let confirm = || rig.sessions.confirm(ENTRY, HANDLE, Reach::SignOn, debt.since);

    rig.store.set_fault(Fault::Unreachable);
    assert!(confirm().await.is_err());
    rig.store.set_fault(Fault::LoseAnswers);
    assert_eq!(confirm().await, Ok(()), "it is looked up");
    rig.store.set_fault(Fault::None);
    assert_eq!(confirm().await, Ok(()), "another node may have been first");
    let due = all_due(&rig.sessions).await.pop().expect("it is owed");
    let siblings = Owed { what: Debt::Siblings(HANDLE, Reach::SignOn), ..debt };
    assert_eq!((due.entry, due.owed, due.tombstone), (ENTRY, siblings, Some(tombstone())));

    rig.sessions.paid(ENTRY).await.unwrap();
    assert_eq!(confirm().await, Ok(()), "nothing late brings it back");
    assert_eq!(entries(&rig).await, []);
}

#[tokio::test]
async fn another_node_finds_it_when_the_one_that_wrote_it_is_gone() {
    let rig = Rig::new().await;
    owe(&rig, &owed(&rig)).await.unwrap();
    rig.end_elsewhere().await;
    let other: Sessions<()> = Sessions::new(rig.store.clone(), rig.clock.clone(), 2, Config::default());
    assert_eq!(all_due(&other).await.len(), 1);
}

#[tokio::test]
async fn nothing_is_told_of_a_session_that_lives_and_after_a_while_nothing_is_owed() {
    let rig = Rig::new().await;
    owe(&rig, &owed(&rig)).await.unwrap();
    assert_eq!(entries(&rig).await, []);
    assert!(matches!(rig.store.get(ENTRY, rig.clock.wall()).await, Ok(Slot::Live(_))), "it may yet end");

    rig.clock.advance(SETTLED_AFTER);
    assert_eq!(entries(&rig).await, []);
    assert!(matches!(rig.store.get(ENTRY, rig.clock.wall()).await, Ok(Slot::Ended(_))));
    rig.end_elsewhere().await;
    assert_eq!(entries(&rig).await, [], "that end has written down its own");
}

#[tokio::test]
async fn a_grant_that_no_session_has_is_owed_at_once() {
    let rig = Rig::new().await;
    let grant = GrantDigest::of(&GrantToken::parse("grant").unwrap());
    let debt = Owed { what: Debt::Grant(grant), since: rig.clock.wall() };
    owe(&rig, &debt).await.unwrap();
    let due = all_due(&rig.sessions).await.pop().expect("it is owed");
    assert_eq!((due.entry, due.owed, due.tombstone), (ENTRY, debt, None));
}

/// The session as it is after a fall by a rule.
fn fallen() -> Session {
    let (session, limits) = (session(1), Limits::default());
    let reading = Reading { last_seen: Some(now()), source: Source::Own };
    let Verdict::Lives(view) = judge(&session, Key::Vst, reading, now(), &limits) else { panic!() };
    rise::step_down(&view, now(), &limits).unwrap()
}

fn owed_fall(rig: &Rig) -> Owed {
    let sign_on = session(1).sign_on().unwrap().clone();
    Owed { what: Debt::Fall { session: HANDLE, epoch: Epoch::FIRST, sign_on }, since: rig.clock.wall() }
}

#[tokio::test]
async fn a_fall_is_told_once_it_has_come_about_and_not_before() {
    for ends in [false, true] {
        let rig = Rig::new().await;
        let debt = owed_fall(&rig);
        owe(&rig, &debt).await.unwrap();
        assert_eq!(entries(&rig).await, [], "what it would end at the IDP may be a newer log-on's");

        rig.store.update(HANDLE, FIRST_VERSION, record_of(&fallen()), rig.clock.wall()).await.unwrap();
        let stone = rise::end(&fallen(), Cause::LogOut, now());
        if ends {
            rig.sessions.end(HANDLE, |_| Some(stone.clone())).await.unwrap();
        }
        rig.clock.advance(SETTLED_AFTER);
        let due = all_due(&rig.sessions).await.pop().expect("it is owed");
        assert_eq!((due.entry, due.owed, due.tombstone), (ENTRY, debt, ends.then_some(stone)));
    }
}

#[tokio::test]
async fn a_fall_that_has_not_come_about_is_forgotten() {
    for ends in [false, true] {
        let rig = Rig::new().await;
        owe(&rig, &owed_fall(&rig)).await.unwrap();
        if ends {
            rig.end_elsewhere().await;
        } else {
            rig.clock.advance(SETTLED_AFTER);
        }
        assert_eq!(entries(&rig).await, []);
        assert!(matches!(rig.store.get(ENTRY, rig.clock.wall()).await, Ok(Slot::Ended(_))));
    }
}

#[tokio::test]
async fn a_fall_of_a_session_that_cannot_be_read_waits() {
    let rig = Rig::new().await;
    owe(&rig, &owed_fall(&rig)).await.unwrap();
    rig.store.update(HANDLE, FIRST_VERSION, crate::rig::unreadable(), rig.clock.wall()).await.unwrap();
    rig.clock.advance(SETTLED_AFTER);
    assert!(matches!(rig.sessions.due(ENTRY).await, Err(StoreError::Corrupt(_))));
}

#[tokio::test]
async fn what_was_owed_for_a_session_that_is_not_there_is_forgotten() {
    let rig = Rig::new().await;
    let debt = Owed { what: Debt::Session(Handle::from_bytes([8; 16]), Reach::SignOn), ..owed(&rig) };
    owe(&rig, &debt).await.unwrap();
    assert_eq!(entries(&rig).await, []);
    assert!(matches!(rig.store.get(ENTRY, rig.clock.wall()).await, Ok(Slot::Ended(_))));
}

#[tokio::test]
async fn one_that_cannot_be_read_does_not_hide_the_others() {
    let rig = Rig::new().await;
    let broken = Handle::from_bytes([5; 16]);
    let unreadable = Record { user: Some(INDEX.to_owned()), ..crate::rig::unreadable() };
    rig.store.create(broken, unreadable).await.unwrap();
    owe(&rig, &owed(&rig)).await.unwrap();
    rig.end_elsewhere().await;
    assert_eq!(rig.sessions.owed(LIMIT).await.unwrap().len(), 2);
    assert!(matches!(rig.sessions.due(broken).await, Err(StoreError::Corrupt(_))));
    assert_eq!(rig.sessions.due(ENTRY).await.unwrap().map(|due| due.entry), Some(ENTRY));
}

#[tokio::test]
async fn a_debt_whose_answer_was_lost_is_looked_up() {
    let rig = Rig::new().await;
    rig.store.set_fault(Fault::LoseAnswers);
    assert_eq!(owe(&rig, &owed(&rig)).await, Ok(()));
    rig.store.set_fault(Fault::Unreachable);
    assert!(owe(&rig, &owed(&rig)).await.is_err());
    assert!(rig.sessions.owed(LIMIT).await.is_err());
    assert!(rig.sessions.due(ENTRY).await.is_err());
}

#[tokio::test]
async fn it_is_no_session_to_who_guesses_its_name() {
    let rig = Rig::new().await;
    owe(&rig, &owed(&rig)).await.unwrap();
    let found = Arc::clone(&rig.sessions).get(ENTRY).await;
    assert!(matches!(found, Err(StoreError::Corrupt(_))), "{found:?}");
}
