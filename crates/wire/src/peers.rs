//! Whose word counts about where a request came from. By default nobody's: `X-Forwarded-*` from a peer that is not
//! listed is removed and decides nothing.

use std::net::IpAddr;

use ipnet::IpNet;
use vestibule_message::field::{Known, trim_ows};
use vestibule_message::head::RequestHead;

/// The networks of trusted load balancers.
#[derive(Clone, Debug, Default)]
pub struct TrustedPeers(pub Vec<IpNet>);

impl TrustedPeers {
    /// Whether this peer is one of them.
    pub fn has(&self, peer: IpAddr) -> bool {
        self.0.iter().any(|net| net.contains(&peer))
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

#[cfg(test)]
mod tests;
