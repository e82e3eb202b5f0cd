//! An end that was found in the feed or at the IDP ends that log-on's session, and no newer one.

use vestibule_domain::patch_refused::Unheeded;
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

#[tokio::test]
async fn a_session_whose_log_on_has_fallen_beside_the_request_keeps_what_has_survived() {
    let rig = Rig::new();
    let alice = rig.alice().await;
    let fallen =
        alice.view(rig.now(), rig.limits()).and_then(|view| rise::step_down(&view, rig.now(), rig.limits()));
    let fallen = fallen.expect("she is logged on");
    let committed = rig.visitors().sessions.commit(alice.handle(), |_, _| Ok(fallen.clone())).await;
    assert!(matches!(committed, Ok(Committed::Saved { .. })));
    let spared = end(rig.visitors(), &alice, Cause::Revoked, rig.now()).await;
    assert_eq!(spared.err(), Some(Spared::Fallen));
    assert!(matches!(rig.slot().await, Slot::Live(_)));
    // As it stands now it ends.
    assert!(end_for(&rig, &rig.open(1).await).await);
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

/// By a copy from before the store was lost nothing can be saved, and only what was to be saved is missing.
#[tokio::test]
async fn a_patch_that_is_refused_anyway_needs_no_store() {
    let rig = Rig::new();
    let visitor = Some(rig.alice().await);
    let (visit, app) = (rig.visit(1), &rig.proxy.live.apps[0]);
    let opened = Opened { visitor, degraded: true, ..Opened::NOBODY };
    let scene = Scene {
        visitors: rig.visitors(),
        site: rig.site(),
        app,
        visit: &visit,
        opened: &opened,
        now: rig.now(),
        limits: rig.limits(),
    };
    let no_right = Patch::parse(br#"{"basket":1}"#);
    for refused in [no_right, Err(PatchRefused::Malformed), Err(Unheeded::Failed.into())] {
        let sealed = scene.patch(refused).await.expect("the page is delivered");
        assert!(sealed.refused.is_some() && sealed.cookies.is_empty());
    }
    assert!(scene.patch(Patch::parse(b"{}")).await.is_err(), "what may be saved cannot be");
}
