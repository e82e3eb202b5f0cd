//! The answer of the authorization endpoint, written for the client and read by one.
//! RFC 6749 4.1.2, RFC 9207. A `Callback` exists only for a redirect URI that is registered.

use crate::error::{AuthorizeError, AuthorizeErrorCode};
use crate::form::{self, Form, Repeated};
use crate::redirect_uri::RedirectUri;
use crate::token::Code;

/// Longest `state`, in bytes.
pub const STATE_BYTES_MAX: usize = 2048;

/// Where the client waits for the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callback {
    redirect_uri: String,
    named: bool,
    state: Option<String>,
}

/// Why an answer has nowhere to go. Shown on a page of our own, never redirected (RFC 6749 3.1.2.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CallbackRefused {
    /// No redirect URI named, and not exactly one that could be meant.
    #[error("redirect_uri is missing")]
    Missing,
    /// The named one is not registered for this client.
    #[error("redirect_uri is not registered")]
    Unregistered,
}

impl Callback {
    /// Finds the redirect URI that a request names among the client's registered ones.
    pub fn find(registered: &[RedirectUri], named: Option<&str>) -> Result<Self, CallbackRefused> {
        let redirect_uri = match (named, registered) {
            (Some(named), _) if registered.iter().any(|known| known.matches(named)) => named,
            (Some(_), _) => return Err(CallbackRefused::Unregistered),
            // RFC 6749 3.1.2.3: one complete registered URI may be left out
            (None, [only]) if !only.is_any_port() => only.as_str(),
            (None, _) => return Err(CallbackRefused::Missing),
        };
        Ok(Self { redirect_uri: redirect_uri.to_owned(), named: named.is_some(), state: None })
    }

    /// The same place with the client's `state`, if that is within RFC 6749 appendix A.5 and our limit.
    pub fn with_state(mut self, state: &str) -> Option<Self> {
        let fits = state.len() <= STATE_BYTES_MAX && state.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        self.state = Some(state.to_owned());
        fits.then_some(self)
    }

    /// The redirect URI as the request named it, or the registered one.
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// Whether the request named the URI, so that the token request must name the same (RFC 6749 4.1.3).
    pub fn is_named(&self) -> bool {
        self.named
    }

    /// The client's `state`.
    pub fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }

    /// The URL that hands the code to the client. Holds the code, so it is for the `Location` field only.
    pub fn granted_url(&self, code: &Code, issuer: &str) -> String {
        self.url(&[("code", code.expose())], issuer)
    }

    /// The URL that tells the client why there is no code.
    pub fn refused_url(&self, error: &AuthorizeError, issuer: &str) -> String {
        self.url(&[("error", error.code.as_str()), ("error_description", error.description)], issuer)
    }

    fn url(&self, answer: &[(&str, &str)], issuer: &str) -> String {
        let state = self.state().map(|state| ("state", state));
        // RFC 9207 2: iss is in every answer, errors too
        let pairs = answer.iter().copied().chain(state).chain([("iss", issuer)]);
        form::append(&self.redirect_uri, pairs)
    }
}

/// The answer as the client reads it at its redirect URI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizeResponse {
    /// The `state` that the client had sent; whether it is the right one, the caller checks.
    pub state: String,
    /// Code or error.
    pub outcome: Outcome,
}

/// What the authorization endpoint decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The code to redeem.
    Granted(Code),
    /// Why there is none.
    Refused(AuthorizeErrorCode),
}

/// Why an answer is not one of this issuer to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ResponseRefused {
    /// Repeated or malformed parameter, neither code nor error, or both.
    #[error("malformed authorization response")]
    Malformed,
    /// No `state`.
    #[error("authorization response without state")]
    StateMissing,
    /// `iss` is missing or names somebody else (RFC 9207 2.4).
    #[error("authorization response of another issuer")]
    Issuer,
}

impl From<Repeated> for ResponseRefused {
    fn from(_: Repeated) -> Self {
        Self::Malformed
    }
}

impl AuthorizeResponse {
    /// Reads the query of a callback that must come from this issuer.
    pub fn parse(form: &Form, issuer: &str) -> Result<Self, ResponseRefused> {
        // RFC 9207 2.4: simple string comparison, before anything else is believed
        if form.get("iss")? != Some(issuer) {
            return Err(ResponseRefused::Issuer);
        }
        let state = form.get("state")?.ok_or(ResponseRefused::StateMissing)?.to_owned();
        let outcome = match (form.get("code")?, form.get("error")?) {
            (Some(code), None) => {
                Outcome::Granted(Code::parse(code).map_err(|_| ResponseRefused::Malformed)?)
            }
            (None, Some(error)) => {
                Outcome::Refused(AuthorizeErrorCode::parse(error).ok_or(ResponseRefused::Malformed)?)
            }
            _ => return Err(ResponseRefused::Malformed),
        };
        Ok(Self { state, outcome })
    }
}

#[cfg(test)]
mod tests;
