//! Enrich: what an app is told. Every spelling of what only we may say is stripped from the request, then our own is
//! added; from the app's answer, what is meant for us alone is stripped.

use std::net::IpAddr;

use vestibule_domain::standing::Standing;
use vestibule_message::field::{Known, KnownSet};
use vestibule_message::head::RequestHead;
use vestibule_message::lines::{LineFault, Lines};
use vestibule_wire::{Edit, RequestId, Strip};

/// Room for the lines of a visitor without a session.
const LINES_BYTES: usize = 512;
/// Beginning of the names of all our cookies.
const COOKIES: &str = "__Host-vst";

/// What no browser may say to an app. `http-` is how CGI spells a header as a variable.
static FROM_BROWSERS: Strip = Strip {
    names: KnownSet::of(&[
        Known::Authorization,
        Known::Forwarded,
        Known::Traceparent,
        Known::Tracestate,
        Known::XHttpMethod,
        Known::XHttpMethodOverride,
        Known::XMethodOverride,
        Known::XRealIp,
        Known::XRequestId,
    ]),
    prefixes: &["x-context-", "x-forwarded-", "x-original-", "x-rewrite-", "http-"],
    cookies: Some(COOKIES),
};

/// What no app may say to a browser.
static FROM_APPS: Strip = Strip {
    names: KnownSet::of(&[Known::Server, Known::Via, Known::XRequestId]),
    prefixes: &["x-context-", "http-"],
    cookies: Some(COOKIES),
};

/// Where a request came from, as we know it.
pub(crate) struct Origination {
    pub(crate) client: IpAddr,
    pub(crate) scheme: &'static str,
    pub(crate) id: RequestId,
}

/// The edit that makes a visitor's request one that an app may believe.
pub(crate) fn for_app(
    head: &RequestHead<'_>,
    standing: Standing,
    from: &Origination,
) -> Result<Edit, LineFault> {
    let id = from.id.hex();
    let mut lines = Lines::with_capacity(LINES_BYTES);
    lines.push("x-context-standing", standing.as_str())?;
    lines.push("x-request-id", id)?;
    lines.push("traceparent", traceparent(&id))?;
    lines.push("x-forwarded-for", from.client.to_string())?;
    lines.push("x-forwarded-proto", from.scheme)?;
    lines.push("x-forwarded-host", head.host().to_string())?;
    Ok(Edit { strip: &FROM_BROWSERS, lines })
}

/// The edit that makes an app's answer one that a browser may see.
pub(crate) fn for_browser(id: RequestId) -> Result<Edit, LineFault> {
    let mut lines = Lines::with_capacity(64);
    lines.push("x-request-id", id.hex())?;
    Ok(Edit { strip: &FROM_APPS, lines })
}

/// W3C Trace Context, version 00: the request's id is the trace, its second half the first span. Not sampled: that is
/// for whoever collects traces to decide.
fn traceparent(id: &[u8; 32]) -> [u8; 55] {
    let mut value = *b"00-00000000000000000000000000000000-0000000000000000-00";
    value[3..35].copy_from_slice(id);
    value[36..52].copy_from_slice(&id[16..]);
    value
}

#[cfg(test)]
mod tests;
