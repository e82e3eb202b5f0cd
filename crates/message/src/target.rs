//! Request targets (RFC 9112 3.2) in one canonical form: what is matched is what is sent. A path that another server
//! could read as another path (dot segments, encoded slashes, parameters, doubled encoding) is refused.

use thiserror::Error;

/// Why a target is refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum TargetFault {
    /// Not origin-form or absolute-form.
    #[error("the target is neither a path nor an http URL")]
    Form,
    /// A byte that a target may not have, raw.
    #[error("the target has a byte that must be percent-encoded")]
    Byte,
    /// A percent sign without two hex digits in the path.
    #[error("the path has a percent sign without two hex digits")]
    Encoding,
    /// An encoded NUL anywhere: some servers end the text there.
    #[error("the target has an encoded NUL")]
    EncodedNul,
    /// Encoded bytes in the path that are not UTF-8.
    #[error("the path has an encoding that is not UTF-8")]
    NotUtf8,
    /// An encoded slash, backslash, control, dot look-alike or percent-encoded percent-encoding.
    #[error("the path has an encoded delimiter")]
    EncodedDelimiter,
    /// An empty, `.` or `..` segment.
    #[error("the path has an empty or dot segment")]
    Segment,
    /// A `;` in the path: some servers cut there, others do not.
    #[error("the path has a ';' parameter")]
    Parameter,
}

/// A path and query in canonical form: unreserved characters decoded, hex digits in upper case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Target {
    text: String,
    path_len: usize,
}

impl Target {
    /// Reads an origin-form target, such as a configured path or a return target.
    pub fn parse(raw: &[u8]) -> Result<Self, TargetFault> {
        let mut target = Self::default();
        match target.read(raw)? {
            None => Ok(target),
            Some(_) => Err(TargetFault::Form),
        }
    }

    /// Like [`Target::parse`], keeping the memory of `self`, and taking absolute-form too: then the authority of
    /// the URL is the answer (RFC 9112 3.2.2: it overrides `Host`).
    pub fn read<'b>(&mut self, raw: &'b [u8]) -> Result<Option<&'b [u8]>, TargetFault> {
        self.text.clear();
        self.path_len = 0;
        let (authority, local) = split_authority(raw)?;
        let (path, query) = match memchr::memchr(b'?', local) {
            Some(at) => (&local[..at], Some(&local[at + 1..])),
            None => (local, None),
        };
        if path.is_empty() {
            self.text.push('/');
        } else {
            self.read_path(path)?;
        }
        self.path_len = self.text.len();
        if let Some(query) = query {
            self.text.push('?');
            self.read_query(query)?;
        }
        Ok(authority)
    }

    /// The path, beginning with `/`.
    pub fn path(&self) -> &str {
        &self.text[..self.path_len]
    }

    /// The query without its `?`, when there is one.
    pub fn query(&self) -> Option<&str> {
        self.text.get(self.path_len + 1..)
    }

    /// Path and query as they go into a request line.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    fn read_path(&mut self, path: &[u8]) -> Result<(), TargetFault> {
        let mut at = 0;
        while at < path.len() {
            let run = path[at..].iter().position(|b| !is_plain_path_byte(*b)).unwrap_or(path.len() - at);
            push_ascii(&mut self.text, &path[at..at + run])?;
            at += run;
            match path.get(at) {
                None => break,
                Some(b'%') => {
                    self.push_decoded(hex_pair(&path[at + 1..]).ok_or(TargetFault::Encoding)?)?;
                    at += 3;
                }
                Some(b';') => return Err(TargetFault::Parameter),
                Some(_) => return Err(TargetFault::Byte),
            }
        }
        if memchr::memchr(b'%', path).is_some() {
            refuse_look_alikes(path)?;
            refuse_double_encoding(&self.text)?;
        }
        refuse_segments(&self.text)
    }

    fn push_decoded(&mut self, byte: u8) -> Result<(), TargetFault> {
        match byte {
            0 => Err(TargetFault::EncodedNul),
            b'/' | b'\\' | b';' | 1..=0x1f | 0x7f => Err(TargetFault::EncodedDelimiter),
            // RFC 3986 6.2.2.2: unreserved characters mean the same decoded.
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'.' | b'_' | b'~' => {
                self.text.push(char::from(byte));
                Ok(())
            }
            other => {
                const HEX: &[u8; 16] = b"0123456789ABCDEF";
                self.text.push('%');
                self.text.push(char::from(HEX[usize::from(other >> 4)]));
                self.text.push(char::from(HEX[usize::from(other & 15)]));
                Ok(())
            }
        }
    }

    /// The query goes on as it came, with encoded line ends (a text area in a GET form sends `%0D%0A`), encodings that are
    /// no UTF-8 (forms of old pages send them) and a lone `%`: no route is found by it, and whoever puts it into a field
    /// puts it there still encoded. An encoded NUL is no form's and is refused. Browsers send a backslash there raw (WHATWG
    /// URL, query percent-encode set), and nothing takes it for a slash once the path has ended.
    fn read_query(&mut self, query: &[u8]) -> Result<(), TargetFault> {
        let plain = |b: &u8| matches!(b, b'!'..=b'~') && !matches!(b, b'"' | b'#' | b'<' | b'>');
        if !query.iter().all(plain) {
            return Err(TargetFault::Byte);
        }
        if memchr::memmem::find(query, b"%00").is_some() {
            return Err(TargetFault::EncodedNul);
        }
        push_ascii(&mut self.text, query)
    }
}

