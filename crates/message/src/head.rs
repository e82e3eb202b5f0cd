//! The head of a message: one buffer and an index into it. Field lines are never copied apart, never put into a map;
//! what goes on is copied in runs. Parsing refuses all that two servers could read in two ways (RFC 9112 2.2, 5).

use std::mem::MaybeUninit;
use std::ops::Range;

use crate::field::{self, Known, KnownSet};
use crate::framing::{BodyLength, Declared};
use crate::host::Host;
use crate::method::Method;
use crate::status::Status;
use crate::target::Target;

mod fault;

pub use fault::HeadFault;

/// Most fields a head may be configured to have.
pub const FIELDS_CEILING: usize = 256;
/// Names that `Connection` fields of one head may nominate.
const NOMINATED_MAX: usize = 16;

/// How large a head may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadLimits {
    /// Bytes from the start line to the empty line.
    pub head_bytes_max: usize,
    /// Field lines, at most [`FIELDS_CEILING`].
    pub fields_max: usize,
    /// Bytes of one field, name and value.
    pub field_bytes_max: usize,
    /// Bytes of a request target.
    pub target_bytes_max: usize,
}

impl Default for HeadLimits {
    fn default() -> Self {
        Self {
            head_bytes_max: 64 * 1024,
            fields_max: 100,
            field_bytes_max: 16 * 1024,
            target_bytes_max: 8 * 1024,
        }
    }
}

/// HTTP/1.0 or HTTP/1.1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0
    Old,
    /// HTTP/1.1
    #[default]
    Current,
}

/// One field line: where it stands in the buffer and which name it is.
#[derive(Clone, Debug)]
pub struct Field {
    /// The name.
    pub name: Range<usize>,
    /// The value without the space around it.
    pub value: Range<usize>,
    /// The name, whatever its spelling.
    pub known: Known,
    /// Whether the known name is spelled right.
    pub exact: bool,
    /// The folded hash of the name.
    pub hash: u64,
}

/// The fields of a head and what `Connection` and the framing fields say.
#[derive(Clone, Debug, Default)]
struct Fields {
    lines: Vec<Field>,
    nominated: Vec<u64>,
    declared: Declared,
    close: bool,
    keep_alive: bool,
}

impl Fields {
    fn clear(&mut self) {
        self.lines.clear();
        self.nominated.clear();
        self.declared = Declared::default();
        self.close = false;
        self.keep_alive = false;
    }

