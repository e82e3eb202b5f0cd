//! The answer of the token endpoint. RFC 6749 5.1, OpenID Connect Core 3.1.3.3.
//! Whoever sends it adds `Cache-Control: no-store`.

use serde::Serialize;

use crate::scope::ScopeSet;
use crate::token::{AccessToken, IdToken, RefreshToken};

/// A successful answer.
#[derive(Debug, Clone)]
pub struct TokenResponse {
    /// The token.
    pub access_token: AccessToken,
    /// Seconds until it expires.
    pub expires_in: u64,
    /// The scopes it has; always told, since they may be fewer than requested.
    pub scope: ScopeSet,
    /// To continue the grant.
    pub refresh_token: Option<RefreshToken>,
    /// If `openid` was granted.
    pub id_token: Option<IdToken>,
}

#[derive(Serialize)]
struct Document<'a> {
    access_token: &'a str,
    token_type: &'static str,
    expires_in: u64,
    scope: &'a ScopeSet,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<&'a str>,
}

impl TokenResponse {
    /// The JSON document. Holds the tokens: only for the body of the answer.
    pub fn to_json(&self) -> String {
        let document = Document {
            access_token: self.access_token.expose(),
            token_type: "Bearer",
            expires_in: self.expires_in,
            scope: &self.scope,
            refresh_token: self.refresh_token.as_ref().map(RefreshToken::expose),
            id_token: self.id_token.as_ref().map(IdToken::expose),
        };
        serde_json::to_string(&document).expect("a struct of texts and numbers always serialises")
    }
}

#[cfg(test)]
mod tests;
