//! Which tokens open which door, and what a caller is told whose token does not. RFC 6750 3.

use std::time::Duration;

use vestibule_gateway::Door;

use super::gate::{ACCESS, Gate, HOUR, JPT, challenge};
use super::issuer::Mood;

const INVALID: &str = "Bearer error=\"invalid_token\"";

#[test]
fn a_token_opens_its_own_door_and_no_other() {
    let gate = Gate::start();
    for (door, token, expected) in [
        (Door::Outside, ACCESS, 200),
        (Door::Inside, JPT, 200),
        (Door::Inside, ACCESS, 401),
        (Door::Outside, JPT, 401),
        // What services get is taken at neither door.
        (Door::Outside, "jwt.1.x", 401),
        (Door::Inside, "jwt.1.x", 401),
    ] {
        let response = gate.get(door, "/echo", token);
        assert_eq!(response.status, expected, "{token} {door:?}");
        let said = (expected == 401).then_some(INVALID);
        assert_eq!(challenge(&response), said, "{token} {door:?}");
    }
    assert_eq!(gate.upstream.requests().len(), 2);
}

#[test]
fn d22_nearly_the_token_is_not_the_token() {
    let gate = Gate::start();
    assert_eq!(gate.status(Door::Outside, ACCESS), 200);
    let last = ACCESS.len() - 1;
    for near in [
        ACCESS[..last].to_owned(),
        ACCESS[1..].to_owned(),
        format!("{ACCESS}x"),
        format!("{ACCESS}="),
        ACCESS.to_ascii_uppercase(),
        format!("{ACCESS} "),
        format!(" {ACCESS}"),
        format!("{ACCESS},{ACCESS}"),
        format!("\"{ACCESS}\""),
        "x".repeat(513),
    ] {
        // White space around a value is no part of it (RFC 9110 5.5).
        let expected = if near.trim_end() == ACCESS { 200 } else { 401 };
        assert_eq!(gate.status(Door::Outside, &near), expected, "{near:?}");
    }
}

#[test]
fn who_shows_no_token_is_told_that_one_is_needed() {
    let gate = Gate::start();
    for fields in [
        &[][..],
        &["Authorization: Basic dTpw"],
        &["Cookie: access_token=x; __Host-vst=x"],
        &["X-Context-Token: jpt.that.reads"],
        &["Proxy-Authorization: Bearer access-token-that-reads"],
    ] {
        for door in [Door::Outside, Door::Inside] {
            let response = gate.send(door, "GET", "/echo", fields);
            assert_eq!(
                (response.status, challenge(&response)),
                (401, Some("Bearer realm=\"services\"")),
                "{fields:?}"
            );
        }
    }
    assert_eq!((gate.desk.asked(), gate.upstream.seen().connections.len()), (0, 0));
}

#[test]
fn d17_a_token_shown_in_two_ways_or_in_the_query_is_a_bad_request() {
    let gate = Gate::start();
    let bearer = format!("Authorization: Bearer {ACCESS}");
    let other = "Authorization: Bearer other";
    let (plain, in_query, both) =
        ("/echo", format!("/echo?access_token={ACCESS}"), "/echo?a=b&access_token=x");
    for (target, fields) in [
        (plain, &[bearer.as_str(), bearer.as_str()][..]),
        (plain, &[bearer.as_str(), other]),
        (plain, &[other, bearer.as_str()]),
        (plain, &[bearer.as_str(), "Authorization: Basic dTpw"]),
        (in_query.as_str(), &[]),
        (in_query.as_str(), &[bearer.as_str()]),
        (both, &[bearer.as_str(), "Cookie: a=b"]),
        ("/echo?access%5Ftoken=x", &[bearer.as_str()]),
    ] {
        let response = gate.send(Door::Outside, "GET", target, fields);
        assert_eq!(response.status, 400, "{target} {fields:?}");
        assert_eq!(challenge(&response), Some("Bearer error=\"invalid_request\""), "{target} {fields:?}");
        assert!(!response.text().contains(ACCESS));
    }
    assert_eq!((gate.desk.asked(), gate.upstream.seen().connections.len()), (0, 0));
}

#[test]
fn d18_a_scope_that_is_missing_is_named() {
    let gate = Gate::start();
    gate.admit(Door::Outside, "writes", "orders:read orders:write", HOUR);
    gate.admit(Door::Outside, "near", "orders orders:reads echo:read", HOUR);
    let send = |method: &str, target: &str, token: &str| {
        let bearer = format!("Authorization: Bearer {token}");
        gate.send(Door::Outside, method, target, &[&bearer, "Content-Length: 0"])
    };
    assert_eq!(send("GET", "/orders/7", ACCESS).status, 200);
    assert_eq!(send("HEAD", "/orders/7", ACCESS).status, 200);
    assert_eq!(send("POST", "/orders", "writes").status, 200);
    for (method, target, token, needed) in [
        ("POST", "/orders", ACCESS, "orders:read orders:write"),
        ("GET", "/echo", "writes", "echo:read"),
        ("GET", "/orders/7", "near", "orders:read"),
        ("HEAD", "/orders/7", "near", "orders:read"),
    ] {
        let response = send(method, target, token);
        let said = format!("Bearer error=\"insufficient_scope\", scope=\"{needed}\"");
        assert_eq!(
            (response.status, challenge(&response)),
            (403, Some(said.as_str())),
            "{method} {target} {token}"
        );
    }
    assert_eq!(gate.upstream.requests().len(), 3);
}