    fn read(
        &mut self,
        bytes: &[u8],
        parsed: &[httparse::Header<'_>],
        limits: &HeadLimits,
    ) -> Result<(), HeadFault> {
        if parsed.len() > limits.fields_max {
            return Err(HeadFault::TooLarge("too many fields"));
        }
        let base = bytes.as_ptr() as usize;
        self.lines.reserve(parsed.len());
        for header in parsed {
            if header.name.len() + header.value.len() > limits.field_bytes_max {
                return Err(HeadFault::TooLarge("one field"));
            }
            let name = header.name.as_ptr() as usize - base;
            // An empty value may point anywhere; it stands for nothing.
            let value = if header.value.is_empty() { name } else { header.value.as_ptr() as usize - base };
            let (known, hash, exact) = Known::of(header.name.as_bytes());
            if known.decides_framing() && !exact {
                return Err(HeadFault::Misspelt);
            }
            match known {
                Known::ContentLength => self.declared.content_length(header.value)?,
                Known::TransferEncoding => self.declared.transfer_encoding(header.value)?,
                Known::Connection => self.read_connection(header.value)?,
                _ => {}
            }
            let (name, value) = (name..name + header.name.len(), value..value + header.value.len());
            self.lines.push(Field { name, value, known, exact, hash });
        }
        Ok(())
    }

    /// RFC 9110 7.6.1.
    fn read_connection(&mut self, value: &[u8]) -> Result<(), HeadFault> {
        for option in value.split(|b| *b == b',').map(field::trim_ows).filter(|option| !option.is_empty()) {
            if option.eq_ignore_ascii_case(b"close") {
                self.close = true;
            } else if option.eq_ignore_ascii_case(b"keep-alive") {
                self.keep_alive = true;
            } else if !field::is_token(option) {
                return Err(HeadFault::Syntax("Connection names no field"));
            } else if self.nominated.len() == NOMINATED_MAX {
                return Err(HeadFault::TooLarge("Connection names too many fields"));
            } else {
                self.nominated.push(field::fold_hash(option));
            }
        }
        Ok(())
    }

    fn persistent(&self, version: Version) -> bool {
        !self.close && (version == Version::Current || self.keep_alive)
    }
}

/// The index of a request head. Kept by a connection and filled anew for each request.
#[derive(Clone, Debug, Default)]
pub struct RequestIndex {
    fields: Fields,
    method: Option<Method>,
    version: Version,
    target: Target,
    host: Host,
    length: BodyLength,
    expects_continue: bool,
    is_read: bool,
}

impl RequestIndex {
    /// Reads a whole head, its empty line included, with nothing before or after it.
    pub fn parse(&mut self, bytes: &[u8], limits: &HeadLimits) -> Result<(), HeadFault> {
        self.fields.clear();
        self.is_read = false;
        let mut slots = [const { MaybeUninit::uninit() }; FIELDS_CEILING];
        let mut request = httparse::Request::new(&mut []);
        if bytes.first().is_none_or(u8::is_ascii_whitespace) {
            return Err(HeadFault::Syntax("empty line before the request line"));
        }
        let read = request.parse_with_uninit_headers(bytes, &mut slots);
        match read.map_err(|error| fault::of_request(error, bytes))? {
            httparse::Status::Complete(len) if len == bytes.len() => {}
            _ => return Err(HeadFault::Syntax("incomplete")),
        }
        let method = request.method.unwrap_or_default().as_bytes();
        let method = Method::parse(method).ok_or(HeadFault::Method)?;
        if method == Method::Connect {
            // Its target is of a form of its own.
            return Err(HeadFault::MethodNotAllowed);
        }
        self.method = Some(method);
        self.version = if request.version == Some(0) { Version::Old } else { Version::Current };
        self.fields.read(bytes, request.headers, limits)?;
        let path = request.path.unwrap_or_default().as_bytes();
        if path.len() > limits.target_bytes_max {
            return Err(HeadFault::TargetTooLong);
        }
        let authority = self.target.read(path)?;
        self.read_host(bytes, authority)?;
        self.length = self.fields.declared.length(self.version == Version::Old)?.unwrap_or_default();
        self.is_read = true;
        if method == Method::Trace {
            return Err(HeadFault::MethodNotAllowed);
        }
        self.read_expect(bytes)
    }

    /// Whether the last head could be read. What it asks for may have been refused all the same.
    pub fn is_read(&self) -> bool {
        self.is_read
    }

    /// RFC 9112 3.2: one valid Host, and a URL in the request line must name the same one.
    fn read_host(&mut self, bytes: &[u8], authority: Option<&[u8]>) -> Result<(), HeadFault> {
        let mut hosts = self.fields.lines.iter().filter(|f| f.known == Known::Host);
        let (Some(host), None) = (hosts.next(), hosts.next()) else { return Err(HeadFault::Host) };
        self.host.read(&bytes[host.value.clone()])?;
        match authority.map(Host::parse).transpose()? {
            Some(named) if named != self.host => Err(HeadFault::Host),
            _ => Ok(()),
        }
    }

    /// RFC 9110 10.1.1. Ignored from HTTP/1.0 and where there is no body to wait for.
    fn read_expect(&mut self, bytes: &[u8]) -> Result<(), HeadFault> {
        let mut expects = self.fields.lines.iter().filter(|f| f.known == Known::Expect);
        let (first, second) = (expects.next(), expects.next());
        self.expects_continue = false;
        let Some(expect) = first.filter(|_| self.version == Version::Current) else { return Ok(()) };
        if second.is_some() || !bytes[expect.value.clone()].eq_ignore_ascii_case(b"100-continue") {
            return Err(HeadFault::Expectation);
        }
        self.expects_continue = self.length != BodyLength::None;
        Ok(())
    }

