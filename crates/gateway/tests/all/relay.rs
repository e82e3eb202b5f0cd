//! What a service sees of a request, byte for byte, and what a caller sees of its answer.

use vestibule_gateway::Door;
use vestibule_testkit::client::Raw;
use vestibule_testkit::strict::folded;
use vestibule_testkit::upstream::{Step, answer};

use super::gate::{ACCESS, Gate, JPT, request};

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}")
}

#[test]
fn d17_a_service_gets_exactly_one_authorization_which_is_the_jwt() {
    let gate = Gate::start();
    for (door, token, jwt) in
        [(Door::Outside, ACCESS, "Bearer jwt.1.x"), (Door::Inside, JPT, "Bearer jwt.2.x")]
    {
        for also in [
            &[][..],
            &["Cookie: __Host-vst=a.b; theme=dark", "Cookie: more=1"],
            &["Connection: authorization"],
            &["Connection: close, Authorization, X-Request-Id, X-Forwarded-For"],
            &["Proxy-Authorization: Bearer other"],
            &["HTTP_AUTHORIZATION: Bearer other", "Http-Authorization: Bearer other"],
            &["X-Context-Token: other", "x_context_token: other", "X.Context.Token: other"],
        ] {
            let response =
                gate.send(door, "GET", "/echo/x?y=z", &[&[bearer(token).as_str()][..], also].concat());
            assert_eq!(response.status, 200, "{also:?}");
            let raw = String::from_utf8(gate.upstream.seen().raw()).unwrap();
            assert!(!raw.contains(token) && !raw.contains("other") && !raw.contains("__Host-vst"), "{raw}");
            let seen = gate.relayed();
            assert_eq!((seen.method.as_str(), seen.target.as_str()), ("GET", "/echo/x?y=z"));
            assert_eq!(seen.fields.all("authorization"), [jwt], "{also:?}");
            assert!(seen.fields.all("cookie").is_empty());
            let names: Vec<_> = seen.fields.iter().map(|(name, _)| folded(name)).collect();
            let is_foreign = |name: &String| name.starts_with("x-context-") || name.starts_with("http-");
            assert!(!names.iter().any(is_foreign), "{names:?}");
        }
    }
}

#[test]
fn b10_forwarded_fields_are_ours() {
    let gate = Gate::start();
    let forged = [
        "X-Forwarded-For: 6.6.6.6",
        "X_Forwarded_For: 6.6.6.6",
        "X-Forwarded-Proto: https",
        "X-Forwarded-Host: evil.test",
        "X-Forwarded-Prefix: /evil",
        "Forwarded: for=6.6.6.6",
        "X-Real-IP: 6.6.6.6",
        "X-Original-URL: /evil",
        "X-Rewrite-URL: /evil",
        "X-HTTP-Method-Override: DELETE",
        "X-Request-Id: evil",
    ];
    for (door, token) in [(Door::Outside, ACCESS), (Door::Inside, JPT)] {
        let response = gate.send(door, "GET", "/echo", &[&[bearer(token).as_str()][..], &forged].concat());
        let seen = gate.relayed();
        assert_eq!(seen.fields.all("x-forwarded-for"), ["127.0.0.1"]);
        assert_eq!(seen.fields.all("x-forwarded-proto"), ["http"]);
        assert_eq!(seen.fields.all("x-forwarded-host"), ["api.test"]);
        let id = seen.fields.only("x-request-id");
        assert!(id.is_some_and(|id| id.len() == 32), "{id:?}");
        assert_eq!(response.fields.only("x-request-id"), id, "the caller learns the name of the request");
        let text = format!("{seen:?}");
        assert!(!text.contains("6.6.6.6") && !text.contains("evil") && !text.contains("DELETE"), "{text}");
    }
}

