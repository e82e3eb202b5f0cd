//! What a recording upstream does with a request, step by step.

use std::time::Duration;

use crate::strict::lines;

/// One step. After the last one, unless it ended the connection, the rest of the body is read and the connection
/// serves its next request.
#[derive(Clone, Debug)]
pub enum Step {
    /// Reads the body to its end.
    ReadBody,
    /// Answers 200; `x-nonce` of the request comes back as a field and as the body.
    Echo,
    /// Sends these bytes, whatever they are.
    Send(Vec<u8>),
    /// Sends these bytes one at a time with this much time between them.
    Trickle(Vec<u8>, Duration),
    /// Waits until the test releases this name.
    Hold(&'static str),
    /// Takes nothing more and says nothing more until the peer closes.
    Hang,
    /// Closes.
    Close,
    /// Resets.
    Reset,
}

impl Step {
    /// Sends these bytes, whatever they are.
    pub fn send(bytes: impl AsRef<[u8]>) -> Self {
        Self::Send(bytes.as_ref().to_vec())
    }
}

/// An answer with this status, these lines (each without its CRLF) and a body with its length.
pub fn answer(status: u16, fields: &[&str], body: impl AsRef<[u8]>) -> Vec<u8> {
    let fields = lines(fields);
    let length = body.as_ref().len();
    let mut bytes =
        format!("HTTP/1.1 {status} Scripted\r\n{fields}Content-Length: {length}\r\n\r\n").into_bytes();
    bytes.extend_from_slice(body.as_ref());
    bytes
}
