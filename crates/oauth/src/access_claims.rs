//! The claims of service tokens (JWT) and JPTs: one set of names for both, whichever way the caller came.
//! RFC 9068 2.2, and claims of our own. Must not know what a standing or a level means.

use serde::Serialize;

use crate::json::{NotStrict, Object};
use crate::jwt::Registered;
use crate::scope::ScopeSet;

/// What a service or the gateway is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccessClaims {
    /// Issuer, subject, audience, times.
    #[serde(flatten)]
    pub registered: Registered,
    /// Name of this token, unique.
    pub jti: String,
    /// The client that the token was issued to.
    pub client_id: String,
    /// What it allows; no claim at all if it allows nothing.
    #[serde(skip_serializing_if = "ScopeSet::is_empty")]
    pub scope: ScopeSet,
    /// The session behind it; none for anonymous visitors and for clients outside.
    #[serde(flatten)]
    pub session: Option<SessionClaims>,
    /// The visitor, beside the user who is the subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visitor: Option<String>,
    /// Standing of the visitor; none for a client without a user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standing: Option<String>,
    /// When the user authenticated, Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<u64>,
    /// How well the user authenticated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
}

/// Which session, and which stretch of its life. The two claims come together or not at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SessionClaims {
    /// The session's handle.
    pub sid: String,
    /// Its epoch, which falls and ends raise.
    pub ep: u64,
}

impl AccessClaims {
    /// Claims of a token without scopes, session and user; fill in what there is.
    pub fn new(registered: Registered, jti: &str, client_id: &str) -> Self {
        Self {
            registered,
            jti: jti.to_owned(),
            client_id: client_id.to_owned(),
            scope: ScopeSet::default(),
            session: None,
            visitor: None,
            standing: None,
            auth_time: None,
            acr: None,
        }
    }

    pub(crate) fn read(registered: Registered, claims: &Object) -> Result<Self, NotStrict> {
        let text = |name| claims.text(name).map(|text| text.map(str::to_owned));
        let scope = claims.text("scope")?.map(ScopeSet::parse).transpose().map_err(|_| NotStrict)?;
        let session = match (text("sid")?, claims.whole("ep")?) {
            (Some(sid), Some(ep)) => Some(SessionClaims { sid, ep }),
            (None, None) => None,
            _ => return Err(NotStrict),
        };
        Ok(Self {
            registered,
            jti: text("jti")?.ok_or(NotStrict)?,
            client_id: text("client_id")?.ok_or(NotStrict)?,
            scope: scope.unwrap_or_default(),
            session,
            visitor: text("visitor")?,
            standing: text("standing")?,
            auth_time: claims.whole("auth_time")?,
            acr: text("acr")?,
        })
    }
}
