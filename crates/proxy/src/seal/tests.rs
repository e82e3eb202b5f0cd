//! An end that was found in the feed or at the IDP ends that log-on's session, and no newer one; and what comes of the
//! wishes of an app.

use vestibule_domain::patch_refused::Unheeded;
use vestibule_message::head::{HeadLimits, RequestIndex, ResponseIndex};
use vestibule_message::method::Method;
use vestibule_ports::memory::Fault;
use vestibule_ports::session_store::Slot;

use super::*;
use crate::absorb;
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
    let (visit, opened) = (rig.visit(1), Opened { visitor, degraded: true, ..Opened::NOBODY });
    let scene = rig.scene(&visit, &opened);
    let no_right = Patch::parse(br#"{"basket":1}"#);
    for refused in [no_right, Err(PatchRefused::Malformed), Err(Unheeded::Failed.into())] {
        let sealed = scene.patch(refused).await.expect("the page is delivered");
        assert!(sealed.refused.is_some() && sealed.cookies.is_empty());
    }
    assert!(scene.patch(Patch::parse(b"{}")).await.is_err(), "what may be saved cannot be");
}

/// What an app demands of a visitor whose log-on is known for certain, or only from before the store was lost.
#[tokio::test]
async fn a_copy_from_before_the_store_was_lost_satisfies_no_demand_and_asks_for_no_log_on() {
    let rig = Rig::new();
    let _alice = rig.alice().await;
    let visit = rig.visit(1);
    for text in ["logged-on", "logged-on; max-age=60", "logged-on; max-age=0"] {
        let requirement = Requirement::parse(text.as_bytes()).unwrap();
        for degraded in [false, true] {
            rig.clock.advance(std::time::Duration::from_secs(1));
            for visitor in [Some(rig.open(1).await), None] {
                let is_met = visitor.is_some() && text != "logged-on; max-age=0";
                let opened = Opened { visitor, degraded, ..Opened::NOBODY };
                let answer = rig.scene(&visit, &opened).demand(ReturnTarget::root(), &requirement, &[]);
                let expected = match (degraded, is_met) {
                    (true, _) => Some(503),
                    (false, true) => None,
                    (false, false) => Some(401),
                };
                assert_eq!(answer.map(|answer| answer.status().code()), expected, "{text}");
            }
        }
    }
}

/// An answer with these fields, and what comes of it.
async fn answered(scene: &Scene<'_>, status: u16, fields: &str) -> CarriedOut {
    let answer = format!("HTTP/1.1 {status} OK\r\ncontent-length: 0\r\n{fields}\r\n");
    let mut index = ResponseIndex::default();
    index.parse(answer.as_bytes(), Method::Get, &HeadLimits::default()).unwrap();
    let asked = b"GET / HTTP/1.1\r\nhost: shop.test\r\n\r\n";
    let mut asked_index = RequestIndex::default();
    asked_index.parse(asked, &HeadLimits::default()).unwrap();
    scene.carry_out(absorb::read(&index.of(answer.as_bytes()), false), &asked_index.of(asked)).await
}

/// The visitor leaves; what the app wanted to be kept of him is not, and the log says so.
#[tokio::test]
async fn a_patch_beside_a_log_out_is_refused_and_the_log_out_is_done() {
    let both = "x-context-update: {}\r\nx-context-logout: this\r\n";
    let rig = Rig::new();
    let opened = Opened { visitor: Some(rig.alice().await), ..Opened::NOBODY };
    let (visit, visitor) = (rig.visit(1), opened.visitor.as_ref());
    let done = answered(&rig.scene(&visit, &opened), 200, both).await;
    assert_eq!(done.refused.as_deref(), Some("it stood beside a log-out"));
    assert_eq!((done.log_out, done.instead.is_none()), (Some(LoggedOut::Done), true));
    assert_eq!(done.cookies, cookie::clear_session());
    assert!(matches!(rig.slot().await, Slot::Ended(_)));
    assert_eq!(visitor.map(|visitor| visitor.known.version), Some(1), "nothing was written into it first");

    // Nor does it make a session for somebody who has none.
    let done = answered(&rig.scene(&visit, &Opened::NOBODY), 200, both).await;
    assert_eq!(done.refused.as_deref(), Some("it stood beside a log-out"));
    assert!(done.log_out.is_none() && done.cookies.is_empty() && done.instead.is_none());

    // An app that failed asks for nothing, and that is why.
    let done = answered(&rig.scene(&visit, &Opened::NOBODY), 503, both).await;
    assert_eq!(done.refused.as_deref(), Some("the app failed"));
}

#[tokio::test]
async fn a_wish_that_cannot_be_read_holds_the_page_back_and_leaves_the_session_alone() {
    let rig = Rig::new();
    let opened = Opened { visitor: Some(rig.alice().await), ..Opened::NOBODY };
    let visit = rig.visit(1);
    for unreadable in ["x-context-logout: all\r\n", "x-context-require: gold\r\n"] {
        let fields = format!("x-context-update: {{}}\r\n{unreadable}");
        let done = answered(&rig.scene(&visit, &opened), 200, &fields).await;
        assert_eq!(done.instead.map(|answer| answer.status().code()), Some(502), "{unreadable}");
        assert!(done.refused.is_some() && done.log_out.is_none() && done.cookies.is_empty());
        assert!(matches!(rig.slot().await, Slot::Live(stored) if stored.version == 1));
    }
}

/// The log-out takes what was demanded of the visitor with it.
#[tokio::test]
async fn a_demand_beside_a_log_out_is_asked_of_nobody() {
    let rig = Rig::new();
    let opened = Opened { visitor: Some(rig.alice().await), ..Opened::NOBODY };
    let visit = rig.visit(1);
    let wishes = "x-context-require: logged-on; max-age=0\r\nx-context-logout: this\r\n";
    let done = answered(&rig.scene(&visit, &opened), 200, wishes).await;
    assert_eq!((done.log_out, done.instead.is_none()), (Some(LoggedOut::Done), true));
}

#[tokio::test]
async fn a_log_out_that_is_not_saved_takes_the_place_of_the_page_and_the_log_says_why() {
    let rig = Rig::new();
    let opened = Opened { visitor: Some(rig.alice().await), ..Opened::NOBODY };
    let visit = rig.visit(1);
    rig.store.set_fault(Fault::Unreachable);
    let done = answered(&rig.scene(&visit, &opened), 200, "x-context-logout: this\r\n").await;
    assert_eq!((done.log_out, done.cookies.is_empty()), (Some(LoggedOut::Failed), true));
    assert_eq!(done.instead.map(|answer| answer.status().code()), Some(503));
    assert_eq!(done.not_saved.as_deref(), Some("session store unreachable: switched off"));
}
