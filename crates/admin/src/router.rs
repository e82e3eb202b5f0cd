//! Every path of the admin API, as a list to read. What a process does not hold, it says where to ask for.

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{any, get, post};
use vestibule_ports::authority::Authority;

use crate::door::{self, Door};
use crate::reply::Refused;
use crate::session_audit::{self, Sessions};
use crate::{keys, profile, trail, user, users};

/// The admin API of one process.
pub struct Admin {
    /// Who may come in.
    pub door: Door,
    /// Who knows the users and the keys.
    pub users: Users,
    /// The sessions, where this process has their store.
    pub sessions: Option<Sessions>,
}

/// Who knows the users and the keys.
pub enum Users {
    /// The IDP of this process.
    Here(Arc<dyn Authority>),
    /// The IDP of another process, as its administrator would recognise it.
    Elsewhere(Arc<str>),
}

impl Admin {
    /// As a service. An answer may have a [`Cause`](crate::Cause) among its extensions.
    pub fn router(self) -> Router {
        let users = match self.users {
            Users::Here(authority) => Router::new()
                .route("/admin/users", get(users::list).post(users::create))
                .route("/admin/users/by-login/{login}", get(users::find))
                .route("/admin/users/{id}/disable", post(user::disable))
                .route("/admin/users/{id}/enable", post(user::enable))
                .route("/admin/users/{id}/password", post(user::set_password))
                .route("/admin/users/{id}/profile", post(profile::change))
                .route("/admin/users/{id}/revoke", post(user::revoke))
                .route("/admin/users/{id}/audit", get(trail::show))
                .route("/admin/keys", get(keys::list))
                .route("/admin/keys/{key}/rotate", post(keys::rotate))
                .route("/admin/keys/{key}/end", post(keys::end))
                .with_state(authority),
            Users::Elsewhere(idp) => {
                let elsewhere = any(async move || Refused::UsersElsewhere(idp));
                let paths = ["/admin/users", "/admin/users/{*rest}", "/admin/keys", "/admin/keys/{*rest}"];
                paths.iter().fold(Router::new(), |router, path| router.route(path, elsewhere.clone()))
            }
        };
        let sessions = match self.sessions {
            Some(sessions) => Router::new()
                .route("/admin/sessions/{handle}/audit", get(session_audit::show))
                .with_state(Arc::new(sessions)),
            None => Router::new().route("/admin/sessions/{*rest}", any(async || Refused::SessionsElsewhere)),
        };
        users
            .merge(sessions)
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
