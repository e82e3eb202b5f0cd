//! What a browser proves by its request: cookies of ours, where the request comes from, that it saw our form.
//! Must not know who is logged on. RFC 6265bis 4.1.3, Fetch Metadata.

use std::fmt;
use std::net::IpAddr;

use aws_lc_rs::constant_time;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{ACCEPT, COOKIE};
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method};
use vestibule_domain::cookie::Cookie;
use vestibule_domain::csrf;
use vestibule_domain::digest::{sha256, sha256_of_parts};
use vestibule_domain::fetch::{Fetch, Fields};

use crate::reply::Unavailable;

/// Random bytes of a cookie's value.
const SECRET_BYTES: usize = 32;

/// Address of the browser or client, after trusted proxies. An extension that the host of the router sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

/// The value of a cookie of ours: of the sign-on session, or of a known device. Kept by hash only.
#[derive(Clone)]
pub(crate) struct BrowserSecret([u8; SECRET_BYTES]);

impl BrowserSecret {
    /// A new one from bytes that nobody can predict.
    pub(crate) const fn from_random(bytes: [u8; SECRET_BYTES]) -> Self {
        Self(bytes)
    }

    /// The cookie of a request, if it came once and can be ours.
    pub(crate) fn of(headers: &HeaderMap, cookie: Cookie) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(self::cookie(headers, cookie)?).ok()?;
        bytes.try_into().ok().map(Self)
    }

    /// The value itself: only for `Set-Cookie`.
    pub(crate) fn expose(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// What the registry knows it by.
    pub(crate) fn digest(&self) -> [u8; 32] {
        sha256(&self.0)
    }

    /// The proof in a form that the browser which sends it is the one that was shown it. A hash, so a form that
    /// somebody else reads does not give the cookie away.
    pub(crate) fn form_proof(&self) -> String {
        URL_SAFE_NO_PAD.encode(sha256_of_parts(&[b"form", &self.0]))
    }
}

impl fmt::Debug for BrowserSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BrowserSecret(..)")
    }
}

/// Where the request comes from.
pub(crate) fn peer(extensions: &Extensions) -> Result<IpAddr, Unavailable> {
    let peer =
        extensions.get::<Peer>().ok_or_else(|| Unavailable::Bug("a request without its peer".to_owned()))?;
    Ok(peer.0)
}

/// What a form proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    /// It was sent from a page of ours, by the browser that was shown it.
    Here,
    /// It was sent from a page of ours, but the browser has another cookie by now, or none.
    Before,
    /// It was not.
    Elsewhere,
}

/// Where a form comes from.
pub(crate) fn shown(headers: &HeaderMap, origin: &str, proof: &str) -> Shown {
    let shown_here = BrowserSecret::of(headers, Cookie::Idp).is_some_and(|secret| {
        let expected = secret.form_proof();
        constant_time::verify_slices_are_equal(expected.as_bytes(), proof.as_bytes()).is_ok()
    });
    let fetch = fetch(&Method::POST, headers, origin);
    // A browser too old for either field still has cookie and proof to show.
    match (csrf::check(&fetch, false), shown_here) {
        (Ok(()), true) => Shown::Here,
        (Ok(()), false) => Shown::Before,
        (Err(_), _) => Shown::Elsewhere,
    }
}

/// A request as its browser describes it.
pub(crate) fn fetch(method: &Method, headers: &HeaderMap, origin: &str) -> Fetch {
    let only = |name| only(headers, &HeaderName::from_static(name));
    let fields = Fields {
        origin: only("origin"),
        site: only("sec-fetch-site"),
        mode: only("sec-fetch-mode"),
        dest: only("sec-fetch-dest"),
        accept: headers.get(ACCEPT).map(HeaderValue::as_bytes),
    };
    Fetch::read(method.as_str().as_bytes(), &fields, origin)
}

/// The value of one of our cookies. Two of one name are none: nobody can tell which one we had set.
fn cookie(headers: &HeaderMap, cookie: Cookie) -> Option<&str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut values = pairs.filter(|(name, _)| *name == cookie.name()).map(|(_, value)| value);
    let first = values.next();
    if values.next().is_some() { None } else { first }
}

/// The value of a field; one that came more than once is nobody's.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a [u8]> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    Some(if values.next().is_some() { b"" } else { first.as_bytes() })
}

#[cfg(test)]
mod tests;
