//! How long a body is (RFC 9112 6.3) and the reading of it. Two answers to that question are one request too many,
//! so whatever is not said once and plainly is a fault.

use std::ops::Range;

use thiserror::Error;

use crate::chunked::{self, ChunkFault};

/// How the end of a body is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BodyLength {
    /// There is no body.
    #[default]
    None,
    /// Exactly this many bytes, more than zero.
    Exact(u64),
    /// Chunked.
    Chunked,
    /// All that comes until the connection ends. Answers only.
    UntilClose,
}

/// Why the length of a body is not plain.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum LengthFault {
    /// `Content-Length` and `Transfer-Encoding` in one message.
    #[error("both Content-Length and Transfer-Encoding")]
    Both,
    /// More than one `Content-Length`.
    #[error("more than one Content-Length")]
    Repeated,
    /// `Content-Length` is not a plain decimal number.
    #[error("Content-Length is not a plain decimal number")]
    NotANumber,
    /// More than one `Transfer-Encoding`, or any other than `chunked`.
    #[error("Transfer-Encoding is not exactly 'chunked'")]
    Coding,
    /// `Transfer-Encoding` in an HTTP/1.0 message.
    #[error("Transfer-Encoding in an HTTP/1.0 message")]
    CodingInOldVersion,
}

/// The framing fields of one head, gathered field by field.
#[derive(Clone, Copy, Debug, Default)]
pub struct Declared {
    length: Option<u64>,
    chunked: bool,
}

impl Declared {
    /// Takes a `Content-Length` value. RFC 9110 8.6, without the leniency: digits only, no leading zero, once.
    pub fn content_length(&mut self, value: &[u8]) -> Result<(), LengthFault> {
        if self.length.is_some() {
            return Err(LengthFault::Repeated);
        }
        let plain = match value {
            [b'0'] => true,
            [] | [b'0', ..] => false,
            digits => digits.len() <= 18 && digits.iter().all(u8::is_ascii_digit),
        };
        if !plain {
            return Err(LengthFault::NotANumber);
        }
        self.length = Some(value.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')));
        Ok(())
    }

    /// Takes a `Transfer-Encoding` value. RFC 9112 6.1: `chunked` last and once; we know no other coding.
    pub fn transfer_encoding(&mut self, value: &[u8]) -> Result<(), LengthFault> {
        if self.chunked || !value.eq_ignore_ascii_case(b"chunked") {
            return Err(LengthFault::Coding);
        }
        self.chunked = true;
        Ok(())
    }

    /// The length declared, in a message of HTTP/1.1 or (`old`) HTTP/1.0. `None` when nothing was declared.
    pub fn length(self, old: bool) -> Result<Option<BodyLength>, LengthFault> {
        match (self.length, self.chunked) {
            (Some(_), true) => Err(LengthFault::Both),
            (None, true) if old => Err(LengthFault::CodingInOldVersion),
            (None, true) => Ok(Some(BodyLength::Chunked)),
            (Some(0), false) => Ok(Some(BodyLength::None)),
            (Some(n), false) => Ok(Some(BodyLength::Exact(n))),
            (None, false) => Ok(None),
        }
    }
}

/// A body being read.
#[derive(Clone, Copy, Debug)]
pub enum BodyReader {
    /// All of it has been read.
    Done,
    /// This many bytes are still to come.
    Exact(u64),
    /// A chunked body.
    Chunked(chunked::Decoder),
    /// Read on until the connection ends.
    UntilClose,
    /// Its framing broke: nothing after that is body, or anything else.
    Broken(ChunkFault),
}

/// What one call to [`BodyReader::take`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Bytes of the input that are dealt with.
    pub consumed: usize,
    /// The run of body data among them, perhaps empty.
    pub data: Range<usize>,
}

impl BodyReader {
    /// Starts to read a body of this length.
    pub fn new(length: BodyLength) -> Self {
        match length {
            BodyLength::None => Self::Done,
            BodyLength::Exact(n) => Self::Exact(n),
            BodyLength::Chunked => Self::Chunked(chunked::Decoder::default()),
            BodyLength::UntilClose => Self::UntilClose,
        }
    }

    /// Whether the whole body has been read. Never true of a body that ends with its connection.
    pub fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }

    /// Takes the next run of data from `bytes`. Call again while bytes are left and the body is not done.
    pub fn take(&mut self, bytes: &[u8]) -> Result<Taken, ChunkFault> {
        match self {
            Self::Done => Ok(Taken { consumed: 0, data: 0..0 }),
            Self::UntilClose => Ok(Taken { consumed: bytes.len(), data: 0..bytes.len() }),
            Self::Exact(remaining) => {
                let run = usize::try_from(*remaining).unwrap_or(usize::MAX).min(bytes.len());
                *remaining -= run as u64;
                if *remaining == 0 {
                    *self = Self::Done;
                }
                Ok(Taken { consumed: run, data: 0..run })
            }
            Self::Chunked(decoder) => match decoder.step(bytes) {
                Ok(step) => {
                    if step.done {
                        *self = Self::Done;
                    }
                    Ok(Taken { consumed: step.consumed, data: step.data })
                }
                Err(fault) => {
                    *self = Self::Broken(fault);
                    Err(fault)
                }
            },
            Self::Broken(fault) => Err(*fault),
        }
    }

    /// Bytes that are known to follow: the rest of the body, or of the chunk.
    pub fn announced(&self) -> u64 {
        match self {
            Self::Exact(remaining) => *remaining,
            Self::Chunked(decoder) => decoder.chunk_left(),
            Self::Done | Self::UntilClose | Self::Broken(_) => 0,
        }
    }

    /// Checks the framing of bytes that are here already, without taking them.
    pub fn check(mut self, mut bytes: &[u8]) -> Result<(), ChunkFault> {
        while !bytes.is_empty() && !self.is_done() {
            let taken = self.take(bytes)?;
            bytes = &bytes[taken.consumed..];
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
