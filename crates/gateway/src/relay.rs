//! Relay: what a service is told, and what its answer may tell. The caller's token, cookies and every spelling of what
//! only we may say are stripped, then our own is added.

use std::net::IpAddr;

use vestibule_domain::cookie;
use vestibule_message::field::{Known, KnownSet};
use vestibule_message::head::RequestHead;
use vestibule_message::lines::{LineFault, Lines};
use vestibule_wire::{AddressText, Edit, RequestId, Strip, TRACEPARENT_BYTES};

use crate::Door;
use crate::exchange::Swap;
use vestibule_wire::TrustedPeers;

/// Room for the lines beside the JWT.
const LINES_BYTES: usize = 512;
/// Names that only we may use. `http-` is how CGI spells a header as a variable.
const OURS: &[&str] = &["x-context-", "x-forwarded-", "x-original-", "x-rewrite-", "http-"];

const FROM_EVERYBODY: KnownSet = KnownSet::of(&[
    Known::Authorization,
    Known::Cookie,
    Known::Forwarded,
    Known::XHttpMethod,
    Known::XHttpMethodOverride,
    Known::XMethodOverride,
    Known::XRealIp,
    Known::XRequestId,
]);

/// What no caller may say to a service.
static UNTRACED: Strip = Strip {
    names: FROM_EVERYBODY.and(KnownSet::of(&[Known::Traceparent, Known::Tracestate])),
    prefixes: OURS,
    cookies: None,
};

/// The same for a caller of ours, whose trace goes on.
static TRACED: Strip = Strip { names: FROM_EVERYBODY, prefixes: OURS, cookies: None };

/// What no service may say to a caller.
static FROM_SERVICES: Strip = Strip {
    names: KnownSet::of(&[Known::Server, Known::Via, Known::XRequestId]),
    prefixes: &["x-context-", "http-"],
    cookies: Some(cookie::PREFIX),
};

/// Where a request came from, as we know it.
pub(crate) struct Origin {
    pub(crate) client: IpAddr,
    pub(crate) scheme: &'static str,
    pub(crate) id: RequestId,
}

impl Origin {
    /// Of a request from this peer.
    pub(crate) fn of(peers: &TrustedPeers, peer: IpAddr, head: &RequestHead<'_>, id: RequestId) -> Self {
        let is_https = peers.is_https(peer, head);
        Self { client: peers.client(peer, head), scheme: if is_https { "https" } else { "http" }, id }
    }
}

/// The edit that makes a caller's request one that a service may believe.
pub(crate) fn for_service(
    head: &RequestHead<'_>,
    door: Door,
    swap: &Swap,
    origin: &Origin,
) -> Result<Edit, LineFault> {
    let authorization = swap.authorization();
    let mut lines = Lines::with_capacity(authorization.as_bytes().len() + LINES_BYTES);
    lines.append(authorization);
    lines.push("x-request-id", origin.id.hex())?;
    // Web apps are ours, so a trace that they take part in goes on.
    let strip = if door == Door::Inside && is_traced(head) {
        &TRACED
    } else {
        lines.push("traceparent", origin.id.traceparent())?;
        &UNTRACED
    };
    lines.push("x-forwarded-for", AddressText::of(origin.client))?;
    lines.push("x-forwarded-proto", origin.scheme)?;
    lines.push("x-forwarded-host", head.host().as_str())?;
    Ok(Edit { strip, lines })
}

/// The edit that makes a service's answer one that a caller may see.
pub(crate) fn for_caller(id: RequestId) -> Result<Edit, LineFault> {
    let mut lines = Lines::with_capacity(LINES_BYTES);
    lines.push("x-request-id", id.hex())?;
    Ok(Edit { strip: &FROM_SERVICES, lines })
}

/// Whether a request has exactly one `traceparent` in the one spelling, and its value is one (W3C Trace Context 3.2.2).
fn is_traced(head: &RequestHead<'_>) -> bool {
    let fields = head.fields();
    let spelled = |known| fields.lines().iter().filter(move |field| field.known == known);
    let misspelt = spelled(Known::Traceparent).chain(spelled(Known::Tracestate)).any(|field| !field.exact);
    !misspelt && fields.only(Known::Traceparent).is_some_and(is_traceparent)
}

/// Version 00: `00-` trace `-` parent `-` flags, in small hex digits; neither trace nor parent is all zeros.
fn is_traceparent(value: &[u8]) -> bool {
    let is_hex = |bytes: &[u8]| bytes.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let is_name = |bytes: &[u8]| is_hex(bytes) && bytes.iter().any(|b| *b != b'0');
    value.len() == TRACEPARENT_BYTES
        && value.starts_with(b"00-")
        && is_name(&value[3..35])
        && value[35] == b'-'
        && is_name(&value[36..52])
        && value[52] == b'-'
        && is_hex(&value[53..])
}

#[cfg(test)]
mod tests;
