//! Token introspection: what a resource server may ask about a token, and the answer.
//! RFC 7662 2. An answer about a dead token and one about garbage are the same bytes.

use serde::Serialize;

use crate::error::TokenError;
use crate::form::Form;
use crate::revocation::{TokenHint, token_and_hint};
use crate::scope::ScopeSet;
use crate::token::UnsortedToken;

/// A token to tell about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntrospectionRequest {
    /// May be of any kind, or nothing of ours.
    pub token: UnsortedToken,
    /// What the caller believes it to be.
    pub hint: Option<TokenHint>,
}

impl IntrospectionRequest {
    /// Reads a form body.
    pub fn parse(form: &Form) -> Result<Self, TokenError> {
        let (token, hint) = token_and_hint(form)?;
        Ok(Self { token, hint })
    }
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IntrospectionResponse {
    /// Unknown, expired, revoked, or none of the caller's business.
    Inactive,
    /// Good now.
    Active(ActiveToken),
}

/// What is told about a good token. Times are Unix seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ActiveToken {
    /// Its issuer.
    pub iss: String,
    /// Whom it speaks for.
    pub sub: String,
    /// The client it was issued to.
    pub client_id: String,
    /// What it allows.
    pub scope: ScopeSet,
    /// `Bearer` for access tokens; refresh tokens have no type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_type: Option<&'static str>,
    /// When it was issued.
    pub iat: u64,
    /// When it ends.
    pub exp: u64,
}

#[derive(Serialize)]
struct Document<'a> {
    active: bool,
    #[serde(flatten)]
    token: Option<&'a ActiveToken>,
}

impl IntrospectionResponse {
    /// The JSON document.
    pub fn to_json(&self) -> String {
        // RFC 7662 2.2: nothing else is told about a token that is not active
        let document = match self {
            Self::Inactive => Document { active: false, token: None },
            Self::Active(token) => Document { active: true, token: Some(token) },
        };
        serde_json::to_string(&document).expect("a struct of texts and numbers always serialises")
    }
}

#[cfg(test)]
mod tests;