    /// The head: this index together with the bytes it was read from.
    pub fn of<'b>(&'b self, bytes: &'b [u8]) -> RequestHead<'b> {
        RequestHead { index: self, bytes }
    }
}

/// A request head.
#[derive(Clone, Copy, Debug)]
pub struct RequestHead<'b> {
    index: &'b RequestIndex,
    bytes: &'b [u8],
}

impl<'b> RequestHead<'b> {
    /// The method.
    pub fn method(&self) -> Method {
        self.index.method.unwrap_or(Method::Get)
    }

    /// The version of the request line.
    pub fn version(&self) -> Version {
        self.index.version
    }

    /// The target in canonical form.
    pub fn target(&self) -> &'b Target {
        &self.index.target
    }

    /// The host asked for.
    pub fn host(&self) -> &'b Host {
        &self.index.host
    }

    /// How long the body is.
    pub fn body_length(&self) -> BodyLength {
        self.index.length
    }

    /// Whether the client waits for `100 Continue` before it sends the body.
    pub fn expects_continue(&self) -> bool {
        self.index.expects_continue
    }

    /// Whether the client would send another request on this connection.
    pub fn persistent(&self) -> bool {
        self.index.fields.persistent(self.index.version)
    }

    /// The fields.
    pub fn fields(&self) -> FieldLines<'b> {
        FieldLines { fields: &self.index.fields, bytes: self.bytes }
    }
}

/// The index of a response head.
#[derive(Clone, Debug, Default)]
pub struct ResponseIndex {
    fields: Fields,
    status: Option<Status>,
    version: Version,
    length: BodyLength,
}

impl ResponseIndex {
    /// Reads a whole head answering a request with `method`.
    pub fn parse(&mut self, bytes: &[u8], method: Method, limits: &HeadLimits) -> Result<(), HeadFault> {
        self.fields.clear();
        let mut slots = [const { MaybeUninit::uninit() }; FIELDS_CEILING];
        let mut response = httparse::Response::new(&mut []);
        if bytes.first().is_none_or(u8::is_ascii_whitespace) {
            return Err(HeadFault::Syntax("empty line before the status line"));
        }
        let parsed = httparse::ParserConfig::default()
            .parse_response_with_uninit_headers(&mut response, bytes, &mut slots)
            .map_err(fault::of_syntax)?;
        match parsed {
            httparse::Status::Complete(len) if len == bytes.len() => {}
            _ => return Err(HeadFault::Syntax("incomplete")),
        }
        let status = response.code.and_then(Status::new).ok_or(HeadFault::Syntax("status code"))?;
        self.status = Some(status);
        self.version = if response.version == Some(0) { Version::Old } else { Version::Current };
        self.fields.read(bytes, response.headers, limits)?;
        let declared = self.fields.declared.length(self.version == Version::Old)?;
        // RFC 9112 6.3: these never have a body, whatever they declare.
        self.length = if status.is_bodiless() || method == Method::Head {
            BodyLength::None
        } else {
            declared.unwrap_or(BodyLength::UntilClose)
        };
        Ok(())
    }

    /// The head: this index together with the bytes it was read from.
    pub fn of<'b>(&'b self, bytes: &'b [u8]) -> ResponseHead<'b> {
        ResponseHead { index: self, bytes }
    }
}

/// A response head.
#[derive(Clone, Copy, Debug)]
pub struct ResponseHead<'b> {
    index: &'b ResponseIndex,
    bytes: &'b [u8],
}

impl<'b> ResponseHead<'b> {
    /// The status.
    pub fn status(&self) -> Status {
        self.index.status.unwrap_or(const { Status::new(502).expect("502 is a status") })
    }

