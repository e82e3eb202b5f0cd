//! A26: an answer of ours leaves before the request's body was read, and a request stands in the body. It is never taken
//! for one: what comes after it is the next request, or the connection has ended.

use std::net::SocketAddr;
use std::time::Duration;

use vestibule_testkit::client::Raw;
use vestibule_testkit::strict::{latin1, lines};

use super::browser::Browser;
use super::door::{INSIDE, OUTSIDE, bearer, till_token};
use super::house::{House, SHOP};

/// How long the end of a connection may take that nothing more comes on.
const END_WAIT: Duration = Duration::from_secs(3);

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
            let (framing, body) = if is_chunked {
                let body = format!("{:x}\r\n{inside}\r\n0\r\n\r\n", inside.len());
                ("Transfer-Encoding: chunked".to_owned(), body)
            } else {
                (format!("Content-Length: {}", inside.len()), inside)
            };
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
