//! A log-out ends what the record holds at that moment, tells the IDP of exactly that, and loses nothing on the way.

use std::time::Duration;

use vestibule_domain::audit::Tombstone;
use vestibule_domain::identity::{Epoch, Handle};
use vestibule_domain::owed::SETTLED_AFTER;
use vestibule_ports::issuer::Ended;
use vestibule_ports::memory::Fault;
use vestibule_ports::session_store::{Record, SessionStore as _, Slot};

use super::*;
use crate::rig::{HANDLE, Rig, sign_on};
use crate::seal;

const SESSION: Ended = Ended::Session { sid: HANDLE, ep: Epoch::FIRST };

async fn log_out(rig: &Rig, visitor: &Visitor, asked: LogOut) -> LoggedOut {
    left(rig, visitor, asked).await.outcome
}

async fn left(rig: &Rig, visitor: &Visitor, asked: LogOut) -> Left {
    let deadline = rig.visitors().sessions.deadline();
    end_everything(rig.visitors(), rig.now(), visitor, asked, rig.limits(), deadline).await
}

async fn tombstone(rig: &Rig) -> Tombstone {
    match rig.slot().await {
        Slot::Ended(kept) => Tombstone::decode(&kept.body).unwrap(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn it_ends_the_session_and_the_sign_on_session_that_it_came_from() {
    let rig = Rig::new();
    let alice = rig.alice().await;
    assert_eq!(log_out(&rig, &alice, LogOut::This).await, LoggedOut::Done);
    assert_eq!(rig.ends().await, [SESSION, Ended::SignOn(sign_on(1))]);
    rig.run_for(owed::AGAIN_AFTER).await;
    assert_eq!((tombstone(&rig).await.cause, rig.owed().await), (Cause::LogOut, 0));
}

#[tokio::test]
async fn after_a_fall_it_still_ends_the_sign_on_session() {
    for wait in [rig_limits().idle, rig_limits().log_on] {
        let rig = Rig::new();
        let alice = rig.alice().await;
        rig.clock.advance(wait);
        // The visit that finds an idle fall writes it down.
        seal::keep_up(rig.visitors(), &rig.open(1).await, rig.now(), rig.limits()).await;
        assert_eq!(log_out(&rig, &rig.open(1).await, LogOut::This).await, LoggedOut::Done);
        assert_eq!(rig.ends().await, [SESSION, Ended::SignOn(sign_on(1))], "{wait:?}");
        drop(alice);
    }
}

#[tokio::test]
async fn after_a_fall_nobody_speaks_for_the_user() {
    let rig = Rig::new();
    let alice = rig.alice().await;
    rig.clock.advance(rig.limits().idle);
    assert_eq!(log_out(&rig, &alice, LogOut::Everywhere).await, LoggedOut::NotEverywhere);
    assert_eq!(rig.ends().await, [SESSION, Ended::SignOn(sign_on(1))]);
    assert_eq!(tombstone(&rig).await.cause, Cause::LogOut);
}

#[tokio::test(start_paused = true)]
async fn of_a_session_that_rises_meanwhile_it_ends_the_newest_log_on() {
    let rig = Rig::new();
    let alice = rig.alice().await;
    // While it writes down what will be owed. Then what it has read is no longer what it may end.
    let done = rig.while_it_rises(0, "alice", log_out(&rig, &alice, LogOut::This)).await;
    assert_eq!(done, LoggedOut::Done);
    assert_eq!(tombstone(&rig).await.sign_on, Some(sign_on(2)));
    assert_eq!(rig.ends().await, [SESSION, Ended::SignOn(sign_on(2))]);
}

#[tokio::test]
async fn of_two_at_once_each_is_done_and_the_farther_one_counts() {
    let rig = Rig::new();
    let alice = rig.alice().await;
    let ask = |asked| left(&rig, &alice, asked);
    let (first, second) = (ask(LogOut::This).await, ask(LogOut::Everywhere).await);
    assert_eq!((first.outcome, second.outcome), (LoggedOut::Done, LoggedOut::Done));
    // PROTOCOL of cookies: only who won the commit clears them, for the browser may have newer ones by now.
    assert_eq!((first.cookies, second.cookies), (cookie::clear_session().to_vec(), vec![]));
    assert!(rig.ends().await.iter().any(|ended| matches!(ended, Ended::User { .. })));
    assert_eq!(tombstone(&rig).await.cause, Cause::LogOut, "the first tombstone stays");
}

#[tokio::test]
async fn without_a_store_nothing_has_ended_and_nothing_is_told() {
    let rig = Rig::new();
    let alice = rig.alice().await;
    rig.store.set_fault(Fault::Unreachable);
    assert_eq!(log_out(&rig, &alice, LogOut::This).await, LoggedOut::Failed);
    rig.store.set_fault(Fault::None);
    assert!(matches!(rig.slot().await, Slot::Live(_)));
    assert_eq!((rig.ends().await, rig.owed().await), (vec![], 0));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_lost_half_way_leaves_the_visitor_logged_on_and_the_idp_unaware() {
    let rig = Rig::new();
    let alice = rig.alice().await;
    let half_way = async {
        // What is owed is written, and the answer to that is the last that gets through.
        rig.store.set_fault(Fault::HoldAnswers);
        tokio::task::yield_now().await;
        rig.store.set_fault(Fault::Unreachable);
    };
    rig.store.set_fault(Fault::HoldCalls);
    let (done, ()) = tokio::join!(biased; log_out(&rig, &alice, LogOut::This), half_way);
    assert_eq!(done, LoggedOut::Failed);
    rig.store.set_fault(Fault::None);

    rig.clock.advance(SETTLED_AFTER);
    let node = rig.restarted();
    node.run_for(Duration::from_mins(1)).await;
    assert!(matches!(rig.slot().await, Slot::Live(_)));
    assert_eq!((rig.ends().await, rig.owed().await), (vec![], 0));
}

#[tokio::test(start_paused = true)]
async fn an_end_that_the_idp_has_not_confirmed_is_told_after_a_restart() {
    let rig = Rig::new();
    let alice = rig.alice().await;
    rig.issuer.set_unreachable(true);
    assert_eq!(log_out(&rig, &alice, LogOut::This).await, LoggedOut::HereOnly);
    assert!(matches!(rig.slot().await, Slot::Ended(_)), "here it has ended");
    assert_eq!(rig.owed().await, 1);

    let node = rig.restarted();
    node.run_for(Duration::from_mins(1)).await;
    assert_eq!(node.owed().await, 1, "the IDP is still away");
    rig.issuer.set_unreachable(false);
    node.run_for(owed::LOOK_EVERY).await;

    assert_eq!(rig.ends().await, [SESSION, Ended::SignOn(sign_on(1))]);
    assert_eq!(node.owed().await, 0, "told once");
}

#[tokio::test(start_paused = true)]
async fn a_process_that_dies_between_tombstone_and_idp_has_left_word() {
    for reach in [Reach::SignOn, Reach::User] {
        let rig = Rig::new();
        let alice = rig.alice().await;
        let (debt, deadline) = (Debt::Session(HANDLE, reach), rig.visitors().sessions.deadline());
        owed::write_down(rig.visitors(), debt, rig.now(), deadline).await.unwrap();
        let end = |session: &Session| Some(rise::end(session, Cause::LogOut, rig.now()));
        rig.visitors().sessions.end(HANDLE, |known| end(&known.session)).await.unwrap();
        drop(alice);

        rig.restarted().run_for(owed::AGAIN_AFTER).await;

        let ends = rig.ends().await;
        assert_eq!((ends.len(), &ends[0]), (2, &SESSION));
        match reach {
            Reach::User => assert!(matches!(ends[1], Ended::User { .. })),
            _ => assert_eq!(ends[1], Ended::SignOn(sign_on(1))),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_process_tells_again_soon() {
    let rig = Rig::new();
    let alice = rig.alice().await;
    rig.issuer.set_unreachable(true);
    let story = async {
        pass(Duration::from_secs(1)).await;
        assert_eq!(log_out(&rig, &alice, LogOut::This).await, LoggedOut::HereOnly);
        rig.issuer.set_unreachable(false);
        pass(owed::AGAIN_AFTER * 2).await;
        assert_eq!((rig.ends().await.len(), rig.owed().await), (2, 0));
    };
    tokio::select! {
        () = rig.proxy.run() => panic!("it runs for ever"),
        () = story => {}
    }
}

#[tokio::test(start_paused = true)]
async fn entries_that_cannot_be_read_hold_up_no_other_end() {
    let rig = Rig::new();
    let alice = rig.alice().await;
    let expires_at = rig.now() + rig.limits().tombstone;
    for number in 0..owed::DUE_MAX + 10 {
        let mut bytes = [0xff; 16];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        let user = Some("owed:idp".to_owned());
        let broken = Record { body: vec![0xee].into(), user, expires_at };
        rig.store.create(Handle::from_bytes(bytes), broken).await.unwrap();
    }
    rig.issuer.set_unreachable(true);
    assert_eq!(log_out(&rig, &alice, LogOut::This).await, LoggedOut::HereOnly);
    rig.issuer.set_unreachable(false);
    // A second round takes first what the first one did not come to.
    rig.restarted().run_for(owed::LOOK_EVERY * 2).await;
    assert_eq!(rig.ends().await, [SESSION, Ended::SignOn(sign_on(1))]);
}

#[tokio::test(start_paused = true)]
async fn an_idp_that_is_away_is_not_asked_more_often_because_more_log_outs_fail() {
    let rig = Rig::new();
    let alice = rig.alice().await;
    rig.issuer.set_unreachable(true);
    let story = async {
        for _ in 0..600 {
            rig.visitors().unconfirmed.notify_one();
            pass(Duration::from_millis(100)).await;
        }
    };
    assert_eq!(log_out(&rig, &alice, LogOut::This).await, LoggedOut::HereOnly);
    tokio::select! {
        () = rig.proxy.run() => panic!("it runs for ever"),
        () = story => {}
    }
    assert!(rig.issuer.told() < 20, "{}", rig.issuer.told());
}

/// Lets time pass on the paused clock, for whatever else runs.
async fn pass(time: Duration) {
    let _over = tokio::time::timeout(time, std::future::pending::<()>()).await;
}

fn rig_limits() -> Limits {
    Limits::default()
}
