//! Who may come in: whoever holds the token and is no browser. A page of another site can reach this address through
//! a name of its own that leads here (DNS rebinding), or with a cross-site request; neither gets further than this.
//! Must not know what is asked for. RFC 6750 2.1, RFC 9110 7.2.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{AUTHORIZATION, HOST, ORIGIN};
use http::{HeaderMap, HeaderValue};
use vestibule_message::host::Host;
use vestibule_oauth::bearer::Bearer;

use crate::reply::Refused;
use crate::token::TokenDigest;

/// Who gave an order, as audit records name him: the token tells one administrator from none, not from another.
pub(crate) const ADMINISTRATOR: &str = "administrator";

/// What the door compares with.
#[derive(Debug)]
pub struct Door {
    token: TokenDigest,
    names: BTreeSet<String>,
}

impl Door {
    /// Opens for this token, to callers who reach us as `localhost`, a loopback address or one of these names. Their
    /// ports do not matter: a foreign page knows ours.
    pub fn new(token: TokenDigest, names: impl IntoIterator<Item = Host>) -> Self {
        Self { token, names: names.into_iter().map(|host| host.name().to_owned()).collect() }
    }

    fn check(&self, headers: &HeaderMap) -> Result<(), Refused> {
        if !self.is_ours(headers) {
            return Err(Refused::Host);
        }
        // A program sends none.
        if headers.contains_key(ORIGIN) {
            return Err(Refused::Origin);
        }
        if self.is_administrator(headers) { Ok(()) } else { Err(Refused::Token) }
    }

    fn is_ours(&self, headers: &HeaderMap) -> bool {
        let mut hosts = headers.get_all(HOST).iter();
        // RFC 9112 3.2: one Host, no more and no less
        let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
        Host::parse(host.as_bytes())
            .is_ok_and(|host| is_loopback(host.name()) || self.names.contains(host.name()))
    }

    fn is_administrator(&self, headers: &HeaderMap) -> bool {
        let fields = headers.get_all(AUTHORIZATION).iter().map(HeaderValue::as_bytes);
        let Ok(Some(bearer)) = Bearer::from_fields(fields) else { return false };
        bearer.access_token().is_ok_and(|token| self.token.is(&token.digest()))
    }
}

/// Lets a request through, or answers it.
pub(crate) async fn guard(
    State(door): State<Arc<Door>>,
    request: Request,
    next: Next,
) -> Result<Response, Refused> {
    door.check(request.headers())?;
    Ok(next.run(request).await)
}

fn is_loopback(name: &str) -> bool {
    name == "localhost"
        || name == "[::1]"
        || name.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}