/// Splits `http://authority/path?query`; an origin-form target has no authority.
fn split_authority(raw: &[u8]) -> Result<(Option<&[u8]>, &[u8]), TargetFault> {
    if raw.first() == Some(&b'/') {
        return Ok((None, raw));
    }
    let scheme = |name: &[u8]| raw.len() > name.len() && raw[..name.len()].eq_ignore_ascii_case(name);
    let rest = match (scheme(b"http://"), scheme(b"https://")) {
        (true, _) => &raw[7..],
        (_, true) => &raw[8..],
        _ => return Err(TargetFault::Form),
    };
    let end = rest.iter().position(|b| matches!(b, b'/' | b'?')).unwrap_or(rest.len());
    if rest[..end].iter().any(|b| matches!(b, b'#' | b'\\')) {
        return Err(TargetFault::Byte);
    }
    Ok((Some(&rest[..end]), &rest[end..]))
}

/// Bytes that stand in a path raw and mean themselves. `[`, `]`, `^` and `|` are there because browsers send them.
fn is_plain_path_byte(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'.' | b'_' | b'~' | b'/' | b'!' | b'$' | b'&'
        | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b'=' | b':' | b'@' | b'[' | b']' | b'^' | b'|')
}

fn push_ascii(text: &mut String, bytes: &[u8]) -> Result<(), TargetFault> {
    text.push_str(std::str::from_utf8(bytes).map_err(|_| TargetFault::Byte)?);
    Ok(())
}

fn hex_pair(bytes: &[u8]) -> Option<u8> {
    let digit = |b: u8| char::from(b).to_digit(16).map(|d| d as u8);
    match bytes {
        [high, low, ..] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    }
}

/// Overlong or broken UTF-8, and full-width forms of letters and delimiters, which some servers fold to ASCII.
fn refuse_look_alikes(path: &[u8]) -> Result<(), TargetFault> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut at = 0;
    while at < path.len() {
        match (path[at], hex_pair(&path[at + 1..])) {
            (b'%', Some(byte)) => {
                decoded.push(byte);
                at += 3;
            }
            (byte, _) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    let text = std::str::from_utf8(&decoded).map_err(|_| TargetFault::NotUtf8)?;
    // U+FF01 to U+FF5E are `!` to `~` in full width; the rest are looks of dot, slash and backslash.
    let alike = |c: char| matches!(c, '\u{ff01}'..='\u{ff5e}' | '\u{2024}'..='\u{2026}' | '\u{2044}' | '\u{2215}' | '\u{2216}' | '\u{29f5}' | '\u{29f8}');
    let control = |c: char| matches!(c, '\u{80}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}');
    if text.chars().any(|c| alike(c) || control(c)) { Err(TargetFault::EncodedDelimiter) } else { Ok(()) }
}

/// An encoded percent sign before two hex digits, as it would be sent: decoded twice it is another path.
fn refuse_double_encoding(path: &str) -> Result<(), TargetFault> {
    let doubled = |at: usize| hex_pair(&path.as_bytes()[at + 3..]).is_some();
    if path.match_indices("%25").any(|(at, _)| doubled(at)) {
        Err(TargetFault::EncodedDelimiter)
    } else {
        Ok(())
    }
}

fn refuse_segments(path: &str) -> Result<(), TargetFault> {
    let bytes = path.as_bytes();
    let mut at = 0;
    while let Some(slash) = memchr::memchr(b'/', &bytes[at..]) {
        let rest = &bytes[at + slash + 1..];
        if let [b'/', ..] | [b'.'] | [b'.', b'/', ..] | [b'.', b'.'] | [b'.', b'.', b'/', ..] = rest {
            return Err(TargetFault::Segment);
        }
        at += slash + 1;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
