//! A session that is only known from before the store was lost: good enough for a page, never for what an app demands.

use std::time::Duration;

use vestibule_ports::memory::Fault;
use vestibule_sessions::LEASE;
use vestibule_testkit::upstream::{Step, answer};

use super::door::Door;

#[test]
fn what_would_change_a_copy_is_refused_before_the_app_is_asked_and_may_be_repeated() {
    let door = Door::open(&["path = '/'"]);
    door.begin_to_cache();
    door.store.set_fault(Fault::Unreachable);
    door.clock.advance(LEASE + Duration::from_millis(500));
    for (accept, kind, text) in [
        ("text/html", "text/html; charset=utf-8", "could not be saved right now"),
        ("application/json", "application/problem+json", "context-not-saved"),
    ] {
        let response = door.post("/order", accept);
        assert_eq!((response.status, response.fields.only("retry-after")), (503, Some("1")), "{accept}");
        assert_eq!(response.fields.only("content-type"), Some(kind), "{accept}");
        assert!(response.text().contains(text) && !response.fields.has("set-cookie"), "{response:?}");
    }
    assert!(door.upstream.take().of_target("/order").is_empty());
    let log = door.shut();
    let told: Vec<_> = log.lines().filter(|line| line.contains("\"/order\"")).collect();
    assert_eq!(told.len(), 2, "{log}");
    for line in told {
        for part in ["\"session_unknown\":\"", "\"session\":\"", "\"standing\":\"logged-on\""] {
            assert!(line.contains(part), "{part}: {line}");
        }
    }
}

#[test]
fn a_copy_shows_a_page_and_satisfies_no_demand() {
    let door = Door::open(&["path = '/'"]);
    for (path, demand) in [("/demand", "logged-on"), ("/recent", "logged-on; max-age=3600")] {
        let page = answer(200, &[&format!("x-context-require: {demand}")], "a secret page");
        door.upstream.on(path, [Step::ReadBody, Step::Send(page)]);
        assert_eq!(door.get(path).status, 200, "alice has it");
    }

    door.begin_to_cache();
    door.store.set_fault(Fault::Unreachable);
    door.clock.advance(LEASE + Duration::from_millis(500));
    assert!(!door.is_cached(), "the cache may not be believed any more");

    assert_eq!(door.get("/plain").status, 200);
    let seen = door.upstream.take();
    let [plain] = seen.of_target("/plain")[..] else { panic!("{seen:?}") };
    assert_eq!(plain.fields.only("x-context-degraded"), Some("1"));
    assert_eq!(plain.fields.only("x-context-standing"), Some("logged-on"));
    for path in ["/demand", "/recent"] {
        let response = door.get(path);
        assert_eq!((response.status, response.fields.only("retry-after")), (503, Some("1")), "{path}");
        assert!(!response.text().contains("secret"), "{path}");
        assert!(!response.fields.has("set-cookie"), "{path}");
    }

    door.store.set_fault(Fault::None);
    assert_eq!(door.get("/demand").status, 200);
    assert_eq!(door.counted("vestibule_degraded_total"), 3);
    let log = door.shut();
    assert_eq!(log.matches("\"degraded\":1").count(), 3, "{log}");
}
