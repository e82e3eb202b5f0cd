//! The claims of ID tokens: who logged on, when and how, told to one client.
//! OpenID Connect Core 2 and 3.1.3.7. Must not know users beyond their subject.

use serde::Serialize;

use crate::json::{NotStrict, Object};
use crate::jwt::Registered;

/// What a client is told about a log-on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IdClaims {
    /// Issuer, subject, audience (the client), times.
    #[serde(flatten)]
    pub registered: Registered,
    /// The client's `nonce`, unchanged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// When the user authenticated, Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<u64>,
    /// How well the user authenticated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// The client, when somebody says it twice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub azp: Option<String>,
    /// The issuer's session (OpenID Connect Front-Channel Logout 3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
}

impl IdClaims {
    /// Claims that say only who.
    pub fn new(registered: Registered) -> Self {
        Self { registered, nonce: None, auth_time: None, acr: None, azp: None, sid: None }
    }

    pub(crate) fn read(registered: Registered, claims: &Object) -> Result<Self, NotStrict> {
        let text = |name| claims.text(name).map(|text| text.map(str::to_owned));
        let azp = text("azp")?;
        // OpenID Connect Core 3.1.3.7, 3 to 5: no audience beside the client, and no other authorised party
        if registered.aud.len() > 1 || azp.as_ref().is_some_and(|azp| !registered.aud.contains(azp)) {
            return Err(NotStrict);
        }
        Ok(Self {
            registered,
            nonce: text("nonce")?,
            auth_time: claims.whole("auth_time")?,
            acr: text("acr")?,
            azp,
            sid: text("sid")?,
        })
    }
}
