//! A26: an answer of ours leaves before the request's body was read, and a request stands in the body. It is never taken
//! for one: what comes after it is the next request, or the connection has ended.

use std::net::SocketAddr;
use std::time::Duration;

use vestibule_testkit::client::Raw;
use vestibule_testkit::strict::{latin1, lines};

use super::browser::Browser;
use super::door::{INSIDE, OUTSIDE, bearer, till_token};
use super::house::{House, LOGIN, SHOP};

/// How long the end of a connection may take that nothing more comes on.
const END_WAIT: Duration = Duration::from_secs(3);

/// More than the log-in takes.
const LARGE: usize = 100 * 1024;

/// A request that is answered early.
struct Early<'e> {
    what: &'e str,
    request: &'e str,
    fields: Vec<&'e str>,
    status: u16,
}

#[test]
fn the_proxys_own_answers_leave_no_request_behind() {
    let house = House::open();
    let address = house.running().address("proxy").expect("the house has a proxy");
    let host = format!("{SHOP}:{}", address.port());
    let own = format!("Origin: http://{host}");
    let old = format!("Cookie: {}", vst(&from_before_a_log_on(&house)));
    let page = ["Sec-Fetch-Site: none", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"];
    let script =
        [own.as_str(), "Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty"];
    let foreign = ["Origin: http://evil.example", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"];
    for (what, request, fields, status) in [
        ("a page that needs a log-on", "GET /account", page.to_vec(), 303),
        ("a script's call that needs one", "POST /account", script.to_vec(), 401),
        ("a form of another site", "POST /basket", foreign.to_vec(), 403),
        ("a secret from before a rise", "POST /basket", [&script[..], &[old.as_str()]].concat(), 503),
        ("an address of ours that is none", "POST /.vestibule/nothing", script.to_vec(), 404),
        ("an address of ours", "GET /.vestibule/session", script.to_vec(), 200),
        ("a log-in that is begun", "GET /.vestibule/login?to=/account", page.to_vec(), 303),
        ("a callback of nobody's", "GET /.vestibule/callback?code=x&state=x", page.to_vec(), 400),
    ] {
        let early = Early { what, request, fields, status };
        leaves_nothing_behind(&house, address, &host, "/whoami", &[], &early);
    }
}

#[test]
fn the_gateways_own_answers_leave_no_request_behind() {
    let house = House::with_services();
    let till = bearer(&till_token(&house));
    let jpt = house.whoami(&mut house.browser().tab()).context("token").map(bearer).expect("a JPT");
    for (door, good) in [(OUTSIDE, till.as_str()), (INSIDE, jpt.as_str())] {
        let address = house.running().address(door).expect("the house has services");
        for (what, request, fields, status) in [
            ("no token", "POST /orders", vec![], 401),
            ("a bad token", "POST /orders", vec!["Authorization: Bearer bad"], 401),
            ("two tokens", "POST /products", vec![good, good], 400),
            ("a token that does not do", "GET /orders", vec![good], 403),
            ("no service", "POST /nothing", vec![good], 404),
            ("a method that no service has", "DELETE /orders", vec![good], 405),
        ] {
            let early = Early { what, request, fields, status };
            leaves_nothing_behind(&house, address, "api.localhost", "/products", &[good], &early);
        }
    }
}

#[test]
fn the_log_ins_own_answers_leave_no_request_behind() {
    let house = House::open();
    let address = house.running().address("idp").expect("the house has a log-in");
    let host = format!("Host: {LOGIN}:{}", address.port());
    let (inside, next) = (
        format!("GET /jwks/jpt HTTP/1.1\r\n{host}\r\n\r\n"),
        format!("GET /.well-known/openid-configuration HTTP/1.1\r\n{host}\r\n\r\n"),
    );
    let form = "Content-Type: application/x-www-form-urlencoded";
    for (what, request, fields, is_large, status) in [
        ("an address that is none", "POST /nothing", &[form][..], false, 404),
        ("a document", "GET /jwks/services", &[], false, 200),
        ("a document that takes nothing", "POST /jwks/services", &[form], false, 405),
        ("a log-in form of nobody's", "POST /login", &[form], false, 400),
        ("a client that says nothing of itself", "POST /token", &[form], false, 400),
        ("a form in another language", "POST /token", &["Content-Type: text/plain"], false, 400),
        ("a body that is too large", "POST /token", &[form], true, 413),
        ("a body that is too large for an address that is none", "POST /nothing", &[], true, 413),
    ] {
        for is_chunked in [false, true] {
            for is_late in [false, true] {
                let body = if is_large { inside.repeat(LARGE / inside.len() + 1) } else { inside.clone() };
                let (framing, body) = framed(&body, is_chunked);
                let head = [&[&*host], fields, &[&*framing]].concat();
                let head = format!("{request} HTTP/1.1\r\n{}\r\n", lines(&head));
                let mut raw = Raw::connect(address);
                // Who is closed on already cannot send, and that is an outcome too.
                let _ = if is_late { raw.try_send(&head) } else { raw.try_send(head.clone() + &body) };
                // It reads the whole body first, as long as that is not too large.
                let _ = if is_late { raw.try_send(body.clone() + &next) } else { raw.try_send(&next) };
                raw.finish();
                let answer = raw.response();
                let (rest, _) = raw.until_end(END_WAIT);

                let context = format!("{what}, chunked: {is_chunked}, late: {is_late}");
                assert_eq!(answer.status, status, "{context}: {answer:?}");
                let rest = latin1(&rest);
                let answers = rest.matches("HTTP/1.1 ").count();
                assert!(answers == 0 && answer.says_close() || answers == 1, "{context}: {rest}");
                assert!(!rest.contains("\"keys\""), "{context}: {rest}");
            }
        }
    }
}

#[test]
fn nobody_opens_a_tunnel_at_any_door() {
    let house = House::with_services();
    for (face, host) in [
        ("proxy", SHOP),
        ("idp", LOGIN),
        (OUTSIDE, "api.localhost"),
        (INSIDE, "api.localhost"),
        ("admin", "localhost"),
    ] {
        let address = house.running().address(face).expect("the house serves it");
        let (own, port) = (format!("{host}:{}", address.port()), address.port());
        let next = format!("GET /healthz HTTP/1.1\r\nHost: {own}\r\n\r\n");
        for target in
            [&*own, "127.0.0.1:1", "/token", "/authorize", "/.vestibule/login", &format!("http://{own}/")]
        {
            for framing in ["", "Content-Length: 0\r\n", "Transfer-Encoding: chunked\r\n"] {
                // A34: neither a tunnel, nor a request in what would be sent through it.
                let mut raw = Raw::connect(address);
                raw.send(format!("CONNECT {target} HTTP/1.1\r\nHost: {own}\r\n{framing}\r\n{next}"));
                raw.finish();
                let answer = raw.response_to("CONNECT");
                let context = format!("{face}, port {port}: {target} {framing:?}");
                assert!(
                    [400, 405, 501].contains(&answer.status) && answer.says_close(),
                    "{context}: {answer:?}"
                );
                let (rest, _) = raw.until_end(END_WAIT);
                assert_eq!(latin1(&rest), "", "{context}");
            }
        }
    }
}

fn framed(body: &str, is_chunked: bool) -> (String, String) {
    if is_chunked {
        ("Transfer-Encoding: chunked".to_owned(), format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len()))
    } else {
        (format!("Content-Length: {}", body.len()), body.to_owned())
    }
}

/// Sends it with a body that is a request below `root`, in both framings, before the answer and after it.
#[track_caller]
fn leaves_nothing_behind(
    house: &House,
    address: SocketAddr,
    host: &str,
    root: &str,
    good: &[&str],
    early: &Early<'_>,
) {
    let Early { what, request, fields, status } = early;
    let host = format!("Host: {host}");
    let whole = |path: &str| format!("GET {path} HTTP/1.1\r\n{}\r\n", lines(&[&[&*host], good].concat()));
    for is_chunked in [false, true] {
        for is_late in [false, true] {
            let (smuggled, next) = (house.app.new_path(root), house.app.new_path(root));
            let inside = whole(&smuggled);
            let (framing, body) = framed(&inside, is_chunked);
            let head = [&[&*host], &fields[..], &[&*framing]].concat();
            let head = format!("{request} HTTP/1.1\r\n{}\r\n", lines(&head));
            let mut raw = Raw::connect(address);
            raw.send(if is_late { head } else { head + &body });
            let answer = raw.response();
            assert_eq!(answer.status, *status, "{what}: {answer:?}");

            // Who is closed on already cannot send, and that is an outcome too.
            let late = if is_late { body } else { String::new() };
            let _ = raw.try_send(late + &whole(&next));
            raw.finish();
            let (rest, _) = raw.until_end(END_WAIT);

            let context = format!("{what}, chunked: {is_chunked}, late: {is_late}");
            assert_eq!(house.app.calls(&smuggled), 0, "{context}");
            let answers = latin1(&rest).matches("HTTP/1.1 ").count();
            assert_eq!(answers, house.app.calls(&next), "{context}: {:?}", latin1(&rest));
            assert!(answers == 1 || answer.says_close(), "{context}: {answer:?}");
        }
    }
}

/// A browser whose cookies are from before a log-on that has just been.
#[track_caller]
fn from_before_a_log_on(house: &House) -> Browser {
    let mut tab = house.browser().tab();
    house.patch(&mut tab, r#"{"basket":["old"]}"#).is(200);
    let old = tab.browser.copy();
    tab.log_in(&house.shop("/account"));
    old
}

fn vst(browser: &Browser) -> String {
    format!("__Host-vst={}", browser.cookie(SHOP, "__Host-vst").expect("it was known"))
}
