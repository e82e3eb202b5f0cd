//! The rows of "What this app was told": each header about the visitor, with a sentence on what it is for.
//! The token is only counted; its text must never get into a page.

use http::{HeaderMap, HeaderName};

use super::context::{REQUEST_ID, STANDING, TOKEN, TRACE};
use crate::echo;

pub(super) struct Row {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) meaning: &'static str,
}

/// Headers in the order in which a newcomer understands them best.
const KNOWN: [(&str, &str); 17] = [
    (STANDING, "How well the platform knows you: anonymous, returning or logged-on."),
    ("x-context-visitor", "A random name for this browser on this site. After a log-out it is a new one."),
    ("x-context-user", "The user’s opaque id, only while logged on. Never the log-in name."),
    ("x-context-remembered-user", "Who was logged on here last. Good for a greeting, never for rights."),
    (
        "x-context-session",
        "The handle of the session record. Safe to log: it opens nothing without the cookie’s secret.",
    ),
    ("x-context-authenticated-at", "When you proved who you are, in seconds since 1970."),
    ("x-context-level", "How you proved it: 1 is a password, 2 is two factors."),
    ("x-context-claims", "What this app may know about the user. Kept fresh by the proxy."),
    ("x-context-attributes", "What the session keeps for you and this app may read. Your basket is in here."),
    (TOKEN, "The token for calls to services. The app hands it on unread; only the gateway takes it."),
    ("x-context-degraded", "Something behind the proxy is away for the moment, so this context tells less."),
    (REQUEST_ID, "The number of this request, the same in every log on its way."),
    (TRACE, "The trace that this request belongs to (W3C Trace Context)."),
    ("x-forwarded-for", "Where the request came from, as the proxy saw it."),
    ("x-forwarded-host", "The host name that the browser asked for."),
    ("x-forwarded-port", "The port that the browser asked for."),
    ("x-forwarded-proto", "The scheme that the browser used."),
];
const UNKNOWN: &str = "A header that this app does not know and ignores.";

pub(super) fn rows(headers: &HeaderMap) -> Vec<Row> {
    let mut rows = Vec::new();
    for (name, meaning) in KNOWN {
        for value in headers.get_all(name) {
            let value = match name {
                TOKEN => format!("present, {} characters", value.len()),
                _ => echo::text(value),
            };
            rows.push(Row { name: name.to_owned(), value, meaning });
        }
    }
    let mut unknown: Vec<&HeaderName> =
        headers.keys().filter(|name| is_unknown_of_ours(name.as_str())).collect();
    unknown.sort_by_key(|name| name.as_str());
    for name in unknown {
        for value in headers.get_all(name) {
            rows.push(Row { name: name.to_string(), value: echo::text(value), meaning: UNKNOWN });
        }
    }
    rows
}

fn is_unknown_of_ours(name: &str) -> bool {
    let ours = name.starts_with("x-context-") || name.starts_with("x-forwarded-");
    ours && !KNOWN.iter().any(|(known, _)| *known == name)
}
