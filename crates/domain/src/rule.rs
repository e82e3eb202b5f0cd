//! Rules by which a log-on ends before its limits: it is used from elsewhere than where it began, so its cookie may be
//! in other hands. It steps down and is not ended; whoever knows the password loses nothing but a log-in.
//! Must not know how a request says where it comes from.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::digest::sha256_of_parts;
use crate::judge::View;
use crate::throttle::network;

/// The rules of the proxy. None of them holds unless somebody wants it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rules {
    /// A log-on stays with the browser that it began in.
    pub browser: bool,
    /// A log-on stays in the network that it began in.
    pub network: bool,
}

/// Where a request comes from, as far as a rule compares it. Digests, because a session has no use for more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Footing {
    browser: [u8; 8],
    network: [u8; 8],
}

impl Footing {
    /// Of a request with these `User-Agent` lines, from this client. A browser that has renewed itself is the same one,
    /// so numbers of versions do not count; a network is 24 bits of an IPv4 address, 64 of an IPv6 one.
    pub fn of<'v>(user_agent: impl Iterator<Item = &'v [u8]>, client: IpAddr) -> Self {
        let mut kind = Vec::new();
        for value in user_agent {
            kind.extend(value.iter().filter(|byte| !matches!(byte, b'0'..=b'9' | b'.')));
            kind.push(b'\n');
        }
        Self { browser: short(b"browser", &kind), network: short(b"network", &network(client)) }
    }
}

fn short(kind: &[u8], value: &[u8]) -> [u8; 8] {
    let mut short = [0; 8];
    short.copy_from_slice(&sha256_of_parts(&[kind, value])[..8]);
    short
}

impl Rules {
    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// Whether a request from there breaks a rule that the shown log-on is under. One that began before there were rules
    /// has nothing to be compared with.
    pub fn are_broken(self, view: &View<'_>, by: &Footing) -> bool {
        let began = view.log_on().and_then(|_| view.session().footing());
        began.is_some_and(|began| {
            (self.browser && began.browser != by.browser) || (self.network && began.network != by.network)
        })
    }
}

#[cfg(test)]
mod tests;
