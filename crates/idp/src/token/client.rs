//! Who is asking: the client of a token or revocation request. An unknown client and a wrong secret are one answer
//! at one cost. RFC 6749 2.3 and 3.2.1.

use axum::body::Body;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::request::Parts;
use vestibule_oauth::client_auth::{PresentedClient, Proof};
use vestibule_oauth::error::{TokenError, TokenErrorCode};
use vestibule_oauth::form::Form;
use vestibule_registry::client::{Client, GrantType};
use vestibule_registry::{Registry, RegistryError};

use super::TokenRefused;
use crate::Idp;
use crate::fields;

const FAILED: TokenError = TokenError::new(TokenErrorCode::InvalidClient, "client authentication failed");

/// The parameters of a request to an endpoint that takes forms only.
pub(crate) async fn read_form(parts: &Parts, body: Body) -> Result<Form, TokenError> {
    let unreadable = TokenError::new(TokenErrorCode::InvalidRequest, "the body is too long or was cut");
    let body = fields::read_body(body).await.map_err(|_| unreadable)?;
    let content_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    Ok(Form::from_body(content_type, &body)?)
}

/// The client that a request claims to come from, and what it shows for that.
pub(crate) fn presented(parts: &Parts, form: &Form) -> Result<PresentedClient, TokenError> {
    let fields = parts.headers.get_all(AUTHORIZATION).iter().map(http::HeaderValue::as_bytes);
    PresentedClient::parse(fields, parts.uri.query(), form)
}

/// Whether a client may present this at the public endpoint. Sites go through the issuer port instead.
pub(super) fn may_present(client: &Client, grant_type: GrantType) -> Result<(), TokenError> {
    if client.site.is_none() && client.grant_types.contains(&grant_type) {
        return Ok(());
    }
    Err(TokenError::new(TokenErrorCode::UnauthorizedClient, "the client may not use this grant_type"))
}

impl Idp {
    /// The client that a request proves to come from. A public one has nothing to prove.
    pub(crate) async fn authenticate(&self, presented: PresentedClient) -> Result<Client, TokenRefused> {
        let (client, ()) = self.authenticate_and(presented, |_| Ok(())).await?;
        Ok(client)
    }

    /// The same, with what else `look` finds in the registry. It looks before the client is known to be good.
    pub(crate) async fn authenticate_and<T: Send + 'static>(
        &self,
        presented: PresentedClient,
        look: impl FnOnce(&Registry) -> Result<T, RegistryError> + Send + 'static,
    ) -> Result<(Client, T), TokenRefused> {
        let id = presented.client_id;
        let found = self.ledger.call(move |registry| Ok((look(registry)?, registry.client(&id)?)));
        let (found, client) = found.await?;
        let stored = client.as_ref().and_then(|client| client.secret.clone());
        let is_proved = match &presented.proof {
            Proof::Basic(secret) | Proof::Post(secret) => {
                // Without a client there is the same to compare: a secret that nobody has been told.
                stored.unwrap_or_else(|| self.untold_secret.clone()).matches(secret)
            }
            // RFC 6749 2.3: a client with a secret must show it
            Proof::None => stored.is_none(),
        };
        let client = client.filter(|_| is_proved).ok_or(FAILED)?;
        Ok((client, found))
    }
}
