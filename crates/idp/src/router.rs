//! Every path of the public face, as a list to read. Handlers are one file each; replies are made in `reply`.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};

use crate::page::{ICON_PATH, STYLE_PATH};
use crate::{Idp, authorize, documents, login, logout, origin, password, revoke, token};

/// The router. Its requests carry a `Peer` and an `OverHttps` as extensions and bodies that were read with a limit.
pub(crate) fn router(idp: Arc<Idp>) -> Router {
    Router::new()
        .route("/authorize", get(authorize::by_query).post(authorize::by_form))
        .route("/login", get(login::show).post(login::submit))
        .route("/logout", get(logout::ask).post(logout::submit))
        .route("/password", get(password::show).post(password::submit))
        .route("/token", post(token::serve))
        .route("/revoke", post(revoke::serve))
        .route("/.well-known/openid-configuration", get(documents::discovery))
        .route("/.well-known/oauth-authorization-server", get(documents::discovery))
        .route("/jwks", get(documents::oidc_keys))
        .route("/jwks/services", get(documents::service_keys))
        .route("/jwks/jpt", get(documents::jpt_keys))
        .route(STYLE_PATH, get(documents::style))
        .route(ICON_PATH, get(documents::icon))
        .fallback(documents::unknown)
        .method_not_allowed_fallback(documents::method)
        .layer(from_fn_with_state(Arc::clone(&idp), origin::guard))
        .with_state(idp)
}
