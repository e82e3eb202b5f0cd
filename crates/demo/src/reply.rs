//! Answers in JSON that are not pages: problem documents (RFC 9457) and the headers that go with all of them.

use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

/// A problem document; `title` names the kind of problem, `detail` says what to do about this one.
pub(crate) fn problem(status: StatusCode, title: &str, detail: &str) -> Response {
    let body = json!({ "type": "about:blank", "title": title, "status": status.as_u16(), "detail": detail });
    // RFC 9457 3
    with_kind(status, "application/problem+json", body.to_string().into())
}

pub(crate) fn json(status: StatusCode, body: &Value) -> Response {
    with_kind(status, "application/json", body.to_string().into())
}

/// JSON that somebody else wrote; a problem document when it comes with an error status.
pub(crate) fn json_as_received(status: StatusCode, body: bytes::Bytes) -> Response {
    let kind = if status.is_success() { "application/json" } else { "application/problem+json" };
    with_kind(status, kind, body)
}

fn with_kind(status: StatusCode, kind: &'static str, body: bytes::Bytes) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(kind)),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (status, headers, body).into_response()
}
