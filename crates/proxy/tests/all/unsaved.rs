//! A change of the context that cannot be saved, because the store goes away while the app answers: what becomes of the
//! page is the route's choice, and the log tells it either way.

use vestibule_ports::memory::Fault;
use vestibule_testkit::strict::Response;
use vestibule_testkit::upstream::{Step, answer};

use super::door::Door;

/// A page whose app asks for a change, and has answered when the store is gone.
fn unsaved(door: &Door, path: &str) -> Response {
    let page = answer(200, &[r#"x-context-update: {"basket":["tea"]}"#, "x-app: 1"], "a page");
    door.upstream.on(path, [Step::ReadBody, Step::Hold("lost"), Step::Send(page)]);
    let mut asked = door.ask(path);
    door.upstream.wait_until("the request", |seen| !seen.of_target(path).is_empty());
    door.store.set_fault(Fault::Unreachable);
    door.upstream.release("lost");
    let response = asked.response();
    door.store.set_fault(Fault::None);
    response
}

#[test]
fn a_route_that_says_deliver_shows_the_page_and_saves_nothing_and_the_log_says_so() {
    let door = Door::open(&["path = '/told'\non_patch_failure = 'deliver'"]);
    let response = unsaved(&door, "/told");
    assert_eq!((response.status, response.text()), (200, "a page".to_owned()));
    assert_eq!((response.fields.only("x-app"), response.fields.has("set-cookie")), (Some("1"), false));
    assert!(!response.fields.has("x-context-update"));
    assert_eq!(door.version(), 1);
    check_log(door, "/told");
}

#[test]
fn any_other_route_answers_that_it_was_not_saved() {
    let door = Door::open(&["path = '/held'"]);
    let response = unsaved(&door, "/held");
    assert_eq!((response.status, response.fields.has("set-cookie")), (503, false));
    assert!(response.text().contains("context-not-saved"), "{response:?}");
    assert!(!response.fields.has("x-app"), "nothing of the app's answer");
    assert_eq!(door.version(), 1);
    check_log(door, "/held");
}

/// The access line of this page tells why nothing was saved, and that of the next page tells nothing.
#[track_caller]
fn check_log(door: Door, path: &str) {
    let after = format!("{path}/after");
    assert_eq!(door.get(&after).status, 200);
    assert_eq!(door.counted("vestibule_context_not_saved_total"), 1);
    let log = door.shut();
    let line =
        |path: &str| log.lines().find(|line| line.contains(&format!("\"{path}\""))).unwrap_or_default();
    assert!(line(path).contains("\"not_saved\":\""), "{log}");
    assert!(!line(&after).is_empty() && !line(&after).contains("not_saved"), "{log}");
}
