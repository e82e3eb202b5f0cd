//! What a request needs of the store and the IDP before it goes to its app, and what becomes of it without them.

use std::time::Duration;

use futures_util::FutureExt as _;
use vestibule_domain::cookie::SessionValue;
use vestibule_domain::identity::{GrantDigest, SessionSecret};
use vestibule_domain::outage::UNFRESH_MAX;
use vestibule_feed::LEASE;
use vestibule_message::head::{HeadLimits, RequestIndex};
use vestibule_ports::issuer::{End, Issuer as _};
use vestibule_ports::memory::Fault;
use vestibule_ports::session_store::Slot;
use vestibule_wire::RequestId;

use super::*;
use crate::rig::{HANDLE, Rig, sign_on};
use crate::tokens::ASK_AGAIN;

/// The status of a refusal, or what the app is told: standing, whether with a token, whether degraded.
type Went = Result<(Standing, bool, bool), u16>;

/// A page from a browser with these cookies, as far as its app.
async fn page(rig: &Rig, path: &str, cookies: &str) -> Went {
    let (standing, lines) = lines(rig, path, cookies).await?;
    let has = |name: &str| lines.contains(&format!("{name}:"));
    Ok((standing, has("x-context-token"), has("x-context-degraded")))
}

/// The same: the standing, and all that its app is told.
async fn lines(rig: &Rig, path: &str, cookies: &str) -> Result<(Standing, String), u16> {
    let cookies = if cookies.is_empty() { String::new() } else { format!("cookie: {cookies}\r\n") };
    let bytes = format!(
        "GET {path} HTTP/1.1\r\nhost: shop.test\r\nx-forwarded-proto: https\r\naccept: text/html\r\n{cookies}\r\n"
    )
    .into_bytes();
    let mut index = RequestIndex::default();
    index.parse(&bytes, &HeadLimits::default()).unwrap();
    let (head, live) = (index.of(&bytes), &rig.proxy.live);
    let visit = Visit::read(live, &head, [127, 0, 0, 1].into(), RequestId::default(), rig.now());
    assert!(visit.turn_away(head.target()).is_none(), "it has come to the site's origin");
    let found = live.table.find(head.host(), head.target()).unwrap();
    let app = &live.apps[found.route().number];
    match pass(&rig.proxy, visit.site.zip(rig.proxy.visitors.as_ref()), &visit, app, found, &head).await {
        Err(stopped) => Err(stopped.answer.status().code()),
        Ok(passed) => {
            let lines = String::from_utf8_lossy(passed.edit.lines.as_bytes()).to_ascii_lowercase();
            Ok((passed.standing, lines))
        }
    }
}

fn cookie(number: u8) -> String {
    let value = SessionValue { handle: HANDLE, secret: SessionSecret::from_bytes([number; 16]) };
    format!("__Host-vst={}", value.expose())
}

/// Page views of visitors without cookies touch neither the store nor the IDP: what is away is not even noticed.
#[tokio::test]
async fn an_anonymous_page_needs_nobody() {
    let rig = Rig::new();
    assert!(rig.proxy.warm_up().await);
    rig.store.set_fault(Fault::HoldCalls);
    rig.issuer.set_unreachable(true);
    for path in ["/", "/desk", "/lobby"] {
        let went = page(&rig, path, "").now_or_never().expect("nothing is waited for");
        assert_eq!(went, Ok((Standing::Anonymous, true, false)), "{path}");
    }
    assert_eq!((rig.store.reads(), rig.issuer.minted()), (0, 1));
}

#[tokio::test]
async fn without_a_token_who_can_do_without_goes_on_and_the_rest_is_told_to_come_back_at_once() {
    let rig = Rig::new();
    for (path, went) in [
        ("/", Ok((Standing::Anonymous, false, true))),
        ("/lobby", Ok((Standing::Anonymous, false, true))),
        ("/desk", Err(503)),
    ] {
        assert_eq!(page(&rig, path, "").now_or_never(), Some(went), "{path}");
    }
    assert_eq!(rig.issuer.minted(), 0);
}

/// Of ends it can hear nothing, and the IDP cannot be asked: who was disabled looks as everybody else.
#[tokio::test]
async fn a_token_from_before_serves_a_node_that_is_cut_off_for_ten_seconds() {
    let rig = Rig::new();
    assert!(rig.proxy.warm_up().await);
    let _alice = rig.alice().await;
    rig.follow_ends().await;
    assert_eq!(page(&rig, "/desk", &cookie(1)).await, Ok((Standing::LoggedOn, true, false)));

    rig.issuer.set_unreachable(true);
    rig.clock.advance(LEASE + UNFRESH_MAX);
    for path in ["/", "/desk"] {
        assert_eq!(page(&rig, path, &cookie(1)).await, Ok((Standing::LoggedOn, true, false)), "{path}");
    }
    rig.clock.advance(Duration::from_millis(1));
    assert_eq!(page(&rig, "/", &cookie(1)).await, Ok((Standing::LoggedOn, false, true)));
    assert_eq!(page(&rig, "/desk", &cookie(1)).await, Err(503));

    rig.issuer.set_unreachable(false);
    rig.clock.advance(ASK_AGAIN);
    assert_eq!(page(&rig, "/desk", &cookie(1)).await, Ok((Standing::LoggedOn, true, false)));
}

