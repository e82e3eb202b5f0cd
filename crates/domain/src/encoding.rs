//! How records of this crate are kept: one byte for the format, then postcard. What cannot be read is said to be so
//! and never guessed at.

// The one rule for everything that is stored. Before the first release it may change, and the format stays 1: there is
// nothing yet that has to be read. From then on every change is a new format, be it a field, or a variant of an enum, for
// its order is what is stored: to a release without the variant the record is damaged, and its session ends. A release
// that brings a new format reads both and writes the old one; the next writes the new. So nodes of two releases work on
// one store.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The format that this release writes, for every kind of record.
const FORMAT: u8 = 1;

/// How many formats ahead another release on the same store can be. They count up one by one, and releases that work on one
/// store are neighbours; a byte beyond this is damage.
const AHEAD_MAX: u8 = 16;

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

impl Corrupt {
    /// Whether a newer release may be able to read it: then nothing is known of it here. Otherwise nobody ever reads it
    /// again.
    pub const fn may_be_newer(self) -> bool {
        matches!(self, Self::Format(found) if found > FORMAT && found - FORMAT <= AHEAD_MAX)
    }
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
