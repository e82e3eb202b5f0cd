//! Every path of the admin API, as a list to read. What a process does not hold has no path in it.

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use vestibule_ports::authority::Authority;

use crate::door::{self, Door};
use crate::reply::Refused;
use crate::session_audit::{self, Sessions};
use crate::{user, users};

/// The admin API of one process.
pub struct Admin {
    /// Who may come in.
    pub door: Door,
    /// Who knows the users, where this process has the IDP.
    pub users: Option<Arc<dyn Authority>>,
    /// The sessions, where this process has their store.
    pub sessions: Option<Sessions>,
}

impl Admin {
    /// As a service. An answer may have a [`Cause`](crate::Cause) among its extensions.
    pub fn router(self) -> Router {
        let mut router = Router::new();
        if let Some(authority) = self.users {
            router = router.merge(
                Router::new()
                    .route("/admin/users", get(users::list).post(users::create))
                    .route("/admin/users/by-login/{login}", get(users::find))
                    .route("/admin/users/{id}/disable", post(user::disable))
                    .route("/admin/users/{id}/enable", post(user::enable))
                    .route("/admin/users/{id}/password", post(user::set_password))
                    .route("/admin/users/{id}/revoke", post(user::revoke))
                    .with_state(authority),
            );
        }
        if let Some(sessions) = self.sessions {
            router = router.merge(
                Router::new()
                    .route("/admin/sessions/{handle}/audit", get(session_audit::show))
                    .with_state(Arc::new(sessions)),
            );
        }
        router
            .fallback(async || Refused::NoSuchAddress)
            .method_not_allowed_fallback(async || Refused::Method)
            // Outermost: who may not come in is not told which paths there are.
            .layer(from_fn_with_state(Arc::new(self.door), door::guard))
    }
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin").field("door", &self.door).finish_non_exhaustive()
    }
}
