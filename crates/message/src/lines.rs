//! Field lines that we write ourselves: checked once when made, copied as they are afterwards. Nothing that a
//! visitor or an app said can end a line early (RFC 9110 5.5).

use thiserror::Error;

use crate::field::{is_ascii_value, is_token, trim_ows};

/// A field cannot be written: its name is no token, or its value has a byte outside visible ASCII, space and tab.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the field has a byte that a header field may not have")]
pub struct LineFault;

/// Complete field lines, each `name: value` with its CRLF.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines(Vec<u8>);

impl Lines {
    /// No lines, and room for this many bytes of them.
    pub fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    /// Appends one field. Encode other text first; it is not done here because only the caller knows how the
    /// receiver decodes.
    pub fn push(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<(), LineFault> {
        let value = value.as_ref();
        if !is_token(name.as_bytes()) || !is_ascii_value(value) || trim_ows(value).len() != value.len() {
            return Err(LineFault);
        }
        self.0.reserve(name.len() + value.len() + 4);
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b": ");
        self.0.extend_from_slice(value);
        self.0.extend_from_slice(b"\r\n");
        Ok(())
    }

    /// Appends all lines of `other`.
    pub fn append(&mut self, other: &Self) {
        self.0.extend_from_slice(&other.0);
    }

    /// The lines as they go out.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests;
