//! An end that was found in the feed or at the IDP ends that log-on's session, and no newer one.

use vestibule_ports::memory::Fault;
use vestibule_ports::session_store::Slot;

use super::*;
use crate::rig::Rig;

async fn end_for(rig: &Rig, visitor: &Visitor) -> bool {
    end(rig.visitors(), visitor, Cause::Revoked, rig.now()).await.is_ok()
}

#[tokio::test]
async fn a_session_whose_log_on_has_ended_ends() {
    let rig = Rig::new();
    let alice = rig.alice().await;
    assert!(end_for(&rig, &alice).await);
    assert!(matches!(rig.slot().await, Slot::Ended(_)));
    assert!(end_for(&rig, &alice).await, "and is over for whoever finds it next");
}

#[tokio::test]
async fn a_session_that_has_risen_before_is_left_alone() {
    let rig = Rig::new();
    let alice = rig.alice().await;
    rig.rise_elsewhere("alice", 2).await;
    assert!(!end_for(&rig, &alice).await, "the request is told to come again");
    assert!(matches!(rig.slot().await, Slot::Live(stored) if stored.version == 2));
}

#[tokio::test(start_paused = true)]
async fn a_session_that_rises_between_the_look_and_the_end_is_left_alone() {
    let rig = Rig::new();
    let alice = rig.alice().await;
    assert!(!rig.while_it_rises(0, "alice", end_for(&rig, &alice)).await);
    assert!(matches!(rig.slot().await, Slot::Live(stored) if stored.version == 2));
}

#[tokio::test]
async fn an_end_that_cannot_be_saved_is_found_again() {
    let rig = Rig::new();
    let alice = rig.alice().await;
    rig.store.set_fault(Fault::Unreachable);
    assert!(end_for(&rig, &alice).await, "this request goes on without the session");
    rig.store.set_fault(Fault::None);
    assert!(matches!(rig.slot().await, Slot::Live(_)));
}
