//! The answer of `/whoami` and of the service `/echo`: the request headers exactly as received. Must not
//! judge or hide any of them, the token included: it is how a newcomer, and every test of the proxy, sees
//! what arrives.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use crate::reply;

/// Reads the body to its end, keeping none of it, then answers `{"headers": {...}}`.
pub(crate) async fn answer(headers: HeaderMap, mut body: Body) -> Response {
    while let Some(frame) = body.frame().await {
        if frame.is_err() {
            let detail = "The connection failed before the whole body had arrived.";
            return reply::problem(StatusCode::BAD_REQUEST, "Body cut short", detail);
        }
    }
    reply::json(StatusCode::OK, &json!({ "headers": as_json(&headers) }))
}

/// One string a header, or an array of them, in order, for a header that came more than once.
fn as_json(headers: &HeaderMap) -> BTreeMap<&str, Value> {
    headers
        .keys()
        .map(|name| {
            let mut values: Vec<Value> =
                headers.get_all(name).iter().map(|v| Value::String(text(v))).collect();
            let value = if values.len() == 1 { values.remove(0) } else { Value::Array(values) };
            (name.as_str(), value)
        })
        .collect()
}

/// A header value as text: UTF-8 if it is that, else one character per byte, so that nothing is lost.
pub(crate) fn text(value: &HeaderValue) -> String {
    match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => text.to_owned(),
        Err(_) => value.as_bytes().iter().copied().map(char::from).collect(),
    }
}

#[cfg(test)]
mod tests;
