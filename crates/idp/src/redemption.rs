//! The checks on a code that is redeemed, the same for a client at the token endpoint and for a site's log-on.
//! Pure. RFC 6749 4.1.3, RFC 7636 4.6, OpenID Connect Core 3.1.3.7.

use vestibule_domain::identity::Timestamp;
use vestibule_oauth::pkce::Verifier;
use vestibule_registry::code::Authorization;
use vestibule_registry::user::User;

/// A code is shown with this.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    /// The client that shows it.
    pub(crate) client: String,
    /// As in the authorization request.
    pub(crate) redirect_uri: Option<String>,
    /// What proves the challenge.
    pub(crate) verifier: Option<Verifier>,
}

/// Why a code is worth nothing to whoever shows it. All are `invalid_grant`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CodeRefused {
    /// Issued to another client.
    #[error("code of another client")]
    Client,
    /// Too late.
    #[error("code has expired")]
    Expired,
    /// Not the redirect URI of the authorization request, or none where that named one.
    #[error("redirect_uri differs from the authorization request")]
    RedirectUri,
    /// No proof, or a wrong one.
    #[error("code_verifier does not match")]
    Verifier,
    /// Of another attempt at a log-on.
    #[error("nonce differs from the authorization request")]
    Nonce,
    /// The user has been disabled since.
    #[error("the user is disabled")]
    User,
}

impl CodeRefused {
    /// What the client is told. It may hold another's code, so it learns nothing about that.
    pub(crate) const fn description(self) -> &'static str {
        match self {
            Self::Client | Self::Expired | Self::User | Self::Nonce => "the code is unknown, used or expired",
            Self::RedirectUri => "redirect_uri differs from the authorization request",
            Self::Verifier => "code_verifier does not match",
        }
    }
}

/// Decides about a code.
pub(crate) fn check(
    authorization: &Authorization,
    user: &User,
    shown: &Shown,
    now: Timestamp,
) -> Result<(), CodeRefused> {
    // RFC 6749 4.1.3: the code was issued to the authenticated client
    if authorization.client != shown.client {
        return Err(CodeRefused::Client);
    }
    // RFC 6749 4.1.2
    if now >= authorization.expires_at {
        return Err(CodeRefused::Expired);
    }
    // RFC 6749 4.1.3: identical values, if it was included before
    if authorization.redirect_uri != shown.redirect_uri {
        return Err(CodeRefused::RedirectUri);
    }
    // RFC 7636 4.6
    if !authorization.challenge.is_proved_by(shown.verifier.as_ref()) {
        return Err(CodeRefused::Verifier);
    }
    if user.disabled_at.is_some() { Err(CodeRefused::User) } else { Ok(()) }
}
