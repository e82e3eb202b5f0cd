//! The style sheet and the icon: the same for everybody, so any cache may keep them. RFC 9110 13.1.2.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderValue, StatusCode};

const SHEET: &str = include_str!("pages/style.css");
const ICON: &str = include_str!("pages/icon.svg");

pub(super) async fn sheet(headers: HeaderMap) -> Response {
    asset(&headers, "text/css; charset=utf-8", SHEET)
}

pub(super) async fn icon(headers: HeaderMap) -> Response {
    asset(&headers, "image/svg+xml", ICON)
}

fn asset(headers: &HeaderMap, kind: &'static str, text: &'static str) -> Response {
    let tag = tag(text);
    let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let fresh = known.flat_map(|value| value.split(',')).any(|one| matches_tag(one.trim(), &tag));
    let caching = [
        (ETAG, HeaderValue::try_from(tag).expect("hexadecimal digits in quotes are printable ASCII")),
        (CACHE_CONTROL, HeaderValue::from_static("public, max-age=300")),
    ];
    if fresh {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    let content = [
        (CONTENT_TYPE, HeaderValue::from_static(kind)),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (caching, content, text).into_response()
}

fn matches_tag(candidate: &str, tag: &str) -> bool {
    candidate == "*" || candidate.strip_prefix("W/").unwrap_or(candidate) == tag
}

/// Differs when the text does; it may differ between builds of the same text, which costs one download.
fn tag(text: &str) -> String {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    format!("\"{:016x}\"", hasher.finish())
}
