//! The users: create one, list them, find one by the name for the log-in form.
//! What is a good name or password is the authority's decision; here are only the limits of what is handed on.

use std::sync::Arc;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use vestibule_domain::identity::UserId;
use vestibule_oauth::scope::ScopeSet;
use vestibule_ports::authority::{self, Authority, AuthorityError, Password, Profile, USERS_PAGE_MAX};

use crate::door::ADMINISTRATOR;
use crate::moment::Moment;
use crate::order::Order;
use crate::profile;
use crate::reply::{self, Refused, Unfit};

/// A user to be, as the caller describes him.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// The name for the log-in form.
    pub login: String,
    /// The first password.
    #[serde(with = "crate::password")]
    pub password: Password,
    /// The full name, for apps to show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Language tag (BCP 47).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// A mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// What the user is, for apps to decide by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// The user's own scopes beside everyone's, as RFC 6749 3.3 writes them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
}

/// The user that has been created.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct CreatedUser {
    /// Opaque and stable.
    pub id: UserId,
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct User {
    /// Opaque and stable.
    pub id: UserId,
    /// The name for the log-in form.
    pub login: String,
    /// The full name, for apps to show.
    pub name: Option<String>,
    /// Language tag (BCP 47).
    pub locale: Option<String>,
    /// A mail address.
    pub email: Option<String>,
    /// What the user is, for apps to decide by.
    pub roles: Vec<String>,
    /// Whether the user is kept out.
    pub disabled: bool,
    /// When the user was created.
    pub created_at: Moment,
}

/// Users in the order of their identifiers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct UserPage {
    /// At most [`USERS_PAGE_MAX`].
    pub users: Vec<User>,
    /// The value of `after` that gives the next page, where there may be one.
    pub next: Option<UserId>,
}

/// Where a page begins.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Paging {
    after: Option<UserId>,
}

/// `POST /admin/users`
pub(crate) async fn create(
    State(authority): State<Arc<dyn Authority>>,
    Order(new): Order<NewUser>,
) -> Result<Response, Refused> {
    let user = new.checked()?;
    let id = authority.create_user(user, ADMINISTRATOR).await?;
    Ok(reply::created(&CreatedUser { id }))
}

/// `GET /admin/users?after=`
pub(crate) async fn list(
    State(authority): State<Arc<dyn Authority>>,
    paging: Result<Query<Paging>, QueryRejection>,
) -> Result<Response, Refused> {
    let Query(Paging { after }) = paging.map_err(|_| Refused::Query)?;
    let users = authority.users(after).await?;
    let is_full = users.len() >= USERS_PAGE_MAX;
    let next = users.last().filter(|_| is_full).map(|user| user.id.clone());
    Ok(reply::found(&UserPage { users: users.into_iter().map(User::from).collect(), next }))
}

/// `GET /admin/users/by-login/{login}`
pub(crate) async fn find(
    State(authority): State<Arc<dyn Authority>>,
    login: Result<Path<String>, PathRejection>,
) -> Result<Response, Refused> {
    // What is no text is nobody's name.
    let Path(login) = login.map_err(|_| AuthorityError::NotFound)?;
    let user = authority.find_user(&login).await?.ok_or(AuthorityError::NotFound)?;
    Ok(reply::found(&User::from(user)))
}

impl NewUser {
    fn checked(self) -> Result<authority::NewUser, Refused> {
        let Self { login, password, name, locale, email, roles, scope } = self;
        let profile = Profile { name, locale, email, roles };
        profile::check(&profile)?;
        let scopes = scope.map_or(Ok(ScopeSet::default()), |scope| ScopeSet::parse(&scope));
        Ok(authority::NewUser { login, password, profile, scopes: scopes.map_err(Unfit::Scope)? })
    }
}

impl From<authority::User> for User {
    fn from(user: authority::User) -> Self {
        let authority::User { id, login, profile, disabled, created_at } = user;
        let Profile { name, locale, email, roles } = profile;
        Self { id, login, name, locale, email, roles, disabled, created_at: created_at.into() }
    }
}
