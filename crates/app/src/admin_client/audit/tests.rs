//! The answer to "why was I logged out?", as people read it.

use serde_json::{Value, json};

use super::*;
use crate::admin_client::scripted::{Scripted, answer};

const HANDLE: &str = "AAAAAAAAAAAAAAAAAAAAAA";

/// Of a session whose visitor is remembered, changed by the members of `changes`.
fn audit(changes: Value) -> SessionAudit {
    let mut audit = json!({
        "handle": HANDLE,
        "standing": "returning",
        "site": "shop",
        "user": "u1",
        "log_on": null,
        "last_seen": "2027-01-15T08:00:00Z",
        "logged_out": {"at": "2027-01-15T08:30:00Z", "why": "Nobody used this browser."},
        "events": [{"at": "2027-01-15T08:00:00Z", "what": "The session began."}],
        "kept_until": "2027-04-15T08:00:00Z",
    });
    let Value::Object(changes) = changes else { panic!("no object") };
    audit.as_object_mut().unwrap().extend(changes);
    serde_json::from_value(audit).unwrap()
}

#[test]
fn everything_at_one_look() {
    assert_eq!(
        told(&audit(json!({}))),
        "User u1 was logged out at 2027-01-15T08:30:00Z. Nobody used this browser.\n\
         \n\
         session          AAAAAAAAAAAAAAAAAAAAAA\n\
         standing         returning\n\
         site             shop\n\
         remembered user  u1\n\
         last seen        2027-01-15T08:00:00Z\n\
         kept until       2027-04-15T08:00:00Z\n\
         \n\
         WHEN                  WHAT\n\
         2027-01-15T08:00:00Z  The session began.\n"
    );
}

#[test]
fn the_first_line_says_why() {
    let log_on =
        json!({"authenticated_at": "2027-01-15T08:00:00Z", "level": 1, "ends_at": "2027-01-15T12:00:00Z"});
    let cases = [
        (json!({}), "User u1 was logged out at 2027-01-15T08:30:00Z. Nobody used this browser."),
        (
            json!({"user": null, "standing": "anonymous"}),
            "The session ended at 2027-01-15T08:30:00Z, with nobody logged on. Nobody used this browser.",
        ),
        (
            json!({"logged_out": null, "log_on": log_on, "standing": "logged-on"}),
            "User u1 is logged on since 2027-01-15T08:00:00Z, at most until 2027-01-15T12:00:00Z.",
        ),
        (
            json!({"logged_out": null, "user": null}),
            "Nobody was logged out: no log-on of this session is known.",
        ),
    ];
    for (changes, line) in cases {
        assert_eq!(told(&audit(changes)).lines().next(), Some(line));
    }
}

#[test]
fn the_user_is_named_by_what_he_is_now() {
    let label =
        |changes| facts(&audit(changes)).into_iter().find(|[_, value]| value == "u1").unwrap()[0].clone();
    assert_eq!(label(json!({})), "remembered user");
    assert_eq!(label(json!({"standing": "anonymous"})), "last user");
    let log_on =
        json!({"authenticated_at": "2027-01-15T08:00:00Z", "level": 1, "ends_at": "2027-01-15T12:00:00Z"});
    assert_eq!(label(json!({"standing": "logged-on", "log_on": log_on})), "user");
}

#[test]
fn a_session_is_asked_for_by_its_handle() {
    let document = serde_json::to_string(&audit(json!({}))).unwrap();
    let problem = r#"{"status":404,"title":"Not Found","detail":"No such session."}"#;
    let server = Scripted::start(vec![answer("200 OK", &document), answer("404 Not Found", problem)]);
    let connection = server.connection();
    let command = AuditCommand::Session { handle: HANDLE.parse().unwrap() };
    assert!(carry_out(&command, &connection).unwrap().starts_with("User u1 was logged out at "));
    let error = carry_out(&command, &connection).unwrap_err();
    assert_eq!(format!("{error:#}"), format!("session {HANDLE}: No such session"));
    let path = format!("GET /admin/sessions/{HANDLE}/audit");
    assert_eq!(server.asked(), [path.clone(), path]);
}

#[test]
fn a_trail_is_read_page_by_page_until_there_is_enough() {
    let alice = r#"{"id":"u1","login":"alice","name":null,"locale":null,"email":null,"roles":[],"disabled":false,
        "created_at":"2027-01-15T08:00:00Z"}"#;
    let page = |what: &str, next: &str| {
        format!(
            r#"{{"records":[{{"at":"2027-01-15T08:00:00Z","by":"root","from":"192.0.2.7","what":"{what}",
            "client":null,"session":null,"note":"revoked"}}],"next":{next}}}"#
        )
    };
    let (second, first) = (page("Second.", "7"), page("First.", "3"));
    let script = vec![answer("200 OK", alice), answer("200 OK", &second), answer("200 OK", &first)];
    let server = Scripted::start(script);
    let command = AuditCommand::User { login: "alice".to_owned(), last: 2 };
    assert_eq!(
        carry_out(&command, &server.connection()).unwrap(),
        "WHEN                  BY    FROM       WHAT     ABOUT\n\
         2027-01-15T08:00:00Z  root  192.0.2.7  Second.  revoked\n\
         2027-01-15T08:00:00Z  root  192.0.2.7  First.   revoked\n\
         There are older records; --last N shows more.\n"
    );
    assert_eq!(
        server.asked(),
        [
            "GET /admin/users/by-login/alice",
            "GET /admin/users/u1/audit",
            "GET /admin/users/u1/audit?before=7"
        ]
    );
}
