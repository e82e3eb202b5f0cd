//! The inside face: what proxies and gateways in other processes ask as role clients. Each may do what its roles say, for
//! its sites. Never on a public listener; the public router knows none of these paths. RFC 6749 2.3.1.
//! Must not know what a role client does with an answer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, Request, State};
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::{get, post};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use serde::de::DeserializeOwned;
use vestibule_domain::identity::SiteId;
use vestibule_issuer_http::documents::{
    EndCall, FeedCall, FeedPage, LogOnAnswer, Malformed, MintCall, MintedAnswer, RedeemCall, SwapCall,
    SwappedAnswer, path,
};
use vestibule_oauth::client_auth::{PresentedClient, Proof};
use vestibule_oauth::form::Form;
use vestibule_ports::issuer::{Issuer, IssuerError, Refusal};
use vestibule_registry::credential::SecretHash;

use crate::config::{self, Role};
use crate::{Idp, documents, fields, reply};

/// The role clients by their identifier.
pub(crate) type RoleClients = BTreeMap<String, RoleClient>;

/// Sites of a role client.
pub(crate) type Sites = Arc<BTreeSet<SiteId>>;

/// A process of ours that runs apart.
pub(crate) struct RoleClient {
    secret: SecretHash,
    roles: Vec<Role>,
    sites: Sites,
}

/// Why a role client gets no answer that helps.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InsideRefused {
    /// Unknown, or the secret is wrong: one answer for both.
    #[error("role client authentication failed")]
    Unauthenticated,
    /// The client is who it says and may not ask this.
    #[error("the role client has no such role")]
    Role,
    /// The call cannot be read.
    #[error("malformed call")]
    Malformed,
    /// The provider's own no.
    #[error(transparent)]
    Issuer(#[from] IssuerError),
}

impl From<Malformed> for InsideRefused {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

/// Every path of the inside face.
pub(crate) fn router(idp: Arc<Idp>) -> Router {
    Router::new()
        .route(path::REDEEM, post(redeem))
        .route(path::MINT, post(mint))
        .route(path::SWAP, post(swap))
        .route(path::END, post(end))
        .route(path::FEED, get(feed))
        .fallback(documents::unknown)
        .method_not_allowed_fallback(documents::method)
        // Only programs come here, and HSTS is for browsers.
        .layer(map_response(async |response: Response| reply::harden(response, false)))
        .with_state(idp)
}

/// The role clients of a configuration that is valid.
pub(crate) fn role_clients(clients: &[config::RoleClient]) -> RoleClients {
    let known = |client: &config::RoleClient| {
        let role_client = RoleClient {
            secret: SecretHash::of(client.secret.as_ref()?),
            roles: client.roles.clone(),
            sites: Arc::new(client.sites.iter().filter_map(|site| SiteId::parse(site).ok()).collect()),
        };
        Some((client.id.clone(), role_client))
    };
    clients.iter().filter_map(known).collect()
}

async fn redeem(State(idp): State<Arc<Idp>>, request: Request) -> Response {
    let answer = async {
        let (client, call) = idp.read::<RedeemCall>(Role::Redeem, request).await?;
        let call: vestibule_ports::issuer::Redeem = call.try_into()?;
        if !client.sites.contains(&call.site) {
            return Err(IssuerError::Refused(Refusal::Client).into());
        }
        Ok(LogOnAnswer::from(idp.redeem(call).await?))
    };
    reply::inside(answer.await)
}

async fn mint(State(idp): State<Arc<Idp>>, request: Request) -> Response {
    let answer = async {
        let (client, MintCall { whom, seen }) = idp.read(Role::Mint, request).await?;
        let minted = idp.mint_jpt(whom.try_into()?, seen, Some(Arc::clone(&client.sites))).await?;
        Ok(MintedAnswer::from(minted))
    };
    reply::inside(answer.await)
}

async fn swap(State(idp): State<Arc<Idp>>, request: Request) -> Response {
    let answer = async {
        let (_, call) = idp.read::<SwapCall>(Role::Swap, request).await?;
        Ok(SwappedAnswer::from(idp.swap(call.try_into()?).await?))
    };
    reply::inside(answer.await)
}

async fn end(State(idp): State<Arc<Idp>>, request: Request) -> Response {
    let answer = async {
        let (_, EndCall { end, cause }) = idp.read(Role::End, request).await?;
        Ok(Issuer::end(&*idp, end, cause).await?)
    };
    reply::inside(answer.await)
}

async fn feed(State(idp): State<Arc<Idp>>, request: Request) -> Response {
    let call = idp
        .admit_role(request.headers(), Role::Feed)
        .and_then(|_| Query::<FeedCall>::try_from_uri(request.uri()).map_err(|_| InsideRefused::Malformed));
    drop(request); // its body is not `Sync`, so it may not be held across the wait
    let answer = async {
        let Query(call) = call?;
        let items = idp.feed_page(call.after, Duration::from_millis(call.wait_ms)).await?;
        Ok(items.into_iter().collect::<FeedPage>())
    };
    reply::inside(answer.await)
}

impl Idp {
    /// Who asks, and what. The body of a caller who may not ask is not read.
    async fn read<C: DeserializeOwned>(
        &self,
        role: Role,
        request: Request,
    ) -> Result<(&RoleClient, C), InsideRefused> {
        let client = self.admit_role(request.headers(), role)?;
        let body = fields::read_body(request.into_body()).await.map_err(|_| InsideRefused::Malformed)?;
        let call = serde_json::from_slice(&body).map_err(|_| InsideRefused::Malformed)?;
        Ok((client, call))
    }

    fn admit_role(&self, headers: &HeaderMap, role: Role) -> Result<&RoleClient, InsideRefused> {
        let values = headers.get_all(AUTHORIZATION).iter().map(http::HeaderValue::as_bytes);
        // No query is handed over: the feed's own holds no credential.
        let presented = PresentedClient::parse(values, None, &Form::default());
        let presented = presented.map_err(|_| InsideRefused::Unauthenticated)?;
        let client = self.role_clients.get(&presented.client_id);
        let Proof::Basic(secret) = &presented.proof else { return Err(InsideRefused::Unauthenticated) };
        // Without a client there is the same to compare: a secret that nobody has been told.
        let is_proved = client.map_or(&self.untold_secret, |client| &client.secret).matches(secret);
        let client = client.filter(|_| is_proved).ok_or(InsideRefused::Unauthenticated)?;
        client.roles.contains(&role).then_some(client).ok_or(InsideRefused::Role)
    }
}
