//! Every path of the public face, as a list to read. Handlers are one file each; replies are made in `reply`.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use vestibule_oauth::discovery::{OAUTH_PATH, OPENID_PATH};

use crate::{Idp, authorize, documents, login, logout, origin, password, paths, revoke, token};

/// The router. Its requests carry a `Peer` and an `OverHttps` as extensions and bodies that were read with a limit.
pub(crate) fn router(idp: Arc<Idp>) -> Router {
    Router::new()
        .route(paths::AUTHORIZE, get(authorize::by_query).post(authorize::by_form))
        .route(paths::LOGIN, get(login::show).post(login::submit))
        .route(paths::LOGOUT, get(logout::ask).post(logout::submit))
        .route(paths::PASSWORD, get(password::show).post(password::submit))
        .route(paths::TOKEN, post(token::serve))
        .route(paths::REVOKE, post(revoke::serve))
        .route(OPENID_PATH, get(documents::discovery))
        .route(OAUTH_PATH, get(documents::discovery))
        .route(paths::OIDC_KEYS, get(documents::oidc_keys))
        .route(paths::SERVICE_KEYS, get(documents::service_keys))
        .route(paths::JPT_KEYS, get(documents::jpt_keys))
        .route(paths::STYLE, get(documents::style))
        .route(paths::ICON, get(documents::icon))
        .fallback(documents::unknown)
        .method_not_allowed_fallback(documents::method)
        .layer(from_fn_with_state(Arc::clone(&idp), origin::guard))
        .with_state(idp)
}
