//! A strict reader of HTTP/1.1 messages: the oracle of what a peer really said (RFC 9112, no leniency at all). It must
//! not share code with the product, or both would be wrong in the same way and agree.

mod fields;
mod reader;

use std::fmt;

pub use fields::{Fields, folded};
pub use reader::Reader;

/// How the end of a body was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// There is no body.
    None,
    /// `Content-Length`.
    Length(usize),
    /// `Transfer-Encoding: chunked`.
    Chunked,
    /// All bytes until the connection ends. Responses only.
    Close,
}

/// A request as it stood on the wire.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The target: origin-form, nothing else is taken.
    pub target: String,
    /// The field lines in order.
    pub fields: Fields,
    /// How the body was framed.
    pub framing: Framing,
    /// The body without its chunks.
    pub body: Vec<u8>,
}

/// A response as it stood on the wire.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The field lines in order.
    pub fields: Fields,
    /// How the body was framed.
    pub framing: Framing,
    /// The body without its chunks; what there is of it when the message was cut.
    pub body: Vec<u8>,
    /// The 1xx answers before it.
    pub interim: Vec<Response>,
}

impl Response {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Whether the server says that it will close.
    pub fn says_close(&self) -> bool {
        self.fields.all("connection").iter().any(|value| value.eq_ignore_ascii_case("close"))
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, target, fields, framing, body } = self;
        write!(f, "{method} {target} {:?} {framing:?} {}", fields.iter().collect::<Vec<_>>(), beginning(body))
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, fields, framing, body, interim } = self;
        write!(f, "{status} {:?} {framing:?} {}", fields.iter().collect::<Vec<_>>(), beginning(body))?;
        if interim.is_empty() { Ok(()) } else { write!(f, " after {interim:?}") }
    }
}

/// As much of a body as a failed test should print.
fn beginning(body: &[u8]) -> String {
    const SHOWN_BYTES_MAX: usize = 200;
    match body.get(..SHOWN_BYTES_MAX) {
        Some(part) => format!("{:?}.. ({} bytes)", latin1(part), body.len()),
        None => format!("{:?}", latin1(body)),
    }
}

/// Why no whole message could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The stream ended between messages.
    Closed,
    /// The stream ended inside a message.
    Cut,
    /// The connection was reset.
    Reset,
    /// Nothing more came in time.
    Late,
    /// This is not HTTP/1.1.
    Syntax(String),
}

/// Bytes as text, one character a byte, so that no byte is lost or changed.
pub fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|b| char::from(*b)).collect()
}

/// Field lines with their ends, ready to be sent.
pub fn lines(fields: &[&str]) -> String {
    fields.iter().flat_map(|field| [*field, "\r\n"]).collect()
}

#[cfg(test)]
mod tests;