#[tokio::test(start_paused = true)]
async fn a_cookie_that_cannot_be_resolved_is_not_anonymous_unless_the_route_says_so() {
    let rig = Rig::new();
    assert!(rig.proxy.warm_up().await);
    let _alice = rig.alice().await;
    for fault in [Fault::Unreachable, Fault::HoldCalls, Fault::HoldAnswers] {
        rig.store.set_fault(fault);
        assert_eq!(page(&rig, "/", &cookie(1)).await, Err(503), "{fault:?}");
        let degraded = Ok((Standing::Anonymous, true, true));
        assert_eq!(page(&rig, "/lobby", &cookie(1)).await, degraded, "{fault:?}");
        rig.store.set_fault(Fault::None);
    }
    // Nor is a wrong secret anything but anonymous, once the store has said so.
    assert_eq!(page(&rig, "/", &cookie(9)).await, Ok((Standing::Anonymous, true, false)));
}

/// The IDP says no to a log-on that is over by its clock, and by ours is not.
#[tokio::test]
async fn a_clock_of_ours_that_is_behind_ends_no_session_at_the_limit_of_its_log_on() {
    for knows_the_time in [false, true] {
        let rig = Rig::new();
        let alice = rig.alice().await;
        let log_on = alice.known.session.log_on().expect("she is logged on");
        let (began, end) = (rig.now(), log_on.ends_at);
        if knows_the_time {
            rig.clock.step_wall(end);
            assert!(rig.proxy.warm_up().await);
        }
        rig.clock.step_wall(began);
        rig.issuer.end(End::Grant(GrantDigest::of(&log_on.grant)), Cause::Revoked).await.unwrap();
        let went = page(&rig, "/", &cookie(1)).await;
        let lives = matches!(rig.slot().await, Slot::Live(_));
        assert_eq!(lives, knows_the_time, "without a sign of the time a refusal is an end");
        if knows_the_time {
            assert_eq!(went, Ok((Standing::LoggedOn, false, true)));
            assert_eq!(page(&rig, "/desk", &cookie(1)).await, Err(503));
        }
    }
}

/// Both get the token of a returning visitor, for the same version of the session.
#[tokio::test]
async fn what_the_lasting_cookie_is_told_is_not_told_to_a_cookie_from_before_the_rise() {
    let rig = Rig::new();
    let _alice = rig.alice().await;
    rig.rise_again("alice", 2).await;
    rig.clock.advance(rig.limits().grace);
    rig.follow_ends().await;
    let lasting = format!("__Host-vst-keep={}", cookie(!2).split_once('=').unwrap().1);
    for cookies in [&lasting, &cookie(1), &lasting] {
        let (standing, told) = lines(&rig, "/", cookies).await.unwrap();
        let names_her = told.contains("x-context-remembered-user: alice");
        assert_eq!((standing, names_her), (Standing::Returning, *cookies == lasting), "{told}");
        assert!(told.contains("x-context-token: ") && !told.contains("x-context-user:"), "{told}");
    }
    assert_eq!(rig.issuer.minted(), 1, "the token, with what is kept beside it, is one");
}

/// The store goes away between the look at the session and the fall that the IDP tells of.
#[tokio::test]
async fn a_fall_elsewhere_that_cannot_be_saved_stops_the_page_and_the_log_says_why() {
    let rig = Rig::new();
    let _alice = rig.alice().await;
    rig.follow_ends().await;
    assert_eq!(page(&rig, "/", &cookie(1)).await, Ok((Standing::LoggedOn, true, false)));
    rig.issuer.end(End::SignOn(sign_on(1)), Cause::Rule).await.unwrap();
    tokio::task::yield_now().await;

    let mut opened = Opened { visitor: Some(rig.open(1).await), ..Opened::NOBODY };
    rig.store.set_fault(Fault::Unreachable);
    let visit = rig.visit(1);
    let stopped = token(&rig.porter(&visit), &mut opened, &rig.proxy.live.apps[0]).await.err();
    let mut note = Note::default();
    let answer =
        Stopped::of(stopped.expect("it is not served as if it had been saved"), true).noted(&mut note);
    assert_eq!(answer.status().code(), 503);
    assert_eq!(note.unknown.as_deref(), Some("session store unreachable: switched off"));
}
