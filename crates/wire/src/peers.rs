//! Whose word counts about where a request came from. By default nobody's: `X-Forwarded-*` from a peer that is not
//! listed is removed and decides nothing.

use std::net::IpAddr;

use ipnet::IpNet;
use vestibule_message::field::{Known, trim_ows};
use vestibule_message::head::RequestHead;

/// Bytes of the longest text of an address.
const ADDRESS_BYTES_MAX: usize = 45;

/// The text of an address. Each request has one, so the usual kind is written without a formatter.
#[derive(Clone, Copy, Debug)]
pub struct AddressText {
    bytes: [u8; ADDRESS_BYTES_MAX],
    len: usize,
}

impl AddressText {
    /// Of this address.
    pub fn of(address: IpAddr) -> Self {
        let mut text = Self { bytes: [0; ADDRESS_BYTES_MAX], len: 0 };
        match address {
            IpAddr::V4(address) => {
                for (at, octet) in address.octets().into_iter().enumerate() {
                    text.put(if at == 0 { b"" } else { b"." });
                    text.put(itoa::Buffer::new().format(octet).as_bytes());
                }
            }
            IpAddr::V6(address) => text.put(address.to_string().as_bytes()),
        }
        text
    }

    fn put(&mut self, bytes: &[u8]) {
        self.bytes[self.len..][..bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }
}

impl AsRef<[u8]> for AddressText {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// The networks of trusted load balancers.
#[derive(Clone, Debug, Default)]
pub struct TrustedPeers(pub Vec<IpNet>);

impl TrustedPeers {
    /// Whether this peer is one of them.
    pub fn has(&self, peer: IpAddr) -> bool {
        self.0.iter().any(|net| net.contains(&peer))
    }

    /// Whether the request came over https, as a trusted peer says: of several words the last is its own.
    pub fn is_https(&self, peer: IpAddr, head: &RequestHead<'_>) -> bool {
        self.has(peer) && head.fields().all(Known::XForwardedProto).last().is_some_and(says_https)
    }

    /// The caller's address: the peer, or behind trusted peers the right-most hop that is not one of them. A list that
    /// cannot be read counts up to where it can.
    pub fn client(&self, peer: IpAddr, head: &RequestHead<'_>) -> IpAddr {
        if !self.has(peer) {
            return peer;
        }
        let values: Vec<_> = head.fields().all(Known::XForwardedFor).collect();
        let hops = values.iter().rev().flat_map(|value| value.rsplit(|b| *b == b','));
        let mut client = peer;
        for hop in hops.map(trim_ows) {
            match std::str::from_utf8(hop).ok().and_then(|hop| hop.parse::<IpAddr>().ok()) {
                Some(hop) => client = hop.to_canonical(),
                None => break,
            }
            if !self.has(client) {
                break;
            }
        }
        client
    }
}

/// Whether the last value of `X-Forwarded-Proto` says https, be it believed or not: of several words in it the last
/// counts.
pub(crate) fn says_https(last: &[u8]) -> bool {
    let word = last.rsplit(|byte| *byte == b',').next().unwrap_or_default();
    trim_ows(word).eq_ignore_ascii_case(b"https")
}

#[cfg(test)]
mod tests;
