//! The reading of messages off a stream, line by line and chunk by chunk. Must stay naive: clarity is its only merit.

use std::io::{ErrorKind, Read};

use super::{Fault, Fields, Framing, Request, Response, latin1};

/// Longest line taken; nobody should send one.
const LINE_BYTES_MAX: usize = 1024 * 1024;
const READ_BYTES: usize = 64 * 1024;

/// Reads messages from a stream of bytes.
#[derive(Debug)]
pub struct Reader<R> {
    source: R,
    held: Vec<u8>,
    at: usize,
}

impl<R: Read> Reader<R> {
    /// Reads from this stream.
    pub fn new(source: R) -> Self {
        Self { source, held: Vec::new(), at: 0 }
    }

    /// The stream.
    pub fn source_mut(&mut self) -> &mut R {
        &mut self.source
    }

    /// Reads the head of a request; its body is still to be read with [`Reader::body`].
    pub fn request_head(&mut self) -> Result<Request, Fault> {
        self.expect_more()?;
        let line = self.line()?;
        let parts: Vec<&str> = line.split(' ').collect();
        let [method, target, "HTTP/1.1"] = parts[..] else {
            return Err(Fault::Syntax(format!("request line {line:?}")));
        };
        let plain = |b: u8| b.is_ascii_graphic() && !matches!(b, b'#' | b'"' | b'<' | b'>');
        if !method.bytes().all(|b| b.is_ascii_uppercase()) || method.is_empty() {
            return Err(Fault::Syntax(format!("method {method:?}")));
        }
        // Browsers send a backslash raw in a query, and nowhere else.
        let path = target.split('?').next().unwrap_or_default();
        if !target.starts_with('/') || !target.bytes().all(plain) || path.contains('\\') {
            return Err(Fault::Syntax(format!("target {target:?}")));
        }
        let (method, target) = (method.to_owned(), target.to_owned());
        let fields = self.fields()?;
        if fields.only("host").is_none_or(str::is_empty) {
            return Err(Fault::Syntax("not exactly one Host".to_owned()));
        }
        let framing = declared(&fields)?.unwrap_or(Framing::None);
        Ok(Request { method, target, fields, framing, body: Vec::new() })
    }

    /// Reads a whole request.
    pub fn request(&mut self) -> Result<Request, Fault> {
        let mut request = self.request_head()?;
        self.body(request.framing, &mut request.body)?;
        Ok(request)
    }

    /// Reads the head of a response to a request with this method; 1xx answers are heads of their own.
    pub fn response_head(&mut self, method: &str) -> Result<Response, Fault> {
        self.expect_more()?;
        let line = self.line()?;
        let code = line.strip_prefix("HTTP/1.1 ").filter(|rest| rest.as_bytes().get(3) == Some(&b' '));
        let status =
            code.and_then(|rest| rest.get(..3)?.parse().ok()).filter(|status| (100..600).contains(status));
        let status: u16 = status.ok_or_else(|| Fault::Syntax(format!("status line {line:?}")))?;
        let fields = self.fields()?;
        let declared = declared(&fields)?;
        if declared.is_some() && (status < 200 || status == 204) {
            return Err(Fault::Syntax(format!("a {status} declares a body")));
        }
        let bodiless = method == "HEAD" || status < 200 || status == 204 || status == 304;
        let framing = if bodiless { Framing::None } else { declared.unwrap_or(Framing::Close) };
        Ok(Response { status, fields, framing, body: Vec::new(), interim: Vec::new() })
    }

    /// Reads a body to its end. On a fault `into` has what came before it.
    pub fn body(&mut self, framing: Framing, into: &mut Vec<u8>) -> Result<(), Fault> {
        match framing {
            Framing::None => Ok(()),
            Framing::Length(length) => self.exactly(length, into),
            Framing::Chunked => self.chunks(into),
            Framing::Close => loop {
                into.extend(self.held.drain(..).skip(std::mem::take(&mut self.at)));
                match self.fill() {
                    Err(Fault::Cut) => return Ok(()),
                    other => other?,
                }
            },
        }
    }

    /// Reads up to this many bytes as they come, whatever they are.
    pub fn bytes(&mut self, count: usize) -> Result<Vec<u8>, Fault> {
        let mut bytes = Vec::new();
        self.exactly(count, &mut bytes).map(|()| bytes)
    }

