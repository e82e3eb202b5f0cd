//! One command to a MongoDB server and its reply: just enough of OP_MSG and BSON for a test to found a replica set.

use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use crate::patience::PATIENCE;

const OP_MSG: i32 = 2013;

/// Length, number of the request, number of the request that is answered, kind.
const HEADER_BYTES: usize = 16;

/// A value of BSON, as far as tests send any.
pub(super) enum Value {
    Number(i32),
    Text(String),
    Document(Vec<(&'static str, Value)>),
    /// A document whose fields are numbered.
    Array(Vec<(String, Value)>),
}

impl FromIterator<Value> for Value {
    fn from_iter<I: IntoIterator<Item = Value>>(values: I) -> Self {
        Self::Array(
            values.into_iter().enumerate().map(|(number, value)| (number.to_string(), value)).collect(),
        )
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// The bytes of a reply. Nothing is parsed: tests look for two kinds of fields.
pub(super) struct Reply(Vec<u8>);

impl Reply {
    /// Whether it holds `ok: 1.0`.
    pub(super) fn succeeded(&self) -> bool {
        self.holds(&[b"\x01ok\0".as_slice(), &1_f64.to_le_bytes()].concat())
    }

    /// Whether it holds this field with the value `true`.
    pub(super) fn says(&self, field: &str) -> bool {
        self.holds(&[b"\x08", field.as_bytes(), b"\0\x01"].concat())
    }

    /// Whether it has a field of this name.
    pub(super) fn has(&self, field: &str) -> bool {
        self.holds(&[field.as_bytes(), b"\0"].concat())
    }

    fn holds(&self, bytes: &[u8]) -> bool {
        self.0.windows(bytes.len()).any(|window| window == bytes)
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.escape_ascii().to_string())
    }
}

/// Sends a command to the database `admin`, on a connection of its own.
pub(super) fn ask(address: SocketAddr, command: Vec<(&str, Value)>) -> io::Result<Reply> {
    ask_on(&mut connect(address)?, command)
}

/// A connection for commands.
pub(super) fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpStream::connect_timeout(&address, PATIENCE)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    Ok(socket)
}

/// The same, on a connection that is there.
pub(super) fn ask_on(socket: &mut TcpStream, mut command: Vec<(&str, Value)>) -> io::Result<Reply> {
    command.push(("$db", "admin".into()));
    let document = document(&command);
    // No flags, then one section of the kind "the whole command".
    let body = [&[0; 4], &[0][..], &document].concat();
    let header = [length(HEADER_BYTES + body.len()), 1, 0, OP_MSG];
    socket.write_all(&[header.map(i32::to_le_bytes).as_flattened(), &body].concat())?;
    let mut header = [0; HEADER_BYTES];
    socket.read_exact(&mut header)?;
    let total = u32::from_le_bytes([header[0], header[1], header[2], header[3]]) as usize;
    let mut reply = vec![0; total.saturating_sub(HEADER_BYTES)];
    socket.read_exact(&mut reply)?;
    Ok(Reply(reply))
}

fn document<N: AsRef<str>>(fields: &[(N, Value)]) -> Vec<u8> {
    let mut inside = Vec::new();
    for (name, value) in fields {
        let (kind, bytes) = encode(value);
        inside.push(kind);
        inside.extend_from_slice(name.as_ref().as_bytes());
        inside.push(0);
        inside.extend(bytes);
    }
    // The length counts itself and the zero at the end.
    [&length(inside.len() + 5).to_le_bytes()[..], &inside, &[0]].concat()
}

fn encode(value: &Value) -> (u8, Vec<u8>) {
    match value {
        Value::Number(number) => (0x10, number.to_le_bytes().to_vec()),
        Value::Text(text) => (0x02, [&length(text.len() + 1).to_le_bytes(), text.as_bytes(), &[0]].concat()),
        Value::Document(fields) => (0x03, document(fields)),
        Value::Array(numbered) => (0x04, document(numbered)),
    }
}

fn length(bytes: usize) -> i32 {
    i32::try_from(bytes).expect("tests send little")
}
