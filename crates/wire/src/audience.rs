//! Who will look at a refusal, as far as a head tells that is broken or has not ended. Only whole lines count, and they
//! decide nothing but the form of the answer: what was refused stays refused.

use std::net::IpAddr;

use vestibule_message::accept::names_html;
use vestibule_message::cookie;
use vestibule_message::field::trim_ows;
use vestibule_message::host::Host;

use crate::peers::says_https;

/// Cookies that a page names.
const NAMED_MAX: usize = 5;
/// Bytes of a cookie's name that a page shows.
const NAME_BYTES_MAX: usize = 64;

/// Who asks, of a request that is refused before its face has seen it.
#[derive(Clone, Debug)]
pub struct Audience {
    /// The other end of the connection.
    pub peer: IpAddr,
    /// The host asked for, when the head named exactly one.
    pub host: Option<Host>,
    /// Whether the last `X-Forwarded-Proto` of the head said https, be it believed or not.
    pub says_https: bool,
    /// A navigation: a person will look at the answer.
    pub(crate) is_person: bool,
    /// When cookies are most of the head: the names of the largest, and their bytes.
    pub(crate) cookies: Option<Vec<(String, usize)>>,
}

impl Audience {
    /// Of a head, or of what has come of it.
    pub(crate) fn of(peer: IpAddr, head: &[u8]) -> Self {
        let (mut hosts, mut proto, mut cookies) = (Vec::new(), None, Vec::new());
        let (mut is_person, mut bytes) = (false, 0);
        for Line { name, value, is_whole } in lines(head) {
            bytes += name.len() + value.len();
            let is = |other: &str| is_whole && name.eq_ignore_ascii_case(other.as_bytes());
            is_person |= is("accept") && names_html(value);
            is_person |= is("sec-fetch-dest") && value == b"document";
            if is("host") {
                hosts.push(value);
            } else if is("x-forwarded-proto") {
                proto = Some(value);
            } else if name.eq_ignore_ascii_case(b"cookie") {
                cookies.push(value);
            }
        }
        let host = if let [host] = hosts[..] { Host::parse(host).ok() } else { None };
        let are_most = cookies.iter().map(|value| value.len()).sum::<usize>() * 2 > bytes;
        Self {
            peer,
            host,
            says_https: proto.is_some_and(says_https),
            is_person,
            cookies: are_most.then(|| largest(&cookies)),
        }
    }
}

/// One line of a head, perhaps not yet at its end.
struct Line<'h> {
    name: &'h [u8],
    value: &'h [u8],
    is_whole: bool,
}

/// The field lines up to the empty line.
fn lines(head: &[u8]) -> impl Iterator<Item = Line<'_>> {
    let rows = head.split_inclusive(|byte| *byte == b'\n').skip(1);
    rows.map_while(|row| {
        let line = row.strip_suffix(b"\r\n");
        let is_whole = line.is_some();
        let line = line.unwrap_or(row);
        let colon = line.iter().position(|byte| *byte == b':');
        match (line.is_empty(), colon) {
            (true, _) => None,
            (false, None) => Some(Line { name: b"", value: line, is_whole }),
            (false, Some(at)) => Some(Line { name: &line[..at], value: trim_ows(&line[at + 1..]), is_whole }),
        }
    })
}

/// The largest cookies whose names can be shown as they are. Their values are nobody's business.
fn largest(values: &[&[u8]]) -> Vec<(String, usize)> {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    let mut sizes: Vec<_> = values
        .iter()
        .flat_map(|value| cookie::pairs(value))
        .map(|(name, value)| (name, name.len() + value.len()))
        .filter(|(name, _)| (1..=NAME_BYTES_MAX).contains(&name.len()) && name.iter().all(plain))
        .collect();
    sizes.sort_by_key(|(name, bytes)| (std::cmp::Reverse(*bytes), *name));
    sizes.truncate(NAMED_MAX);
    sizes.into_iter().map(|(name, bytes)| (String::from_utf8_lossy(name).into_owned(), bytes)).collect()
}

#[cfg(test)]
mod tests;
