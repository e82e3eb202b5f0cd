//! The bearer token of a request, from the field `Authorization` and from nowhere else.
//! RFC 6750 2.1. Its other two ways (form body, query) leak into logs and histories; refused by design.

use std::fmt;

use crate::token::{AccessToken, Jpt, Malformed};

/// Why the field holds no bearer token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BearerRefused {
    /// More than one `Authorization` field.
    #[error("more than one Authorization field")]
    Several,
    /// Another scheme.
    #[error("the scheme of Authorization is not Bearer")]
    Scheme,
    /// The scheme is right, what follows is no token.
    #[error("malformed bearer token")]
    Malformed,
}

/// A well-formed token whose kind the door decides.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Bearer<'a>(&'a str);

impl<'a> Bearer<'a> {
    /// Reads all `Authorization` values of one request; `None` if there is none.
    pub fn from_fields(fields: impl IntoIterator<Item = &'a [u8]>) -> Result<Option<Self>, BearerRefused> {
        let mut fields = fields.into_iter();
        let Some(field) = fields.next() else { return Ok(None) };
        if fields.next().is_some() {
            return Err(BearerRefused::Several);
        }
        let scheme_end = field.iter().position(|&byte| byte == b' ').unwrap_or(field.len());
        let (scheme, rest) = field.split_at(scheme_end);
        // RFC 9110 11.1: the scheme is case-insensitive
        if !scheme.eq_ignore_ascii_case(b"Bearer") {
            return Err(BearerRefused::Scheme);
        }
        let token = rest.strip_prefix(b" ").filter(|token| is_b64token(token));
        let token = token.and_then(|token| std::str::from_utf8(token).ok());
        token.map(|token| Some(Self(token))).ok_or(BearerRefused::Malformed)
    }

    /// As the outside door takes it.
    pub fn access_token(self) -> Result<AccessToken, Malformed> {
        AccessToken::parse(self.0)
    }

    /// As the inside door takes it.
    pub fn jpt(self) -> Result<Jpt, Malformed> {
        Jpt::parse(self.0)
    }
}

impl fmt::Debug for Bearer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bearer(..)")
    }
}

/// Whether a query tries to carry a token. More lenient than any reader behind, so that no spelling slips by.
pub fn is_in_query(query: &str) -> bool {
    url::form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "access_token")
}

/// RFC 6750 2.1: b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="
fn is_b64token(token: &[u8]) -> bool {
    let text_end = token.iter().rposition(|&byte| byte != b'=').map_or(0, |last| last + 1);
    let in_text =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/');
    text_end > 0 && token[..text_end].iter().all(in_text)
}

#[cfg(test)]
mod tests;
