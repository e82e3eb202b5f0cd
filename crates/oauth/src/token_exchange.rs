//! Token exchange: the one conversion from a token or grant that a caller holds to one that it needs.
//! RFC 8693 2.1 and 3. Types that no RFC names have a URN of our own.

use crate::error::{TokenError, TokenErrorCode};
use crate::form::Form;
use crate::scope::ScopeSet;
use crate::token::{AccessToken, GrantToken, Jpt, Malformed};

/// Longest `audience`, in bytes.
pub const AUDIENCE_BYTES_MAX: usize = 256;

/// RFC 8693 3: an opaque access token.
pub const URN_ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
/// RFC 8693 3: a signed token for services.
pub const URN_JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
/// A signed token that only the gateway takes.
pub const URN_JPT: &str = "urn:vestibule:params:oauth:token-type:jpt";
/// The proof of a log-on that a site's client holds.
pub const URN_GRANT: &str = "urn:vestibule:params:oauth:token-type:grant";

/// A request to exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenExchange {
    /// What the caller holds.
    pub subject: SubjectToken,
    /// What it wants.
    pub requested: RequestedToken,
    /// For whom it wants it; `None` leaves the choice to the server.
    pub audience: Option<String>,
    /// With which scopes; `None` for those of the subject token.
    pub scope: Option<ScopeSet>,
}

/// A token to exchange, by its declared type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubjectToken {
    /// [`URN_ACCESS_TOKEN`]
    AccessToken(AccessToken),
    /// [`URN_JPT`]
    Jpt(Jpt),
    /// [`URN_GRANT`]
    Grant(GrantToken),
}

/// A kind of token that an exchange can yield.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestedToken {
    /// [`URN_JWT`], also when nothing is requested
    Jwt,
    /// [`URN_JPT`]
    Jpt,
}

impl TokenExchange {
    /// Reads the parameters beside `grant_type`.
    pub fn parse(form: &Form) -> Result<Self, TokenError> {
        // RFC 8693 1.1: with an actor this would be delegation, which would have to show in the token
        if form.has("actor_token") || form.has("actor_token_type") {
            return Err(TokenError::invalid_request("actor tokens are not supported"));
        }
        if form.has("resource") {
            return Err(TokenError::new(TokenErrorCode::InvalidTarget, "resource is not supported"));
        }
        let audience = form.get("audience")?;
        if audience.is_some_and(|audience| audience.len() > AUDIENCE_BYTES_MAX) {
            return Err(TokenError::new(TokenErrorCode::InvalidTarget, "audience is too long"));
        }
        let requested = match form.get("requested_token_type")? {
            None | Some(URN_JWT) => RequestedToken::Jwt,
            Some(URN_JPT) => RequestedToken::Jpt,
            Some(_) => return Err(TokenError::invalid_request("requested_token_type is not supported")),
        };
        Ok(Self {
            subject: subject(form)?,
            requested,
            audience: audience.map(str::to_owned),
            scope: form.get("scope")?.map(ScopeSet::parse).transpose()?,
        })
    }
}

fn subject(form: &Form) -> Result<SubjectToken, TokenError> {
    let token = form.get("subject_token")?.ok_or(TokenError::invalid_request("subject_token is missing"))?;
    let kind = form.get("subject_token_type")?;
    let subject = match kind.ok_or(TokenError::invalid_request("subject_token_type is missing"))? {
        URN_ACCESS_TOKEN => AccessToken::parse(token).map(SubjectToken::AccessToken),
        URN_JPT => Jpt::parse(token).map(SubjectToken::Jpt),
        URN_GRANT => GrantToken::parse(token).map(SubjectToken::Grant),
        _ => return Err(TokenError::invalid_request("subject_token_type is not supported")),
    };
    // RFC 8693 2.2.2: an invalid subject_token is invalid_request
    subject.map_err(|Malformed| TokenError::invalid_request("malformed subject_token"))
}

#[cfg(test)]
mod tests;