    /// Reads to the end of the stream, whatever comes; a fault other than the end is told with what came before.
    pub fn rest(&mut self) -> (Vec<u8>, Fault) {
        let mut rest = Vec::new();
        loop {
            rest.extend(self.held.drain(..).skip(std::mem::take(&mut self.at)));
            match self.fill() {
                Ok(()) => {}
                Err(Fault::Cut) => return (rest, Fault::Closed),
                Err(fault) => return (rest, fault),
            }
        }
    }

    fn chunks(&mut self, into: &mut Vec<u8>) -> Result<(), Fault> {
        loop {
            let line = self.line()?;
            let plain = (1..=16).contains(&line.len()) && line.bytes().all(|b| b.is_ascii_hexdigit());
            let size = usize::from_str_radix(&line, 16).ok().filter(|_| plain);
            let size = size.ok_or_else(|| Fault::Syntax(format!("chunk size {line:?}")))?;
            if size == 0 {
                let end = self.line()?;
                return if end.is_empty() { Ok(()) } else { Err(Fault::Syntax(format!("trailer {end:?}"))) };
            }
            self.exactly(size, into)?;
            if !self.line()?.is_empty() {
                return Err(Fault::Syntax("chunk data is not followed by CRLF".to_owned()));
            }
        }
    }

    fn fields(&mut self) -> Result<Fields, Fault> {
        let mut fields = Fields::default();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                return Ok(fields);
            }
            let fault = || Fault::Syntax(format!("field line {line:?}"));
            let (name, value) = line.split_once(':').ok_or_else(fault)?;
            let value = value.trim_matches([' ', '\t']);
            let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
            let is_plain = |c: char| c == '\t' || !c.is_ascii_control();
            if name.is_empty() || !name.bytes().all(is_token) || !value.chars().all(is_plain) {
                return Err(fault());
            }
            fields.push(name.to_owned(), value.to_owned());
        }
    }

    /// One line without its CRLF. CR and LF stand nowhere else.
    fn line(&mut self) -> Result<String, Fault> {
        loop {
            let held = &self.held[self.at..];
            if let Some(end) = held.iter().position(|b| *b == b'\n') {
                let line = held[..end].strip_suffix(b"\r").filter(|line| !line.contains(&b'\r'));
                let text = line
                    .map(latin1)
                    .ok_or_else(|| Fault::Syntax(format!("line end in {:?}", latin1(&held[..end.min(80)]))));
                self.at += end + 1;
                return text;
            }
            if held.len() > LINE_BYTES_MAX {
                return Err(Fault::Syntax("endless line".to_owned()));
            }
            self.fill()?;
        }
    }

    fn exactly(&mut self, count: usize, into: &mut Vec<u8>) -> Result<(), Fault> {
        let mut missing = count;
        loop {
            let run = missing.min(self.held.len() - self.at);
            into.extend_from_slice(&self.held[self.at..self.at + run]);
            self.at += run;
            missing -= run;
            if missing == 0 {
                return Ok(());
            }
            self.fill()?;
        }
    }

    /// Makes sure that a message has begun.
    fn expect_more(&mut self) -> Result<(), Fault> {
        if self.at < self.held.len() {
            return Ok(());
        }
        self.fill().map_err(|fault| if fault == Fault::Cut { Fault::Closed } else { fault })
    }

    fn fill(&mut self) -> Result<(), Fault> {
        self.held.drain(..std::mem::take(&mut self.at));
        let start = self.held.len();
        self.held.resize(start + READ_BYTES, 0);
        let read = loop {
            match self.source.read(&mut self.held[start..]) {
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        self.held.truncate(start + read.as_ref().map_or(0, |n| *n));
        match read {
            Ok(0) => Err(Fault::Cut),
            Ok(_) => Ok(()),
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Err(Fault::Late),
            Err(_) => Err(Fault::Reset),
        }
    }
}

/// RFC 9112 6.3, with one framing field at most.
fn declared(fields: &Fields) -> Result<Option<Framing>, Fault> {
    let (lengths, codings) = (fields.all("content-length"), fields.all("transfer-encoding"));
    let fault = || Fault::Syntax(format!("Content-Length {lengths:?}, Transfer-Encoding {codings:?}"));
    match (&lengths[..], &codings[..]) {
        ([], []) => Ok(None),
        ([], [coding]) if coding.eq_ignore_ascii_case("chunked") => Ok(Some(Framing::Chunked)),
        ([length], []) => {
            let plain =
                length.bytes().all(|b| b.is_ascii_digit()) && (*length == "0" || !length.starts_with('0'));
            let length = length.parse().ok().filter(|_| plain).ok_or_else(fault)?;
            Ok(Some(Framing::Length(length)))
        }
        _ => Err(fault()),
    }
}
