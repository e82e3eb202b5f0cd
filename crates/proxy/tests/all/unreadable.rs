//! What is stored of a session is damaged: that session is over, its visitor goes on, and the log and the audit tell it.
//! What a newer release has stored is another matter: nobody knows what it says, and it is left alone.

use vestibule_domain::audit::{Cause, Tombstone};
use vestibule_ports::memory::Fault;
use vestibule_ports::session_store::Slot;
use vestibule_testkit::upstream::{Step, answer};

use super::door::Door;

#[test]
fn a_damaged_session_is_over_and_its_visitor_is_anonymous_and_can_begin_anew() {
    let door = Door::open(&["path = '/'"]);
    door.overwrite(&[1, 0xff, 0xff, 0xff]);
    for _ in 0..2 {
        let response = door.get("/page");
        assert_eq!((response.status, response.fields.has("set-cookie")), (200, false));
        let seen = door.upstream.take();
        let [asked] = seen.of_target("/page")[..] else { panic!("{seen:?}") };
        assert_eq!(asked.fields.only("x-context-standing"), Some("anonymous"));
    }
    let Slot::Ended(tombstone) = door.slot() else { panic!("{:?}", door.slot()) };
    let tombstone = Tombstone::decode(&tombstone.body).unwrap();
    assert_eq!(tombstone.cause, Cause::Unreadable);
    assert_eq!(tombstone.life.logged_out().map(|(_, cause)| cause), Some(Cause::Unreadable));
    assert_eq!(door.counted("vestibule_sessions_unreadable_total"), 1);
    assert_eq!(door.counted("vestibule_sessions_unknown_total"), 0);
    let log = door.shut();
    assert_eq!(log.matches("\"session_unreadable\":\"session ").count(), 1, "{log}");
}

#[test]
fn the_first_patch_after_a_damaged_session_makes_a_new_one() {
    let door = Door::open(&["path = '/'"]);
    door.overwrite(&[]);
    let page = answer(200, &[r#"x-context-update: {"basket":["tea"]}"#], "a page");
    door.upstream.on("/page", [Step::ReadBody, Step::Send(page)]);
    let response = door.get("/page");
    assert_eq!(response.status, 200);
    let set = response.fields.all("set-cookie");
    assert!(set.iter().any(|cookie| cookie.starts_with("__Host-vst=")), "{set:?}");
    assert!(matches!(door.slot(), Slot::Ended(_)), "{:?}", door.slot());
    let log = door.shut();
    assert!(log.contains("\"session_unreadable\":\"") && !log.contains("not_saved"), "{log}");
}

#[test]
fn a_log_out_that_finds_a_damaged_session_is_done_here_only() {
    let door = Door::open(&["path = '/'"]);
    door.overwrite(&[1, 0xff, 0xff, 0xff]);
    let ended = door.post("/.vestibule/logout", "text/html");
    assert_eq!((ended.status, ended.fields.has("retry-after")), (503, false));
    assert!(ended.text().contains("logged out here") && ended.text().contains("damaged"), "{ended:?}");
    assert!(matches!(door.slot(), Slot::Ended(_)), "{:?}", door.slot());
    assert_eq!(door.counted("vestibule_sessions_unreadable_total"), 1);
    assert!(door.shut().contains("\"session_unreadable\":\""));
}

#[test]
fn a_log_out_that_cannot_end_a_damaged_session_is_not_done() {
    let door = Door::open(&["path = '/'"]);
    door.overwrite(&[1, 0xff, 0xff, 0xff]);
    door.store.set_fault(Fault::Unsafe);
    let refused = door.post("/.vestibule/logout", "text/html");
    assert_eq!((refused.status, refused.fields.has("retry-after")), (503, true));
    assert!(refused.text().contains("still logged on"), "{refused:?}");
}

#[test]
fn a_session_of_a_newer_release_is_unknown_and_stays() {
    let door = Door::open(&["path = '/'"]);
    door.overwrite(&[2, 1, 2, 3]);
    for _ in 0..2 {
        let response = door.get("/page");
        assert_eq!((response.status, response.fields.has("set-cookie")), (503, false));
    }
    assert_eq!(door.version(), 2, "nothing was written");
    assert_eq!(door.counted("vestibule_sessions_unreadable_total"), 0);
    let log = door.shut();
    assert_eq!(log.matches("\"session_unknown\":\"").count(), 2, "{log}");
}
