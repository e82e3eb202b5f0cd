//! The fields of our own forms. Looser than OAuth parameters in one point: a password may hold any character.
//! Must not know what a form is for.

use std::fmt;

use axum::body::{self, Body};
use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;

/// Most bytes of a form body; a user name and three passwords of 128 characters, percent-encoded, take half.
pub(crate) const BODY_BYTES_MAX: usize = 16 * 1024;

/// Most fields of a form; ours have five.
const FIELDS_MAX: usize = 16;

/// The bytes of a body, if they are few enough.
pub(crate) async fn read_body(body: Body) -> Result<Bytes, NotAForm> {
    body::to_bytes(body, BODY_BYTES_MAX).await.map_err(|_| NotAForm)
}

/// The fields of a form that was sent.
pub(crate) async fn read(headers: &HeaderMap, body: Body) -> Result<Fields, NotAForm> {
    let content_type = headers.get(CONTENT_TYPE).map(http::HeaderValue::as_bytes);
    Fields::parse(content_type, &read_body(body).await?)
}

/// The decoded fields. May hold passwords, so `Debug` prints the number only.
pub(crate) struct Fields(Vec<(String, String)>);

/// The body is not a form of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a form: too long, wrong media type, too many fields, a repeated one, or not UTF-8")]
pub(crate) struct NotAForm;

impl Fields {
    pub(crate) fn parse(content_type: Option<&[u8]>, body: &[u8]) -> Result<Self, NotAForm> {
        let media_type = content_type.and_then(|value| value.split(|&byte| byte == b';').next());
        if !media_type.is_some_and(|kind| kind.eq_ignore_ascii_case(b"application/x-www-form-urlencoded")) {
            return Err(NotAForm);
        }
        let mut fields: Vec<(String, String)> = Vec::new();
        for (name, value) in url::form_urlencoded::parse(body) {
            // Bytes that are not UTF-8 come out as this character: two passwords would become one.
            let altered = value.contains(char::REPLACEMENT_CHARACTER);
            if altered || fields.len() == FIELDS_MAX || fields.iter().any(|(known, _)| *known == name) {
                return Err(NotAForm);
            }
            fields.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(fields))
    }

    /// The value of a field; the empty text if it was not sent.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fields({})", self.0.len())
    }
}

#[cfg(test)]
mod tests;
