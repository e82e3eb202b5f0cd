//! Grant type `client_credentials`: a machine asks for itself. RFC 6749 4.4. No user, no standing, no refresh token.

use std::time::Duration;

use vestibule_oauth::error::{TokenError, TokenErrorCode};
use vestibule_oauth::scope::ScopeSet;
use vestibule_oauth::token::AccessToken;
use vestibule_oauth::token_response::TokenResponse;
use vestibule_ports::entropy::random;
use vestibule_registry::audit::Act;
use vestibule_registry::client::{Client, ClientKind, GrantType};
use vestibule_registry::family::NewClientToken;

use super::TokenRefused;
use super::client::may_present;
use crate::Idp;
use crate::bearer::{Bearer, Whom};

impl Idp {
    pub(super) async fn client_credentials(
        &self,
        client: Client,
        requested: Option<ScopeSet>,
    ) -> Result<TokenResponse, TokenRefused> {
        may_present(&client, GrantType::ClientCredentials)?;
        // RFC 6749 4.4: confidential clients only
        if client.kind != ClientKind::Confidential {
            let description = "a public client cannot ask for itself";
            return Err(TokenError::new(TokenErrorCode::UnauthorizedClient, description).into());
        }
        let bearer = Bearer { client, whom: Whom::Client, session: None };
        let scopes = bearer.scopes(&self.everyone, requested.as_ref());
        if scopes.is_empty() {
            return Err(TokenError::new(TokenErrorCode::InvalidScope, "none of these scopes").into());
        }
        let now = self.clock.wall();
        let life = Duration::from_secs(self.config.lifetimes.access_token_seconds.into());
        let expires_at = now + life;
        let access = AccessToken::from_random(&random(&*self.entropy));
        let (name, digest, kept, id) = (self.name(), access.digest(), scopes.clone(), bearer.client.id);
        // The oldest ends when there are too many.
        let issued = self.ledger.ending(move |registry| {
            let new = NewClientToken { client: &id, name: &name, access: &digest, scopes: &kept, expires_at };
            registry.issue_client_token(&new, &Act { at: now, by: &id, from: None })
        });
        if !issued.await? {
            let description = "client authentication failed";
            return Err(TokenError::new(TokenErrorCode::InvalidClient, description).into());
        }
        Ok(TokenResponse {
            access_token: access,
            expires_in: life.as_secs(),
            scope: scopes,
            refresh_token: None,
            id_token: None,
        })
    }
}