    /// The version of the status line.
    pub fn version(&self) -> Version {
        self.index.version
    }

    /// How long the body is.
    pub fn body_length(&self) -> BodyLength {
        self.index.length
    }

    /// The length that an answer without a body declares for the body it would have had (HEAD, 304).
    pub fn declared_length(&self) -> Option<u64> {
        match self.index.fields.declared.length(false) {
            Ok(Some(BodyLength::Exact(n))) => Some(n),
            Ok(Some(BodyLength::None)) => Some(0),
            _ => None,
        }
    }

    /// Whether it declares a body that is not empty, be it allowed one or not.
    pub fn declares_body(&self) -> bool {
        !matches!(self.index.fields.declared.length(false), Ok(None | Some(BodyLength::None)))
    }

    /// Whether the server keeps the connection open after this answer.
    pub fn persistent(&self) -> bool {
        self.index.fields.persistent(self.index.version) && self.index.length != BodyLength::UntilClose
    }

    /// The fields.
    pub fn fields(&self) -> FieldLines<'b> {
        FieldLines { fields: &self.index.fields, bytes: self.bytes }
    }
}

/// The field lines of a head.
#[derive(Clone, Copy, Debug)]
pub struct FieldLines<'b> {
    fields: &'b Fields,
    bytes: &'b [u8],
}

impl<'b> FieldLines<'b> {
    /// All fields in order.
    pub fn lines(&self) -> &'b [Field] {
        &self.fields.lines
    }

    /// The name of a field as it was sent.
    pub fn name(&self, field: &Field) -> &'b [u8] {
        &self.bytes[field.name.clone()]
    }

    /// The value of a field as it was sent, without the space around it.
    pub fn value(&self, field: &Field) -> &'b [u8] {
        &self.bytes[field.value.clone()]
    }

    /// The values of all fields with this name, spelled right.
    pub fn all(&self, name: Known) -> impl Iterator<Item = &'b [u8]> {
        let bytes = self.bytes;
        let of_name = move |f: &&Field| f.known == name && f.exact;
        self.fields.lines.iter().filter(of_name).map(move |f| &bytes[f.value.clone()])
    }

    /// The value of the only field with this name; `None` when there is none or more than one.
    pub fn only(&self, name: Known) -> Option<&'b [u8]> {
        let mut values = self.all(name);
        values.next().filter(|_| values.next().is_none())
    }

    /// Whether any field has this name, in any spelling.
    pub fn has(&self, name: Known) -> bool {
        self.fields.lines.iter().any(|f| f.known == name)
    }

    /// The names of all fields, in any spelling.
    pub fn names(&self) -> KnownSet {
        self.fields
            .lines
            .iter()
            .fold(KnownSet::default(), |names, field| names.and(KnownSet::of(&[field.known])))
    }

    /// Whether `Connection` names this field as one of its own.
    pub fn is_nominated(&self, field: &Field) -> bool {
        self.fields.nominated.contains(&field.hash)
    }

    /// Hands to `put` the lines for which `keep` holds, neighbours in one run. Lines that `Connection` nominates
    /// never go on (RFC 9110 7.6.1).
    pub fn copy_kept(&self, mut keep: impl FnMut(&Field) -> bool, mut put: impl FnMut(&[u8])) {
        let lines = &self.fields.lines;
        // The last line ends where the empty line begins.
        let end_of =
            |at: usize| lines.get(at + 1).map_or(self.bytes.len() - 2, |next: &Field| next.name.start);
        let mut run: Option<Range<usize>> = None;
        for (at, field) in lines.iter().enumerate() {
            if keep(field) && !self.is_nominated(field) {
                let start = run.take().map_or(field.name.start, |run| run.start);
                run = Some(start..end_of(at));
            } else if let Some(run) = run.take() {
                put(&self.bytes[run]);
            }
        }
        if let Some(run) = run {
            put(&self.bytes[run]);
        }
    }
}

#[cfg(test)]
mod tests;
