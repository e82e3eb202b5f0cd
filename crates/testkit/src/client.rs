//! A peer that speaks raw bytes: whole, byte by byte, with pauses, and reads answers strictly. Every wait has an end,
//! so a server that hangs fails a test and never stops it.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use socket2::SockRef;

use crate::patience::{PATIENCE, Patience};
use crate::strict::{Fault, Reader, Response, lines};

/// Shortest wait a socket can be told; zero would be no limit.
const WAIT_MIN: Duration = Duration::from_millis(1);

/// A connection to the server under test.
#[derive(Debug)]
pub struct Raw {
    stream: TcpStream,
    reader: Reader<Patient>,
    patience: Duration,
}

/// Why there was no whole answer, and what there was of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// What happened instead.
    pub fault: Fault,
    /// The final head and the part of its body that came, if any.
    pub partial: Option<Response>,
}

impl Raw {
    /// Connects, with the usual patience.
    #[track_caller]
    pub fn connect(to: SocketAddr) -> Self {
        Self::connect_with(to, PATIENCE)
    }

    /// Connects; no later wait takes longer than `patience`.
    #[track_caller]
    pub fn connect_with(to: SocketAddr, patience: Duration) -> Self {
        Self::try_connect(to, patience).unwrap_or_else(|e| panic!("cannot connect to {to}: {e}"))
    }

    /// Connects where a refusal is an outcome too.
    pub fn try_connect(to: SocketAddr, patience: Duration) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&to, patience)?;
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(patience))?;
        let reader = Reader::new(Patient { stream: stream.try_clone()?, until: Patience::new(patience) });
        Ok(Self { stream, reader, patience })
    }

    /// Sends all of it in one piece.
    #[track_caller]
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).unwrap_or_else(|e| panic!("cannot send: {e}"));
    }

    /// Sends where a server that has closed already is an outcome too.
    pub fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref())
    }

    /// Sends byte by byte, each in a segment of its own.
    pub fn try_dribble(&mut self, bytes: &[u8]) -> io::Result<()> {
        bytes.iter().try_for_each(|byte| self.stream.write_all(std::slice::from_ref(byte)))
    }

    /// The sending half, for a thread that sends while this one reads.
    #[track_caller]
    pub fn sender(&self) -> TcpStream {
        self.stream.try_clone().unwrap_or_else(|e| panic!("cannot share the socket: {e}"))
    }

    /// Says that nothing more will be sent.
    pub fn finish(&mut self) {
        // A server that has gone already needs no telling.
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Ends the connection with a reset.
    pub fn reset(self) {
        // Without the option it is an ordinary close, which the server must survive as well.
        let _ = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
    }

    /// Waits this long and tells whether the server stayed silent; bytes and an end are both no silence.
    #[track_caller]
    pub fn is_quiet_for(&mut self, time: Duration) -> bool {
        self.stream.set_read_timeout(Some(time.max(WAIT_MIN))).unwrap_or_else(|e| panic!("no timeout: {e}"));
        self.stream
            .peek(&mut [0])
            .is_err_and(|e| matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut))
    }

    /// Reads one answer to a request that was not HEAD.
    #[track_caller]
    pub fn response(&mut self) -> Response {
        self.response_to("GET")
    }

    /// Reads one answer to a request with this method.
    #[track_caller]
    pub fn response_to(&mut self, method: &str) -> Response {
        self.try_response_to(method).unwrap_or_else(|ended| panic!("no answer to {method}: {ended:?}"))
    }

    /// Reads one answer, where none is an outcome too. 1xx answers are gathered in the final one.
    pub fn try_response_to(&mut self, method: &str) -> Result<Response, Ended> {
        self.reader.source_mut().until = Patience::new(self.patience);
        let mut interim = Vec::new();
        loop {
            let head = self.reader.response_head(method).map_err(|fault| Ended { fault, partial: None })?;
            if head.status < 200 && head.status != 101 {
                interim.push(head);
                continue;
            }
            let mut response = Response { interim, ..head };
            return match self.reader.body(response.framing, &mut response.body) {
                Ok(()) => Ok(response),
                Err(fault) => Err(Ended { fault, partial: Some(response) }),
            };
        }
    }

    /// Reads the next head alone, a 1xx one too.
    #[track_caller]
    pub fn head(&mut self) -> Response {
        self.reader.source_mut().until = Patience::new(self.patience);
        self.reader.response_head("HEAD").unwrap_or_else(|fault| panic!("no head: {fault:?}"))
    }

    /// Reads this many bytes as they come.
    pub fn bytes(&mut self, count: usize) -> Result<Vec<u8>, Fault> {
        self.reader.source_mut().until = Patience::new(self.patience);
        self.reader.bytes(count)
    }

    /// Waits for the end of the connection: what came before it, and [`Fault::Closed`], [`Fault::Reset`] or
    /// [`Fault::Late`].
    pub fn until_end(&mut self, within: Duration) -> (Vec<u8>, Fault) {
        self.reader.source_mut().until = Patience::new(within);
        self.reader.rest()
    }

    /// The server closes within this time and says nothing more before.
    #[track_caller]
    pub fn expect_close_within(&mut self, time: Duration) {
        let (rest, fault) = self.until_end(time);
        assert!(rest.is_empty(), "bytes after the last answer: {:?}", String::from_utf8_lossy(&rest));
        assert!(matches!(fault, Fault::Closed | Fault::Reset), "still open after {time:?}");
    }
}

/// A socket whose reads share one wait.
#[derive(Debug)]
struct Patient {
    stream: TcpStream,
    until: Patience,
}

impl Read for Patient {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.until.left();
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.stream.set_read_timeout(Some(left.max(WAIT_MIN)))?;
        self.stream.read(buffer)
    }
}

/// One GET on a connection of its own; each of `fields` is a line without its CRLF.
#[track_caller]
pub fn get(from: SocketAddr, host: &str, target: &str, fields: &[&str]) -> Response {
    let mut client = Raw::connect(from);
    let fields = lines(fields);
    client.send(format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n{fields}Connection: close\r\n\r\n"));
    client.response()
}
