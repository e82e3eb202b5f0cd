//! The context of one request as an app reads it, from the `x-context-*` headers. It must not trust more than
//! they say: a header that is absent, repeated or unreadable tells the app less, never more.

use std::fmt;

use http::{HeaderMap, HeaderValue};
use serde_json::{Map, Value};

pub(super) const STANDING: &str = "x-context-standing";
pub(super) const TOKEN: &str = "x-context-token";
pub(super) const REQUEST_ID: &str = "x-request-id";
pub(super) const TRACE: &str = "traceparent";

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    Anonymous,
    Returning,
    LoggedOn,
}

impl Standing {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::Returning => "returning",
            Self::LoggedOn => "logged-on",
        }
    }
}

#[derive(Debug)]
pub(super) struct Context {
    pub(super) standing: Standing,
    /// What to call the user; only while logged on.
    pub(super) name: Option<String>,
    pub(super) level: Option<String>,
    pub(super) claims: Map<String, Value>,
    pub(super) attributes: Map<String, Value>,
    pub(super) onward: Onward,
}

impl Context {
    pub(super) fn read(headers: &HeaderMap) -> Self {
        let standing = match text(headers, STANDING) {
            Some("logged-on") => Standing::LoggedOn,
            Some("returning") => Standing::Returning,
            _ => Standing::Anonymous,
        };
        let claims = object(headers, "x-context-claims");
        let name = (standing == Standing::LoggedOn).then(|| {
            let name = claims.get("name").and_then(Value::as_str);
            name.or_else(|| text(headers, "x-context-user")).unwrap_or("somebody").to_owned()
        });
        Self {
            standing,
            name,
            level: text(headers, "x-context-level").map(str::to_owned),
            claims,
            attributes: object(headers, "x-context-attributes"),
            onward: Onward {
                token: single(headers, TOKEN).cloned().map(Token),
                request_id: single(headers, REQUEST_ID).cloned(),
                trace: single(headers, TRACE).cloned(),
            },
        }
    }
}

/// What this request hands on to the services it calls.
#[derive(Debug)]
pub(super) struct Onward {
    pub(super) token: Option<Token>,
    pub(super) request_id: Option<HeaderValue>,
    pub(super) trace: Option<HeaderValue>,
}

/// The token for calls to services. The app never looks inside and never shows it.
pub(super) struct Token(HeaderValue);

impl Token {
    /// The value of an `Authorization` header (RFC 6750 2.1); `None` if the token is not ASCII.
    pub(super) fn as_bearer(&self) -> Option<HeaderValue> {
        let mut value = HeaderValue::try_from(format!("Bearer {}", self.0.to_str().ok()?)).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// The value of a header that came exactly once.
fn single<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    single(headers, name)?.to_str().ok()
}

/// The JSON object in a header; empty if there is none.
fn object(headers: &HeaderMap, name: &str) -> Map<String, Value> {
    text(headers, name).and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
