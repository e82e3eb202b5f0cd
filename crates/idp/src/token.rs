//! The token endpoint: parse · authenticate the client · match the grant (one file each) · decide · commit · sign ·
//! reply. RFC 6749 3.2. Must not know pages or cookies.

mod client;
mod client_credentials;
mod code;
mod family;
mod flights;
mod refresh;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::request::Parts;
use vestibule_oauth::error::TokenError;
use vestibule_oauth::token_request::{GrantType, TokenRequest};
use vestibule_oauth::token_response::TokenResponse;
use vestibule_registry::Registry;

use self::refresh::Asked;
use crate::Idp;
use crate::keys::SigningFailed;
use crate::reply::{self, Unavailable};

pub(crate) use client::{presented, read_form};
pub(crate) use flights::Flights;

/// Why there is no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TokenRefused {
    /// A definite no, told as RFC 6749 5.2 says.
    #[error(transparent)]
    Error(#[from] TokenError),
    /// Not now.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl From<SigningFailed> for TokenRefused {
    fn from(failed: SigningFailed) -> Self {
        Self::Unavailable(Unavailable::Bug(failed.to_string()))
    }
}

/// `POST /token`
pub(crate) async fn serve(State(idp): State<Arc<Idp>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    reply::token(idp.token(&parts, body).await)
}

impl Idp {
    async fn token(&self, parts: &Parts, body: Body) -> Result<TokenResponse, TokenRefused> {
        let form = read_form(parts, body).await?;
        // What nobody may ask for is refused whatever else the request has.
        let grant_type = GrantType::parse(&form)?;
        let presented = presented(parts, &form)?;
        match TokenRequest::parse(grant_type, &form)? {
            TokenRequest::AuthorizationCode { code, redirect_uri, verifier } => {
                let client = self.authenticate(presented).await?;
                self.redeem_code(client, code, redirect_uri, verifier).await
            }
            TokenRequest::RefreshToken { refresh_token, scope } => {
                // Both before anything else is waited for: as near as can be to when the request came in.
                let flight = self.flights.begin(refresh_token.digest());
                let token = refresh_token.clone();
                let look = move |registry: &Registry| registry.is_unused(&token);
                let (client, came_unused) = self.authenticate_and(presented, look).await?;
                self.refresh(client, Asked { refresh_token, scope, came_unused, flight }).await
            }
            TokenRequest::ClientCredentials { scope } => {
                let client = self.authenticate(presented).await?;
                self.client_credentials(client, scope).await
            }
        }
    }
}
