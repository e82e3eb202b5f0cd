//! What anybody may read and nobody can change: discovery, the three key documents, the files of the pages, and
//! the refusals of unknown paths. RFC 8414, OpenID Connect Discovery 4, RFC 7517 5.
//! Every URL is made from the configured issuer, never from a request.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use vestibule_oauth::discovery::{Discovery, Endpoints};
use vestibule_oauth::jwk::Alg;

use crate::Idp;
use crate::config::Config;
use crate::page::{ICON, STYLE};
use crate::paths;
use crate::reply::{self, PageRefused};

/// OpenID Connect's own scopes, which every client with a user may ask for.
const OPENID_SCOPES: [&str; 2] = ["offline_access", "openid"];

/// The discovery document. It changes with the configuration only.
pub(crate) fn describe(config: &Config) -> String {
    let at = |path: &str| format!("{}{path}", config.issuer);
    let endpoints = Endpoints {
        authorization: at(paths::AUTHORIZE),
        token: at(paths::TOKEN),
        jwks: at(paths::OIDC_KEYS),
        revocation: at(paths::REVOKE),
    };
    let scopes = OPENID_SCOPES.map(str::to_owned).to_vec();
    Discovery::new(config.issuer.clone(), endpoints, scopes, vec![Alg::Es256]).to_json()
}

/// The discovery document, at either of its addresses.
pub(crate) async fn discovery(State(idp): State<Arc<Idp>>) -> Response {
    reply::metadata(idp.discovery.clone())
}

/// Keys of ID tokens, as discovery's `jwks_uri` says.
pub(crate) async fn oidc_keys(State(idp): State<Arc<Idp>>) -> Response {
    reply::keys(idp.published_keys().await.oidc.document())
}

/// Keys of the tokens that services verify.
pub(crate) async fn service_keys(State(idp): State<Arc<Idp>>) -> Response {
    reply::keys(idp.published_keys().await.services.document())
}

/// Keys of the tokens that only the gateway takes.
pub(crate) async fn jpt_keys(State(idp): State<Arc<Idp>>) -> Response {
    reply::keys(idp.published_keys().await.jpt.document())
}

/// The style sheet of all pages.
pub(crate) async fn style() -> Response {
    reply::file("text/css; charset=utf-8", STYLE)
}

/// The icon of all pages.
pub(crate) async fn icon() -> Response {
    reply::file("image/svg+xml", ICON)
}

/// Every path that is not in the router.
pub(crate) async fn unknown(State(idp): State<Arc<Idp>>) -> Response {
    reply::page_refused(&idp.pages, &PageRefused::Unknown)
}

/// Every method that a path does not know.
pub(crate) async fn method(State(idp): State<Arc<Idp>>) -> Response {
    reply::page_refused(&idp.pages, &PageRefused::Method)
}
