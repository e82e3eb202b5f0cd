//! A call that extends nothing extends nothing: not here, and not at the IDP. And it says of a visitor what any page would.

use std::time::Duration;

use vestibule_domain::identity::GrantDigest;
use vestibule_ports::issuer::{End, Issuer as _};
use vestibule_ports::memory::Fault;
use vestibule_ports::session_store::Slot;

use super::*;
use crate::rig::{HANDLE, Rig};

/// Status and fields of its answer, and what the log is told.
async fn call(rig: &Rig, target: &str) -> (u16, String, Note) {
    let visit = rig.visit(1);
    let call = Call { proxy: &rig.proxy, visitors: rig.visitors(), site: rig.site(), visit };
    let (target, mut note) = (Target::parse(target.as_bytes()).unwrap(), Note::default());
    let answer = serve(&call, &target, &mut note).await;
    (answer.status().code(), fields(&answer), note)
}

fn fields(answer: &Answer) -> String {
    String::from_utf8_lossy(answer.fields().as_bytes()).into_owned()
}

#[tokio::test]
async fn only_a_call_that_slides_moves_the_last_seen_time_of_both() {
    for (query, slides) in
        [("", true), ("?slide=true", true), ("?other=slide=false", true), ("?slide=false", false)]
    {
        let rig = Rig::new();
        let _alice = rig.alice().await;
        let begin = rig.now();
        rig.clock.advance(Duration::from_mins(20));

        let (status, _, note) = call(&rig, &format!("/.vestibule/session{query}")).await;
        assert_eq!((status, note.session, note.standing), (200, Some(HANDLE), Standing::LoggedOn));

        let seen = if slides { rig.now() } else { begin };
        assert_eq!(rig.issuer.seen(), Some(seen), "at the IDP, {query}");
        rig.visitors().sessions.flush_touches().await.unwrap();
        let known = rig.open(1).await.known;
        assert_eq!(known.last_seen(), slides.then(|| rig.now()), "here, {query}");
    }
}

/// The IDP refuses the log-on and no feed says why: a page would end the session, and so does this.
#[tokio::test]
async fn a_log_on_that_the_idp_refuses_is_over_here_too() {
    let rig = Rig::new();
    let _alice = rig.alice().await;
    let grant = GrantDigest::of(&rig.proof("alice", 1).grant);
    rig.issuer.end(End::Grant(grant), Cause::Revoked).await.unwrap();
    let (status, _, note) = call(&rig, "/.vestibule/session").await;
    assert_eq!((status, note.session), (200, None));
    assert!(matches!(rig.slot().await, Slot::Ended(_)));
}

#[tokio::test]
async fn a_refusal_right_at_the_limit_of_the_log_on_ends_nothing() {
    let rig = Rig::new();
    let alice = rig.alice().await;
    let end = alice.known.session.log_on().expect("she is logged on").ends_at;
    rig.clock.step_wall(Timestamp::from_millis(end.as_millis() - 1_000));
    rig.visitors().sessions.touch(&alice.known, rig.now());
    rig.visitors().sessions.flush_touches().await.unwrap();
    let grant = GrantDigest::of(&rig.proof("alice", 1).grant);
    rig.issuer.end(End::Grant(grant), Cause::Revoked).await.unwrap();
    let (_, _, note) = call(&rig, "/.vestibule/session").await;
    assert_eq!((note.session, note.standing), (Some(HANDLE), Standing::LoggedOn));
}

#[tokio::test]
async fn without_a_store_it_answers_a_script_and_the_log_says_why() {
    let rig = Rig::new();
    let _alice = rig.alice().await;
    rig.store.set_fault(Fault::Unreachable);
    let (status, fields, note) = call(&rig, "/.vestibule/session").await;
    assert_eq!(status, 503);
    assert!(fields.contains("content-type: application/problem+json\r\n"), "{fields}");
    assert_eq!(note.unknown.as_deref(), Some("session store unreachable: switched off"));
}
