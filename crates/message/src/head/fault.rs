//! Why a head is refused, and which of those reasons the parser's own faults stand for.

use thiserror::Error;

use crate::framing::LengthFault;
use crate::host::HostFault;
use crate::target::TargetFault;

/// Why a head is refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum HeadFault {
    /// Not the grammar of RFC 9112.
    #[error("the head is malformed: {0}")]
    Syntax(&'static str),
    /// A method we do not know.
    #[error("the method is not known")]
    Method,
    /// CONNECT or TRACE: known, and never for us to serve.
    #[error("the method is not allowed here")]
    MethodNotAllowed,
    /// A version that is neither HTTP/1.0 nor HTTP/1.1.
    #[error("the version is not HTTP/1.0 or HTTP/1.1")]
    Version,
    /// The target passes its limit.
    #[error("the target is too long")]
    TargetTooLong,
    /// The head, one field or their number passes its limit.
    #[error("the header fields are too large: {0}")]
    TooLarge(&'static str),
    /// The target is refused.
    #[error(transparent)]
    Target(#[from] TargetFault),
    /// The host is missing, repeated, malformed, or not the one in the target.
    #[error("Host is missing, repeated, malformed, or differs from the target")]
    Host,
    /// The length of the body is not plain.
    #[error(transparent)]
    Length(#[from] LengthFault),
    /// An `Expect` that is not `100-continue`.
    #[error("Expect is not 100-continue")]
    Expectation,
    /// A framing field in a spelling that some servers take for it.
    #[error("a framing field is misspelt")]
    Misspelt,
}

impl From<HostFault> for HeadFault {
    fn from(_: HostFault) -> Self {
        Self::Host
    }
}

/// What a fault of the parser in a request means.
pub(super) fn of_request(error: httparse::Error, bytes: &[u8]) -> HeadFault {
    if names_no_version(bytes) { HeadFault::Syntax("request line") } else { of_syntax(error) }
}

/// What a fault of the parser means.
pub(super) fn of_syntax(error: httparse::Error) -> HeadFault {
    match error {
        httparse::Error::HeaderName => HeadFault::Syntax("field name"),
        httparse::Error::HeaderValue => HeadFault::Syntax("field value"),
        httparse::Error::NewLine => HeadFault::Syntax("line end"),
        httparse::Error::Status => HeadFault::Syntax("status line"),
        httparse::Error::Token => HeadFault::Syntax("request line"),
        httparse::Error::TooManyHeaders => HeadFault::TooLarge("too many fields"),
        httparse::Error::Version => HeadFault::Version,
    }
}

/// Whether what stands where the version of a request should, after the second space, is none of any HTTP at all: then
/// the line itself is broken, by a space too many for example (RFC 9112 2.3, 3).
fn names_no_version(bytes: &[u8]) -> bool {
    let line = &bytes[..memchr::memchr(b'\r', bytes).unwrap_or(bytes.len())];
    let version = line.splitn(3, |byte| *byte == b' ').nth(2).unwrap_or_default();
    !matches!(version, [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'])
}
