//! The authority of a request: a host name or address and perhaps a port (RFC 9110 7.2, RFC 3986 3.2.2).
//! Compared in one canonical form only, so that no spelling of a host finds other rules than the host itself.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use thiserror::Error;

/// Longest host name (RFC 1035 2.3.4).
const NAME_BYTES_MAX: usize = 253;

/// Why an authority is refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the host is not a plain name or address with an optional port")]
pub struct HostFault;

/// A host in lower case with its port when one was given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Host {
    text: String,
    /// Bytes of the name, with which the text begins.
    name_len: usize,
    port: Option<u16>,
}

impl Host {
    /// Reads an authority such as `shop.example`, `127.0.0.1:8080` or `[::1]:80`.
    pub fn parse(bytes: &[u8]) -> Result<Self, HostFault> {
        let mut host = Self::default();
        host.read(bytes)?;
        Ok(host)
    }

    /// Like [`Host::parse`], keeping the memory of `self`.
    pub fn read(&mut self, bytes: &[u8]) -> Result<(), HostFault> {
        self.text.clear();
        self.name_len = 0;
        self.port = None;
        let text = std::str::from_utf8(bytes).map_err(|_| HostFault)?;
        let (name, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (address, port) = rest.split_once(']').ok_or(HostFault)?;
                address.parse::<Ipv6Addr>().map_err(|_| HostFault)?;
                (&text[..address.len() + 2], port.strip_prefix(':').map_or((port, None), |p| ("", Some(p))))
            }
            None => match text.split_once(':') {
                Some((name, port)) => (name, ("", Some(port))),
                None => (text, ("", None)),
            },
        };
        let (stray, port) = port;
        if !stray.is_empty() || !(name.starts_with('[') || is_name(name)) {
            return Err(HostFault);
        }
        self.port = port.map(parse_port).transpose()?;
        self.text.push_str(text);
        self.text.make_ascii_lowercase();
        self.name_len = name.len();
        Ok(())
    }

    /// The name or address in lower case, IPv6 in its brackets.
    pub fn name(&self) -> &str {
        &self.text[..self.name_len]
    }

    /// The name, and the port when the authority had one.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The port, when the authority had one.
    pub fn port(&self) -> Option<u16> {
        self.port
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Labels of letters, digits, `-` and `_` between single dots. No trailing dot: `shop.example.` is the same host in
/// another spelling and would find other rules. A name that looks like an address must be one.
fn is_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    let is_label = |label: &str| !label.is_empty() && label.len() <= 63 && label.bytes().all(plain);
    if name.len() > NAME_BYTES_MAX || !name.split('.').all(is_label) {
        return false;
    }
    let numeric_end = name.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()));
    !numeric_end || name.parse::<Ipv4Addr>().is_ok()
}

fn parse_port(digits: &str) -> Result<u16, HostFault> {
    let plain = !digits.is_empty() && !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit());
    if plain { digits.parse().map_err(|_| HostFault) } else { Err(HostFault) }
}

#[cfg(test)]
mod tests;
