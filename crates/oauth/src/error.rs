//! The error codes of OAuth and OpenID Connect, and the errors that carry them to a client.
//! RFC 6749 4.1.2.1 and 5.2, RFC 6750 3.1, RFC 7009 2.2.1, RFC 8693 2.2.2, OpenID Connect Core 3.1.2.6.
//! Descriptions are fixed texts, so nothing that a caller sent comes back in one. Must not know status codes.

use serde::{Serialize, Serializer};

use crate::form::{FormRefused, Repeated};
use crate::scope::ScopeRefused;

macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// Every code, for tables and tests.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The value of `error` on the wire.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

codes! {
    /// What goes back to a client's redirect URI.
    AuthorizeErrorCode {
        /// Parameter missing, repeated, malformed or not supported.
        InvalidRequest = "invalid_request",
        /// The client may not use this flow.
        UnauthorizedClient = "unauthorized_client",
        /// The user or the house said no.
        AccessDenied = "access_denied",
        /// Only `code` is supported.
        UnsupportedResponseType = "unsupported_response_type",
        /// Scope malformed, unknown or too wide.
        InvalidScope = "invalid_scope",
        /// Stands for 500, which a redirect cannot carry.
        ServerError = "server_error",
        /// Stands for 503, which a redirect cannot carry.
        TemporarilyUnavailable = "temporarily_unavailable",
        /// `prompt=none`, yet something must be shown.
        InteractionRequired = "interaction_required",
        /// `prompt=none`, yet nobody is logged on.
        LoginRequired = "login_required",
        /// `prompt=none`, yet a user must be picked.
        AccountSelectionRequired = "account_selection_required",
        /// `prompt=none`, yet consent is missing.
        ConsentRequired = "consent_required",
        /// Parameter `request` is not taken.
        RequestNotSupported = "request_not_supported",
        /// Parameter `request_uri` is not taken and never fetched.
        RequestUriNotSupported = "request_uri_not_supported",
        /// Parameter `registration` is not taken.
        RegistrationNotSupported = "registration_not_supported",
    }
}

codes! {
    /// What the token and revocation endpoints answer.
    TokenErrorCode {
        /// Parameter missing, repeated or malformed; two ways of client authentication.
        InvalidRequest = "invalid_request",
        /// Unknown client, wrong secret or unsupported way to authenticate.
        InvalidClient = "invalid_client",
        /// Code, refresh token or verifier is wrong, used, ended or another client's.
        InvalidGrant = "invalid_grant",
        /// The client may not use this grant type.
        UnauthorizedClient = "unauthorized_client",
        /// Grant type unknown or not offered.
        UnsupportedGrantType = "unsupported_grant_type",
        /// Scope malformed, unknown or wider than the grant.
        InvalidScope = "invalid_scope",
    }
}

codes! {
    /// What a protected resource says in its challenge.
    BearerErrorCode {
        /// Token sent in two ways, in a wrong way, or malformed.
        InvalidRequest = "invalid_request",
        /// Token unknown, expired, revoked or not for this door.
        InvalidToken = "invalid_token",
        /// Token is good but its scopes do not reach.
        InsufficientScope = "insufficient_scope",
    }
}

impl AuthorizeErrorCode {
    /// The code of this text, for the side that reads an answer.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text)
    }
}

/// An error of the authorization endpoint that may be told to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}: {description}", code.as_str())]
pub struct AuthorizeError {
    /// Value of `error`.
    pub code: AuthorizeErrorCode,
    /// Value of `error_description`, printable ASCII.
    pub description: &'static str,
}

/// An error of the token endpoint; serialises to the document of RFC 6749 5.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{}: {description}", code.as_str())]
pub struct TokenError {
    /// Value of `error`.
    #[serde(rename = "error")]
    pub code: TokenErrorCode,
    /// Value of `error_description`, printable ASCII.
    #[serde(rename = "error_description")]
    pub description: &'static str,
}

impl AuthorizeError {
    /// An error with its description.
    pub const fn new(code: AuthorizeErrorCode, description: &'static str) -> Self {
        Self { code, description }
    }

    pub(crate) const fn invalid_request(description: &'static str) -> Self {
        Self::new(AuthorizeErrorCode::InvalidRequest, description)
    }
}

impl TokenError {
    /// An error with its description.
    pub const fn new(code: TokenErrorCode, description: &'static str) -> Self {
        Self { code, description }
    }

    pub(crate) const fn invalid_request(description: &'static str) -> Self {
        Self::new(TokenErrorCode::InvalidRequest, description)
    }

    pub(crate) const fn invalid_grant(description: &'static str) -> Self {
        Self::new(TokenErrorCode::InvalidGrant, description)
    }
}

impl From<Repeated> for AuthorizeError {
    fn from(_: Repeated) -> Self {
        Self::invalid_request("a parameter is repeated")
    }
}

impl From<Repeated> for TokenError {
    fn from(_: Repeated) -> Self {
        Self::invalid_request("a parameter is repeated")
    }
}

impl From<FormRefused> for TokenError {
    fn from(_: FormRefused) -> Self {
        Self::invalid_request("the parameters cannot be read as a form")
    }
}

impl From<ScopeRefused> for AuthorizeError {
    fn from(_: ScopeRefused) -> Self {
        Self::new(AuthorizeErrorCode::InvalidScope, "malformed scope")
    }
}

impl From<ScopeRefused> for TokenError {
    fn from(_: ScopeRefused) -> Self {
        Self::new(TokenErrorCode::InvalidScope, "malformed scope")
    }
}

#[cfg(test)]
mod tests;
