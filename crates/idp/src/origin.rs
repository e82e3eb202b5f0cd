//! The provider's own origin: requests that came to it are served, under its own name and over https where the issuer
//! is. The others are sent there or refused, as the proxy does for sites.
//! Must not know who terminates TLS. RFC 9110 7.2 and 15.5.20, RFC 6797 7.2.

use std::net::Ipv4Addr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::HOST;
use vestibule_domain::origin::{self, Came, Entry};
use vestibule_message::host::Host;

use crate::Idp;
use crate::browser;
use crate::reply::{self, PageRefused};

/// Whether the request came over https, by the word of a listed load balancer. An extension that the host of the router
/// sets; without it, a request came in the clear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverHttps(pub bool);

/// Where the issuer is.
#[derive(Debug)]
pub(crate) struct Origin {
    text: String,
    is_https: bool,
    host: Host,
}

impl Origin {
    /// Of an issuer that was checked; `None` of anything else.
    pub(crate) fn of(issuer: &str) -> Option<Self> {
        let (scheme, authority) = issuer.split_once("://")?;
        let host = Host::parse(authority.as_bytes()).ok()?;
        Some(Self { text: issuer.to_owned(), is_https: scheme == "https", host })
    }

    /// Whether a request names us. This machine has many names for itself, and ports that lead to ours.
    fn is_named(&self, request: &Request) -> bool {
        let mut hosts = request.headers().get_all(HOST).iter();
        // RFC 9112 3.2: one Host, no more and no less
        let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
        let Ok(host) = Host::parse(host.as_bytes()) else { return false };
        let is_own = host.name() == self.host.name() && self.port(&host) == self.port(&self.host);
        is_own || (is_loopback(&self.host) && is_loopback(&host))
    }

    /// RFC 9110 4.2.3: the default port need not be written out.
    fn port(&self, host: &Host) -> u16 {
        host.port().unwrap_or(if self.is_https { 443 } else { 80 })
    }
}

/// Lets a request through, or answers it; and goes over every answer on its way out.
pub(crate) async fn guard(State(idp): State<Arc<Idp>>, request: Request, next: Next) -> Response {
    let origin = &idp.origin;
    let over_https = request.extensions().get::<OverHttps>().is_some_and(|over| over.0);
    let came = if origin.is_https && !over_https { Came::InTheClear } else { Came::Home };
    let fetch = browser::fetch(request.method(), request.headers(), &origin.text);
    let response = if origin.is_named(&request) {
        match origin::entry(came, &fetch) {
            Entry::Serve => next.run(request).await,
            Entry::Redirect => reply::elsewhere(&origin.text, request.uri()),
            Entry::Refuse => reply::page_refused(&idp.pages, &PageRefused::InTheClear),
        }
    } else {
        reply::page_refused(&idp.pages, &PageRefused::OtherName)
    };
    // RFC 6797 7.2: said in the clear, it would mean nothing.
    reply::harden(response, origin.is_https && over_https)
}

/// RFC 6761 6.3, RFC 1122 3.2.1.3, RFC 4291 2.5.3
fn is_loopback(host: &Host) -> bool {
    let name = host.name();
    matches!(name, "localhost" | "[::1]")
        || name.ends_with(".localhost")
        || name.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}
