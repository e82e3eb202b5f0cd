//! Parameters of a request, from a query or a form body: application/x-www-form-urlencoded, read strictly.
//! RFC 6749 3.1, 3.2 and appendix B. Must not know which parameters an endpoint has;
//! of `scope` alone it knows that somebody else refuses what is malformed.

use std::fmt;

/// Longest query or form body, in bytes.
pub const FORM_BYTES_MAX: usize = 16 * 1024;

/// Most parameters in one request, those that nobody knows included.
pub const PARAMETERS_MAX: usize = 64;

/// Why a text is not a set of parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FormRefused {
    /// The body's media type is another one.
    #[error("the body must be application/x-www-form-urlencoded")]
    MediaType,
    /// Over [`FORM_BYTES_MAX`].
    #[error("the request is too long")]
    TooLong,
    /// Over [`PARAMETERS_MAX`].
    #[error("too many parameters")]
    TooMany,
    /// A broken escape, invalid UTF-8, or a control character outside `scope`.
    #[error("malformed encoding of parameters")]
    Encoding,
}

/// A parameter that the endpoint reads was sent more than once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a parameter is repeated")]
pub struct Repeated;

/// The parameters of one request, decoded. May hold passwords and codes, so `Debug` prints the number only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Form {
    pairs: Vec<(String, String)>,
}

impl Form {
    /// Reads a query without its `?`, or the bytes of a form body.
    pub fn parse(encoded: &[u8]) -> Result<Self, FormRefused> {
        if encoded.len() > FORM_BYTES_MAX {
            return Err(FormRefused::TooLong);
        }
        let mut pairs = Vec::new();
        for piece in encoded.split(|&byte| byte == b'&').filter(|piece| !piece.is_empty()) {
            if pairs.len() == PARAMETERS_MAX {
                return Err(FormRefused::TooMany);
            }
            let split = piece.iter().position(|&byte| byte == b'=');
            let (name, value) = split.map_or((piece, &[][..]), |at| (&piece[..at], &piece[at + 1..]));
            let name = decode(name)?;
            // What is wrong with a scope has an error of its own (RFC 6749 4.1.2.1 and 5.2); its grammar stops these too.
            let value = if name == "scope" { decode_any(value)? } else { decode(value)? };
            pairs.push((name, value));
        }
        Ok(Self { pairs })
    }

    /// Reads a body that must say by its `Content-Type` that it is a form.
    pub fn from_body(content_type: Option<&str>, body: &[u8]) -> Result<Self, FormRefused> {
        let media_type = content_type.and_then(|value| value.split(';').next()).unwrap_or_default();
        if !media_type.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(FormRefused::MediaType);
        }
        Self::parse(body)
    }

    /// The value of a parameter; one without a value counts as not sent.
    pub fn get(&self, name: &str) -> Result<Option<&str>, Repeated> {
        let mut values =
            self.pairs.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let first = values.next();
        // RFC 6749 3.1: parameters MUST NOT be included more than once
        if values.next().is_some() {
            return Err(Repeated);
        }
        Ok(first.filter(|value| !value.is_empty()))
    }

    /// Whether a parameter was sent at all, be it empty or repeated.
    pub fn has(&self, name: &str) -> bool {
        self.pairs.iter().any(|(known, _)| known == name)
    }
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Form({} parameters)", self.pairs.len())
    }
}

/// One name or value of a form. No parameter of OAuth may hold control characters (RFC 6749 appendix A), so
/// they stop here and nothing behind has to think of split lines.
pub(crate) fn decode(encoded: &[u8]) -> Result<String, FormRefused> {
    let text = decode_any(encoded)?;
    if text.chars().any(char::is_control) { Err(FormRefused::Encoding) } else { Ok(text) }
}

fn decode_any(encoded: &[u8]) -> Result<String, FormRefused> {
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut rest = encoded;
    while let [byte, tail @ ..] = rest {
        rest = tail;
        match byte {
            b'+' => decoded.push(b' '),
            b'%' => {
                let [high, low, tail @ ..] = rest else { return Err(FormRefused::Encoding) };
                decoded.push((hex(*high)? << 4) | hex(*low)?);
                rest = tail;
            }
            other => decoded.push(*other),
        }
    }
    String::from_utf8(decoded).map_err(|_| FormRefused::Encoding)
}

fn hex(digit: u8) -> Result<u8, FormRefused> {
    let value = char::from(digit).to_digit(16).ok_or(FormRefused::Encoding)?;
    Ok(value as u8)
}

/// Adds parameters to a URL that may have a query already.
pub(crate) fn append<'a>(url: &str, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut text = url.to_owned();
    for (name, value) in pairs {
        if !text.ends_with(['?', '&']) {
            text.push(if text.contains('?') { '&' } else { '?' });
        }
        text.extend(url::form_urlencoded::byte_serialize(name.as_bytes()));
        text.push('=');
        text.extend(url::form_urlencoded::byte_serialize(value.as_bytes()));
    }
    text
}

#[cfg(test)]
mod tests;
