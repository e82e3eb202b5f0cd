//! The chunked transfer coding (RFC 9112 7.1), decoded with no leniency at all: no space, no bare CR or LF, no
//! empty extension. Extensions and trailers are checked and dropped; whoever sends on writes chunks of its own.

use std::ops::Range;

use thiserror::Error;

use crate::field::is_token_byte;

/// Digits a chunk size may have. Sixteen hex digits hold any length we could count.
const SIZE_DIGITS_MAX: u8 = 16;
/// Bytes that all chunk extensions of one body may have together.
pub const EXTENSION_BYTES_MAX: u32 = 16 * 1024;
/// Bytes that all trailer fields of one body may have together.
pub const TRAILER_BYTES_MAX: u32 = 8 * 1024;
/// Trailer fields one body may have.
pub const TRAILER_FIELDS_MAX: u16 = 64;

/// Why a chunked body is refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ChunkFault {
    /// The size is not 1 to 16 hex digits.
    #[error("a chunk size is not 1 to 16 hex digits")]
    Size,
    /// An extension is not `;name`, `;name=token` or `;name="text"`.
    #[error("a chunk extension is malformed")]
    Extension,
    /// The extensions together pass [`EXTENSION_BYTES_MAX`].
    #[error("the chunk extensions are too large")]
    ExtensionsTooLarge,
    /// A line ends in anything but CRLF, or the data is not followed by CRLF.
    #[error("a chunk is not ended by CRLF")]
    LineEnd,
    /// A trailer field is malformed.
    #[error("a trailer field is malformed")]
    Trailer,
    /// The trailers pass [`TRAILER_BYTES_MAX`] or [`TRAILER_FIELDS_MAX`].
    #[error("the trailer section is too large")]
    TrailersTooLarge,
}

/// What one call to [`Decoder::step`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Bytes of the input that are dealt with.
    pub consumed: usize,
    /// The run of body data among them, perhaps empty.
    pub data: Range<usize>,
    /// The body, its trailers included, is complete.
    pub done: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    #[default]
    SizeStart,
    Size,
    ExtensionName {
        empty: bool,
    },
    ExtensionValueStart,
    ExtensionToken,
    ExtensionQuoted,
    ExtensionEscape,
    ExtensionQuotedEnd,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    TrailerStart,
    TrailerName,
    TrailerValue,
    TrailerLf,
    EndLf,
    Done,
}

/// A chunked body as far as it has been read. Copy it to look ahead.
#[derive(Clone, Copy, Debug, Default)]
pub struct Decoder {
    at: At,
    digits: u8,
    remaining: u64,
    extension_bytes: u32,
    trailer_bytes: u32,
    trailer_fields: u16,
}

impl Decoder {
    /// Reads `bytes` up to the end of the next run of data, the end of the body or the end of the input.
    pub fn step(&mut self, bytes: &[u8]) -> Result<Step, ChunkFault> {
        let mut at = 0;
        while at < bytes.len() {
            if self.at == At::Data {
                let run = usize::try_from(self.remaining).unwrap_or(usize::MAX).min(bytes.len() - at);
                self.remaining -= run as u64;
                if self.remaining == 0 {
                    self.at = At::DataCr;
                }
                return Ok(Step { consumed: at + run, data: at..at + run, done: false });
            }
            if self.at == At::Done {
                break;
            }
            self.at = self.after(bytes[at])?;
            at += 1;
        }
        Ok(Step { consumed: at, data: at..at, done: self.at == At::Done })
    }

    /// Bytes left of the chunk whose size has been read.
    pub fn chunk_left(&self) -> u64 {
        if matches!(self.at, At::SizeLf | At::Data) { self.remaining } else { 0 }
    }

