//! What a face changes in a head on its way through: names and cookies it strips, lines it adds. The rest goes on
//! byte for byte.

use vestibule_message::cookie;
use vestibule_message::field::{self, Known, KnownSet};
use vestibule_message::framing::BodyLength;
use vestibule_message::head::{Field, FieldLines, RequestHead, ResponseHead, Version};
use vestibule_message::lines::Lines;
use vestibule_message::method::Method;

use crate::buffer::Buffer;

/// What never goes on. Names count in every spelling.
#[derive(Debug)]
pub struct Strip {
    /// Known names, besides the fields of one connection, which wire strips by itself.
    pub names: KnownSet,
    /// Beginnings of names, in folded form (lower case, `-`).
    pub prefixes: &'static [&'static str],
    /// Beginning of the names of cookies: out of `Cookie` in a request, whole `Set-Cookie` lines in an answer.
    pub cookies: Option<&'static str>,
}

/// How a head is changed.
#[derive(Debug)]
pub struct Edit {
    /// What is stripped.
    pub strip: &'static Strip,
    /// What is added, after stripping.
    pub lines: Lines,
}

/// Writes the head of a request as it goes to an upstream.
pub(crate) fn write_request(head: &RequestHead<'_>, target: &str, edit: &Edit, out: &mut Buffer) {
    let method = head.method();
    for part in [method.as_str(), " ", target, " HTTP/1.1\r\nhost: ", head.host().name()] {
        out.put(part.as_bytes());
    }
    if let Some(port) = head.host().port() {
        out.put(b":");
        out.put(itoa::Buffer::new().format(port).as_bytes());
    }
    out.put(b"\r\n");
    let fields = head.fields();
    let strip = edit.strip;
    let of_ours = |f: &&Field| {
        f.known == Known::Cookie && strip.cookies.is_some_and(|prefix| cookie::has(fields.value(f), prefix))
    };
    let ours = fields.lines().iter().any(|f| of_ours(&f));
    // One line rewritten, all lines rewritten: their order among themselves counts.
    fields.copy_kept(|f| keeps(strip, &fields, f) && !(ours && f.known == Known::Cookie), |run| out.put(run));
    if ours {
        write_other_cookies(&fields, strip.cookies.unwrap_or_default(), out);
    }
    out.put(edit.lines.as_bytes());
    match head.body_length() {
        BodyLength::Exact(n) => write_length(n, out),
        BodyLength::Chunked => out.put(b"transfer-encoding: chunked\r\n"),
        // RFC 9110 8.6: methods that usually have a body say that there is none.
        BodyLength::None if matches!(method, Method::Post | Method::Put | Method::Patch) => {
            write_length(0, out);
        }
        BodyLength::None | BodyLength::UntilClose => {}
    }
    if head.expects_continue() {
        out.put(b"expect: 100-continue\r\n");
    }
    out.put(b"\r\n");
}

/// How the body of an answer goes to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reframed {
    /// As it is: no body, a known length, or all until the end.
    AsIs,
    /// In chunks of ours.
    Chunked,
}

/// Writes the head of an answer as it goes to the client. `close` says whether the connection ends after it.
pub(crate) fn write_response(
    head: &ResponseHead<'_>,
    to: Version,
    edit: &Edit,
    close: bool,
    date: &str,
    out: &mut Buffer,
) -> Reframed {
    write_status_line(head.status(), out);
    let fields = head.fields();
    let strip = edit.strip;
    fields.copy_kept(
        |f| {
            let ours = f.known == Known::SetCookie
                && strip.cookies.is_some_and(|prefix| cookie::sets(fields.value(f), prefix));
            !ours && keeps(strip, &fields, f)
        },
        |run| out.put(run),
    );
    if !fields.has(Known::Date) {
        write_field("date", date.as_bytes(), out);
    }
    out.put(edit.lines.as_bytes());
    let mut reframed = Reframed::AsIs;
    match head.body_length() {
        BodyLength::Exact(n) => write_length(n, out),
        BodyLength::Chunked | BodyLength::UntilClose if to == Version::Current => {
            out.put(b"transfer-encoding: chunked\r\n");
            reframed = Reframed::Chunked;
        }
        BodyLength::Chunked | BodyLength::UntilClose => {}
        // RFC 9110 8.6: not with 204; with HEAD and 304 the length the body would have had.
        BodyLength::None => match head.declared_length() {
            Some(n) if head.status().code() != 204 => write_length(n, out),
            _ => {}
        },
    }
    write_connection(close, to, out);
    out.put(b"\r\n");
    reframed
}

pub(crate) fn write_status_line(status: vestibule_message::status::Status, out: &mut Buffer) {
    out.put(b"HTTP/1.1 ");
    out.put(itoa::Buffer::new().format(status.code()).as_bytes());
    out.put(b" ");
    out.put(status.reason().as_bytes());
    out.put(b"\r\n");
}

pub(crate) fn write_field(name: &str, value: &[u8], out: &mut Buffer) {
    for part in [name.as_bytes(), b": ", value, b"\r\n"] {
        out.put(part);
    }
}

pub(crate) fn write_length(n: u64, out: &mut Buffer) {
    write_field("content-length", itoa::Buffer::new().format(n).as_bytes(), out);
}

pub(crate) fn write_connection(close: bool, to: Version, out: &mut Buffer) {
    match (close, to) {
        (true, _) => out.put(b"connection: close\r\n"),
        (false, Version::Old) => out.put(b"connection: keep-alive\r\n"),
        (false, Version::Current) => {}
    }
}

fn keeps(strip: &Strip, fields: &FieldLines<'_>, f: &Field) -> bool {
    !KnownSet::HOP_BY_HOP.has(f.known)
        && !strip.names.has(f.known)
        && !strip.prefixes.iter().any(|prefix| field::has_folded_prefix(fields.name(f), prefix))
}

fn write_other_cookies(fields: &FieldLines<'_>, prefix: &str, out: &mut Buffer) {
    for f in fields.lines().iter().filter(|f| f.known == Known::Cookie && !fields.is_nominated(f)) {
        let mut any = false;
        for part in cookie::without(fields.value(f), prefix) {
            if !std::mem::replace(&mut any, true) {
                out.put(b"cookie: ");
            }
            for bytes in part {
                out.put(bytes);
            }
        }
        if any {
            out.put(b"\r\n");
        }
    }
}

#[cfg(test)]
mod tests;