#[test]
fn a_trusted_peer_says_where_a_request_came_from() {
    let gate = Gate::trusting(&["127.0.0.0/8"]);
    let forwarded = ["X-Forwarded-For: 1.1.1.1, 6.6.6.6", "X-Forwarded-Proto: https"];
    gate.send(Door::Outside, "GET", "/echo", &[&[bearer(ACCESS).as_str()][..], &forwarded].concat());
    let seen = gate.relayed();
    assert_eq!(seen.fields.all("x-forwarded-for"), ["6.6.6.6"]);
    assert_eq!(seen.fields.all("x-forwarded-proto"), ["https"]);
    let log = gate.stop();
    assert!(log.contains("\"client\":\"6.6.6.6\""), "{log}");
}

#[test]
fn a_trace_goes_on_at_the_inside_door_alone() {
    let gate = Gate::start();
    let traceparent = format!("traceparent: {TRACE}");
    for (door, token, goes_on) in [(Door::Inside, JPT, true), (Door::Outside, ACCESS, false)] {
        let fields = [&bearer(token), traceparent.as_str(), "tracestate: a=b"];
        gate.send(door, "GET", "/echo", &fields);
        let seen = gate.relayed();
        let [sent] = seen.fields.all("traceparent")[..] else { panic!("one traceparent: {seen:?}") };
        assert_eq!(sent == TRACE, goes_on, "{sent}");
        assert_eq!(seen.fields.only("tracestate"), goes_on.then_some("a=b"));
        if !goes_on {
            let id = seen.fields.only("x-request-id").unwrap();
            assert_eq!(&sent[3..35], id);
        }
    }
    let fields = [&bearer(JPT), traceparent.as_str(), traceparent.as_str(), "tracestate: a=b"];
    gate.send(Door::Inside, "GET", "/echo", &fields);
    let seen = gate.relayed();
    assert!(seen.fields.only("traceparent").is_some_and(|sent| sent != TRACE), "two are none: {seen:?}");
    assert_eq!(seen.fields.only("tracestate"), None);
}

#[test]
fn a_body_goes_up_and_an_answer_comes_down() {
    let gate = Gate::start();
    let down = ["X-Context-Update: {}", "Set-Cookie: __Host-vst=x; Path=/", "Server: s", "ETag: \"1\""];
    gate.upstream.on("/echo", [Step::ReadBody, Step::Send(answer(201, &down, "made"))]);
    let mut client = Raw::connect(gate.outside);
    client.send(request("POST", "/echo", &[&bearer(ACCESS), "Content-Length: 5"]) + "hello");
    let response = client.response();
    assert_eq!((response.status, response.text().as_str()), (201, "made"));
    assert_eq!(response.fields.only("etag"), Some("\"1\""));
    for name in ["x-context-update", "set-cookie", "server"] {
        assert!(response.fields.all(name).is_empty(), "{name}");
    }
    assert_eq!(gate.relayed().body, b"hello");
}

#[test]
fn what_a_service_says_of_a_token_reaches_the_caller() {
    let gate = Gate::start();
    gate.upstream.on("/echo", [Step::Send(answer(403, &["WWW-Authenticate: Bearer error=\"x\""], "no"))]);
    let response = gate.get(Door::Outside, "/echo", ACCESS);
    assert_eq!((response.status, response.text().as_str()), (403, "no"));
    assert_eq!(response.fields.only("www-authenticate"), Some("Bearer error=\"x\""));
}

#[test]
fn a_service_that_is_down_is_a_problem_document() {
    let gate = Gate::start();
    gate.upstream.on("/echo", [Step::Close]);
    let response = gate.get(Door::Outside, "/echo", ACCESS);
    assert_eq!(response.status, 502);
    assert_eq!(response.fields.only("content-type"), Some("application/problem+json"));
    assert!(
        response.text().contains("\"type\":\"urn:vestibule:problem:service-unreachable\""),
        "{response:?}"
    );
    assert!(gate.stop().contains("\"outcome\":\"not-relayed\""));
}