    fn after(&mut self, byte: u8) -> Result<At, ChunkFault> {
        match self.at {
            At::SizeStart | At::Size => self.after_size(byte),
            At::ExtensionName { .. }
            | At::ExtensionValueStart
            | At::ExtensionToken
            | At::ExtensionQuoted
            | At::ExtensionEscape
            | At::ExtensionQuotedEnd => self.after_extension(byte),
            At::SizeLf if byte != b'\n' => Err(ChunkFault::LineEnd),
            At::SizeLf if self.remaining == 0 => Ok(At::TrailerStart),
            At::SizeLf => Ok(At::Data),
            At::DataCr if byte == b'\r' => Ok(At::DataLf),
            At::DataLf if byte == b'\n' => {
                self.digits = 0;
                Ok(At::SizeStart)
            }
            At::TrailerStart | At::TrailerName | At::TrailerValue | At::TrailerLf => self.after_trailer(byte),
            At::EndLf if byte == b'\n' => Ok(At::Done),
            At::DataCr | At::DataLf | At::EndLf => Err(ChunkFault::LineEnd),
            At::Data | At::Done => Ok(self.at),
        }
    }

    fn after_size(&mut self, byte: u8) -> Result<At, ChunkFault> {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            b'A'..=b'F' => byte - b'A' + 10,
            b'\r' if self.at == At::Size => return Ok(At::SizeLf),
            b';' if self.at == At::Size => return self.extend(At::ExtensionName { empty: true }),
            _ => return Err(ChunkFault::Size),
        };
        if self.digits == SIZE_DIGITS_MAX {
            return Err(ChunkFault::Size);
        }
        self.digits += 1;
        // Sixteen digits fit 64 bits, and what was left of the last chunk is zero here.
        self.remaining = self.remaining << 4 | u64::from(digit);
        Ok(At::Size)
    }

    fn extend(&mut self, next: At) -> Result<At, ChunkFault> {
        self.extension_bytes += 1;
        if self.extension_bytes > EXTENSION_BYTES_MAX {
            return Err(ChunkFault::ExtensionsTooLarge);
        }
        Ok(next)
    }

    fn after_extension(&mut self, byte: u8) -> Result<At, ChunkFault> {
        let next = match (self.at, byte) {
            (At::ExtensionName { empty: false } | At::ExtensionToken | At::ExtensionQuotedEnd, b'\r') => {
                return Ok(At::SizeLf);
            }
            (At::ExtensionName { empty: false } | At::ExtensionToken | At::ExtensionQuotedEnd, b';') => {
                At::ExtensionName { empty: true }
            }
            (At::ExtensionName { empty: false }, b'=') => At::ExtensionValueStart,
            (At::ExtensionName { .. }, b) if is_token_byte(b) => At::ExtensionName { empty: false },
            (At::ExtensionValueStart, b'"') => At::ExtensionQuoted,
            (At::ExtensionValueStart | At::ExtensionToken, b) if is_token_byte(b) => At::ExtensionToken,
            (At::ExtensionQuoted, b'"') => At::ExtensionQuotedEnd,
            (At::ExtensionQuoted, b'\\') => At::ExtensionEscape,
            (At::ExtensionQuoted | At::ExtensionEscape, b'\t' | b' '..=b'~') => At::ExtensionQuoted,
            _ => return Err(ChunkFault::Extension),
        };
        self.extend(next)
    }

    fn after_trailer(&mut self, byte: u8) -> Result<At, ChunkFault> {
        self.trailer_bytes += 1;
        if self.trailer_bytes > TRAILER_BYTES_MAX || self.trailer_fields > TRAILER_FIELDS_MAX {
            return Err(ChunkFault::TrailersTooLarge);
        }
        match (self.at, byte) {
            (At::TrailerStart, b'\r') => Ok(At::EndLf),
            (At::TrailerStart | At::TrailerName, b) if is_token_byte(b) => Ok(At::TrailerName),
            (At::TrailerValue, b'\r') => Ok(At::TrailerLf),
            (At::TrailerName, b':') | (At::TrailerValue, b'\t' | b' '..=b'~' | 0x80..) => {
                Ok(At::TrailerValue)
            }
            (At::TrailerLf, b'\n') => {
                self.trailer_fields += 1;
                Ok(At::TrailerStart)
            }
            _ => Err(ChunkFault::Trailer),
        }
    }
}

#[cfg(test)]
mod tests;