#[test]
fn b55_one_cached_swap_answers_each_route_by_its_own_scopes() {
    let gate = Gate::start();
    gate.admit(Door::Outside, "echoes", "echo:read", HOUR);
    for _ in 0..2 {
        assert_eq!(gate.get(Door::Outside, "/echo", "echoes").status, 200);
        assert_eq!(gate.get(Door::Outside, "/orders", "echoes").status, 403);
    }
    assert_eq!(gate.desk.asked(), 1);
}

#[test]
fn a_method_without_scopes_is_not_served() {
    let gate = Gate::start();
    let bearer = format!("Authorization: Bearer {ACCESS}");
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS"] {
        let response = gate.send(Door::Outside, method, "/orders", &[&bearer]);
        assert_eq!(
            (response.status, response.fields.only("allow")),
            (405, Some("GET, HEAD, POST")),
            "{method}"
        );
    }
    assert_eq!(gate.upstream.seen().connections.len(), 0);
}

#[test]
fn what_has_no_route_is_denied() {
    let gate = Gate::start();
    for target in
        ["/", "/ord", "/ordersx", "/orders;a=b", "/Orders", "/x/../orders", "/orders%2f", "//orders"]
    {
        let status = gate.get(Door::Outside, target, ACCESS).status;
        assert!(matches!(status, 400 | 404), "{target}: {status}");
    }
    let bearer = format!("Authorization: Bearer {ACCESS}");
    let elsewhere = vestibule_testkit::client::get(gate.outside, "other.test", "/echo", &[&bearer]);
    assert_eq!(elsewhere.status, 421);
    assert_eq!((gate.desk.asked(), gate.upstream.seen().connections.len()), (0, 0));
}

#[test]
fn a_jwt_is_handed_out_with_half_a_minute_left_unless_its_cause_ends_sooner() {
    let gate = Gate::start();
    gate.admit(Door::Outside, "short", "echo:read", Duration::from_secs(40));
    let sent = |token: &str| {
        assert_eq!(gate.status(Door::Outside, token), 200);
        gate.relayed().fields.only("authorization").map(str::to_owned)
    };
    let first = sent(ACCESS);
    let short = sent("short");
    gate.pass(Duration::from_secs(39));
    assert_eq!(sent("short"), short, "its cause ends as soon, so no better one is to be had");
    gate.pass(Duration::from_secs(1));
    assert_eq!(gate.status(Door::Outside, "short"), 401);
    gate.pass(Duration::from_secs(530));
    assert_eq!(sent(ACCESS), first, "30 s are left");
    gate.pass(Duration::from_secs(1));
    assert_ne!(sent(ACCESS), first, "29 s are left");
}

#[test]
fn a_wall_clock_that_steps_back_keeps_no_jwt_alive() {
    let gate = Gate::start();
    assert_eq!(gate.status(Door::Outside, ACCESS), 200);
    for _ in 0..12 {
        gate.pass(Duration::from_mins(1));
        gate.clock.step_wall(vestibule_domain::identity::Timestamp::from_secs(1_800_000_000));
    }
    assert_eq!(gate.status(Door::Outside, ACCESS), 200);
    assert_eq!(gate.desk.asked(), 2);
}

#[test]
fn a_refused_token_is_asked_for_again_after_a_second() {
    let gate = Gate::start();
    for _ in 0..5 {
        assert_eq!(gate.status(Door::Outside, "unknown"), 401);
    }
    assert_eq!(gate.desk.asked(), 1);
    gate.admit(Door::Outside, "unknown", "echo:read", HOUR);
    gate.pass(Duration::from_millis(999));
    assert_eq!(gate.status(Door::Outside, "unknown"), 401);
    gate.pass(Duration::from_millis(1));
    assert_eq!(gate.status(Door::Outside, "unknown"), 200);
}

#[test]
fn access_lines_name_client_and_outcome_and_no_token() {
    let gate = Gate::start();
    gate.status(Door::Outside, ACCESS);
    gate.get(Door::Inside, "/orders", JPT);
    gate.send(
        Door::Outside,
        "POST",
        "/orders",
        &[&format!("Authorization: Bearer {ACCESS}"), "Content-Length: 0"],
    );
    gate.status(Door::Outside, "unknown-secret");
    gate.send(Door::Outside, "GET", "/echo", &[]);
    gate.send(Door::Outside, "GET", "/echo?access_token=secret-in-query", &[]);
    gate.desk.set_mood(Mood::Unreachable);
    gate.status(Door::Inside, "another.secret.jpt");
    let log = gate.stop();
    for part in [
        r#""door":"outside","client_id":"client-0","outcome":"relayed""#,
        r#""door":"inside","client_id":"client-1","outcome":"relayed""#,
        r#""door":"outside","client_id":"client-0","outcome":"insufficient-scope""#,
        r#""door":"outside","outcome":"invalid-token""#,
        r#""door":"outside","outcome":"no-token""#,
        r#""door":"outside","outcome":"invalid-request""#,
        r#""door":"inside","outcome":"issuer-unavailable","issuer_fault":"issuer unreachable: switched off""#,
    ] {
        assert_eq!(log.matches(part).count(), 1, "{part} in {log}");
    }
    for secret in [
        ACCESS,
        JPT,
        "unknown-secret",
        "another.secret.jpt",
        "secret-in-query",
        "jwt.1.x",
        "jwt.2.x",
        "Bearer",
    ] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}
