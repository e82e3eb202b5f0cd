//! What a request needs of the store and the IDP before it goes to its app, and what becomes of it without them.

use futures_util::FutureExt as _;
use vestibule_domain::cookie::SessionValue;
use vestibule_domain::identity::SessionSecret;
use vestibule_message::head::{HeadLimits, RequestIndex};
use vestibule_ports::memory::Fault;
use vestibule_wire::RequestId;

use super::*;
use crate::rig::{HANDLE, Rig};

/// The status of a refusal, or what the app is told: standing, whether with a token, whether degraded.
type Went = Result<(Standing, bool, bool), u16>;

/// A page from a browser with these cookies, as far as its app.
async fn page(rig: &Rig, path: &str, cookies: &str) -> Went {
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
            let has = |name: &str| lines.contains(&format!("{name}:"));
            Ok((passed.standing, has("x-context-token"), has("x-context-degraded")))
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
