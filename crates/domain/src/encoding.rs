//! How records of this crate are kept: one byte for the format, then postcard. What cannot be read is said to be so
//! and never guessed at.
//! A release that brings a new format reads both and writes the old one; the next writes the new. So nodes of two
//! releases work on one store.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The format that this release writes, for every kind of record.
const FORMAT: u8 = 1;

/// The bytes are no record of a known format: what they stood for is invalid, and only that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Corrupt {
    /// No byte at all.
    #[error("empty record")]
    Empty,
    /// Another release wrote it.
    #[error("record of unknown format {0}")]
    Format(u8),
    /// Damaged, or of another kind.
    #[error("unreadable record")]
    Unreadable,
}

pub(crate) fn encode<T: Serialize>(record: &T) -> Vec<u8> {
    postcard::to_extend(record, vec![FORMAT])
        .expect("records are made of types with known lengths, and a Vec takes every byte")
}

pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Corrupt> {
    let (format, rest) = bytes.split_first().ok_or(Corrupt::Empty)?;
    if *format != FORMAT {
        return Err(Corrupt::Format(*format));
    }
    match postcard::take_from_bytes(rest) {
        Ok((record, [])) => Ok(record),
        _ => Err(Corrupt::Unreadable),
    }
}

#[cfg(test)]
mod tests;
