//! Redirect URIs: what may be registered, and whether a request names a registered one.
//! RFC 6749 3.1.2, RFC 8252 7 and 8.3, RFC 9700 2.1. Compares texts, without any normalisation.

use std::fmt;

use url::{Host, Url};

/// Longest redirect URI, in bytes.
pub const REDIRECT_URI_BYTES_MAX: usize = 2048;

/// Names of the parameters that answers have or may get: RFC 6749 4.1.2 and 4.1.2.1, RFC 9207 2.
const ANSWER_NAMES: [&str; 6] = ["code", "state", "iss", "error", "error_description", "error_uri"];

/// Why a redirect URI cannot be registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RegistrationRefused {
    /// Over [`REDIRECT_URI_BYTES_MAX`].
    #[error("longer than {REDIRECT_URI_BYTES_MAX} bytes")]
    TooLong,
    /// Not a URL, or written otherwise than a browser would send it: `..`, upper-case host, default port.
    #[error("not a URL in its canonical spelling")]
    NotCanonical,
    /// `javascript:`, `data:` and everything else that is neither https, nor http, nor named like a domain.
    #[error("scheme must be https, http on loopback, or a private one that contains a dot")]
    Scheme,
    /// http to another machine.
    #[error("http is for loopback addresses only")]
    PlainHttp,
    /// RFC 6749 3.1.2
    #[error("has a fragment")]
    Fragment,
    /// A user name or a password before the host.
    #[error("has user information")]
    UserInformation,
    /// Nothing expands a `*`, so who writes one expects what will not happen.
    #[error("has a wildcard; only exact texts match")]
    Wildcard,
    /// A parameter of the query has a name that an answer has, so that the client could take it for the answer.
    #[error("has a parameter in its query that answers have: {}", ANSWER_NAMES.join(", "))]
    AnswerName,
}

/// A redirect URI that passed the lint of registration.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RedirectUri(Box<str>);

impl RedirectUri {
    /// Checks a text for registration. `http://127.0.0.1/path` and `http://[::1]/path`, without a port, stand
    /// for every port of that address, as native clients need.
    pub fn register(text: &str) -> Result<Self, RegistrationRefused> {
        if text.len() > REDIRECT_URI_BYTES_MAX {
            return Err(RegistrationRefused::TooLong);
        }
        let url = Url::parse(text).map_err(|_| RegistrationRefused::NotCanonical)?;
        if url.fragment().is_some() {
            return Err(RegistrationRefused::Fragment);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(RegistrationRefused::UserInformation);
        }
        if text.contains('*') {
            return Err(RegistrationRefused::Wildcard);
        }
        if url.query_pairs().any(|(name, _)| ANSWER_NAMES.contains(&&*name)) {
            return Err(RegistrationRefused::AnswerName);
        }
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            "http" => return Err(RegistrationRefused::PlainHttp),
            // RFC 8252 7.1: private-use schemes are reversed domain names
            private if private.contains('.') && url.path().starts_with('/') => {}
            _ => return Err(RegistrationRefused::Scheme),
        }
        if url.as_str() == text { Ok(Self(text.into())) } else { Err(RegistrationRefused::NotCanonical) }
    }

    /// Whether a request that names this text means this URI.
    pub fn matches(&self, named: &str) -> bool {
        // RFC 9700 2.1: exact string matching, but for the port of a loopback address
        *self.0 == *named
            || self.loopback_parts().is_some_and(|(origin, path)| differs_by_port(origin, path, named))
    }

    /// Whether the URI stands for every port of a loopback address, so that a request has to name one.
    pub fn is_any_port(&self) -> bool {
        self.loopback_parts().is_some()
    }

    /// The registered text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Origin and the rest of a loopback URI without a port. The name `localhost` is no such: RFC 8252 8.3.
    fn loopback_parts(&self) -> Option<(&str, &str)> {
        ["http://127.0.0.1", "http://[::1]"].into_iter().find_map(|origin| {
            let rest = self.0.strip_prefix(origin)?;
            rest.starts_with('/').then_some((&self.0[..origin.len()], rest))
        })
    }
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        // RFC 6761 6.3: names under localhost are this machine too
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

/// RFC 8252 7.3: any port, written as a browser would.
fn differs_by_port(origin: &str, path: &str, named: &str) -> bool {
    let port = named
        .strip_prefix(origin)
        .and_then(|rest| rest.strip_prefix(':'))
        .and_then(|rest| rest.strip_suffix(path));
    port.is_some_and(|port| port.parse::<u16>().is_ok_and(|number| number > 0 && number.to_string() == port))
}

#[cfg(test)]
mod tests;
