//! Another user's log-on ends the session that was there, unless that has risen meanwhile; and what comes to nothing
//! leaves nothing alive.

use vestibule_domain::attempt::{ReturnTarget, TryValue};
use vestibule_domain::audit::Tombstone;
use vestibule_domain::identity::{Epoch, GrantDigest};
use vestibule_oauth::pkce::Verifier;
use vestibule_ports::issuer::Ended;
use vestibule_ports::memory::Fault;
use vestibule_ports::session_store::Slot;

use super::*;
use crate::rig::{HANDLE, Rig};

fn call(rig: &Rig) -> Call<'_> {
    Call { proxy: &rig.proxy, visitors: rig.visitors(), site: rig.site(), visit: rig.visit(1) }
}

async fn bob_logs_on(rig: &Rig) -> Result<Handle, NotRisen> {
    let call = call(rig);
    rise(&call, &rig.proof("bob", 9), &NewSecrets::draw(rig.visitors()), rig.now()).await
}

#[tokio::test]
async fn the_session_of_another_user_ends_with_its_tokens_and_not_with_his_sign_on_session() {
    let rig = Rig::new();
    let _alice = rig.alice().await;
    let handle = bob_logs_on(&rig).await.ok().expect("bob is logged on");
    assert_ne!(handle, HANDLE);
    let Slot::Ended(kept) = rig.slot().await else { panic!() };
    assert_eq!(Tombstone::decode(&kept.body).unwrap().cause, Cause::OtherUser);
    assert_eq!(rig.ends().await, [Ended::Session { sid: HANDLE, ep: Epoch::FIRST }]);
    assert_eq!(rig.owed().await, 0);
}

#[tokio::test]
async fn an_idp_that_is_away_holds_nobody_up_and_is_owed_the_end() {
    let rig = Rig::new();
    let _alice = rig.alice().await;
    rig.issuer.set_unreachable(true);
    assert!(bob_logs_on(&rig).await.is_ok());
    assert_eq!(rig.owed().await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_rises_between_the_look_and_the_end_lives_and_the_log_on_yields() {
    let rig = Rig::new();
    let _alice = rig.alice().await;
    // It reads the session, makes the new one, and writes down what will be owed; then it reads again, to end.
    let risen = rig.while_it_rises(3, "alice", bob_logs_on(&rig)).await;
    assert!(matches!(risen, Err(NotRisen::Refused(LogOnRefused::Moved))));
    assert!(matches!(rig.slot().await, Slot::Live(stored) if stored.version == 2));
    assert_eq!(rig.ends().await, []);
    let bobs = rig.live_sessions_of("bob").await;
    assert_eq!(bobs, 0, "nobody has the cookies of the session that was made");
}

/// The whole callback of a log-in of bob's; the status of its answer.
async fn bob_is_back(rig: &Rig) -> u16 {
    bob_is_back_noted(rig).await.0
}

/// The same, and what the log is told.
async fn bob_is_back_noted(rig: &Rig) -> (u16, Note) {
    let ((code, verifier), mut note) = (rig.log_in("bob", 9), Note::default());
    let attempt = attempt(rig, verifier, "/");
    let answer = log_on(&call(rig), &state(), attempt, code, &Tries::default(), &mut note).await;
    (answer.status().code(), note)
}

fn state() -> State {
    TryValue::from_random(&[5; 16]).state()
}

fn attempt(rig: &Rig, verifier: Verifier, target: &str) -> Attempt {
    Attempt {
        site: rig.site().id.clone(),
        verifier,
        nonce: String::new(),
        target: ReturnTarget::or_root(target.as_bytes()),
        asked: false,
        restarted: false,
        begun_at: rig.now(),
    }
}

#[tokio::test]
async fn an_idp_that_does_not_answer_leaves_an_address_that_begins_anew_when_it_is_repeated() {
    let rig = Rig::new();
    let value = TryValue::from_random(&[5; 16]);
    let mut tries = Tries::default();
    tries.push(value);
    assert!(tries.take(&state()));
    let (code, verifier) = rig.log_in("bob", 9);
    rig.issuer.set_unreachable(true);
    let attempt = attempt(&rig, verifier, "/basket");
    let answer = log_on(&call(&rig), &state(), attempt, code, &tries, &mut Note::default()).await;
    assert_eq!(answer.status().code(), 503);

    let kept = rig.visitors().sessions.take_attempt(state().key()).await.unwrap();
    let again = attempt::callback(false, &rig.site().id, kept, rig.now());
    assert!(matches!(again, attempt::Callback::Restart(target) if target.as_str() == "/basket"));
}

fn bobs_grant(rig: &Rig) -> Ended {
    Ended::Grant(GrantDigest::of(&rig.proof("bob", 9).grant).to_string())
}

#[tokio::test]
async fn a_log_on_that_is_kept_keeps_its_grant() {
    let rig = Rig::new();
    let _alice = rig.alice().await;
    assert_eq!(bob_is_back(&rig).await, 303);
    assert!(!rig.ends().await.contains(&bobs_grant(&rig)));
}

#[tokio::test(start_paused = true)]
async fn a_log_on_that_yields_leaves_no_grant_behind() {
    let rig = Rig::new();
    let _alice = rig.alice().await;
    assert_eq!(rig.while_it_rises(3, "alice", bob_is_back(&rig)).await, 303, "back to the page as it is");
    assert_eq!(rig.ends().await, [bobs_grant(&rig)]);
    assert_eq!(rig.owed().await, 0);
}

#[tokio::test(start_paused = true)]
async fn without_a_store_a_log_on_leaves_no_grant_behind() {
    let rig = Rig::new();
    let _alice = rig.alice().await;
    for fault in [Fault::Unreachable, Fault::HoldCalls] {
        rig.store.set_fault(fault);
        let (status, note) = bob_is_back_noted(&rig).await;
        assert_eq!((status, note.unknown.is_some()), (503, true), "the log says why");
        rig.store.set_fault(Fault::None);
    }
    assert_eq!(rig.ends().await, [bobs_grant(&rig), bobs_grant(&rig)]);
}

#[tokio::test(start_paused = true)]
async fn an_idp_that_goes_away_meanwhile_is_owed_the_end_of_the_grant() {
    let rig = Rig::new();
    let _alice = rig.alice().await;
    let gone = async { rig.issuer.set_unreachable(true) };
    let back = async { tokio::join!(biased; bob_is_back(&rig), gone).0 };
    assert_eq!(rig.while_it_rises(3, "alice", back).await, 303);
    assert_eq!(rig.owed().await, 1);

    let node = rig.restarted();
    rig.issuer.set_unreachable(false);
    node.run_for(owed::AGAIN_AFTER).await;
    assert_eq!((rig.ends().await, rig.owed().await), (vec![bobs_grant(&rig)], 0));
}
