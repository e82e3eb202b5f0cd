//! Calls to services through a door of the house's gateway, as tills, the mobile app and web apps make them.

use vestibule_testkit::client::Raw;
use vestibule_testkit::patience::{PATIENCE, Patience};
use vestibule_testkit::strict::{Response, lines};

use super::client::{Mobile, token};
use super::house::{House, TILL_SECRET};

/// The door for callers outside.
pub(super) const OUTSIDE: &str = "gateway";
/// The door for web apps.
pub(super) const INSIDE: &str = "gateway-inside";

/// What a caller is told whose token does not do.
pub(super) const INVALID: &str = "Bearer error=\"invalid_token\"";

/// Calls a service with these lines beside the host. Who is told to come back later, because this machine is busy with
/// other tests, does.
#[track_caller]
pub(super) fn send(house: &House, door: &str, method: &str, target: &str, fields: &[&str]) -> Response {
    let patience = Patience::new(PATIENCE);
    loop {
        let response = send_once(house, door, method, target, fields);
        if response.status != 503 || patience.left().is_zero() {
            return response;
        }
    }
}

#[track_caller]
fn send_once(house: &House, door: &str, method: &str, target: &str, fields: &[&str]) -> Response {
    let mut caller = Raw::connect(house.running().address(door).expect("the house has services"));
    let fields = lines(fields);
    caller.send(format!(
        "{method} {target} HTTP/1.1\r\nHost: api.localhost\r\n{fields}Content-Length: 0\r\nConnection: close\r\n\r\n"
    ));
    caller.response_to(method)
}

/// The same with a token.
#[track_caller]
pub(super) fn call(house: &House, door: &str, method: &str, target: &str, token: &str) -> Response {
    send(house, door, method, target, &[&bearer(token)])
}

/// The status of a GET with a token.
#[track_caller]
pub(super) fn status(house: &House, door: &str, target: &str, token: &str) -> u16 {
    call(house, door, "GET", target, token).status
}

/// The line that shows a token.
pub(super) fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}")
}

/// What a caller is told of tokens.
pub(super) fn challenge(response: &Response) -> Option<&str> {
    response.fields.only("www-authenticate")
}

/// An access token of the till.
#[track_caller]
pub(super) fn till_token(house: &House) -> String {
    let fields = [("grant_type", "client_credentials")];
    token(house, &fields, Some(("till", TILL_SECRET))).is(200).text("access_token")
}

/// An access token of the mobile app, for alice.
#[track_caller]
pub(super) fn mobile_token(house: &House, scope: &str) -> String {
    let mobile = Mobile::new(house);
    mobile.redeem(&mobile.code(scope)).is(200).text("access_token")
}
