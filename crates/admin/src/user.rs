//! Orders about one user: keep out, let in again, set the password, end everything. What follows for tokens and
//! sessions is the authority's business; each order commits together with its audit record.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use vestibule_domain::identity::UserId;
use vestibule_ports::authority::{Authority, AuthorityError, Password};
use vestibule_ports::issuer::End;

use crate::door::ADMINISTRATOR;
use crate::order::Order;
use crate::reply::{self, Refused};

/// A password to be.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    /// The password.
    #[serde(with = "crate::password")]
    pub password: Password,
}

pub(crate) type Named = Result<Path<UserId>, PathRejection>;

/// `POST /admin/users/{id}/disable`
pub(crate) async fn disable(
    State(authority): State<Arc<dyn Authority>>,
    named: Named,
) -> Result<Response, Refused> {
    authority.set_disabled(&id(named)?, true, ADMINISTRATOR).await?;
    Ok(reply::done())
}

/// `POST /admin/users/{id}/enable`
pub(crate) async fn enable(
    State(authority): State<Arc<dyn Authority>>,
    named: Named,
) -> Result<Response, Refused> {
    authority.set_disabled(&id(named)?, false, ADMINISTRATOR).await?;
    Ok(reply::done())
}

/// `POST /admin/users/{id}/password`
pub(crate) async fn set_password(
    State(authority): State<Arc<dyn Authority>>,
    named: Named,
    Order(new): Order<NewPassword>,
) -> Result<Response, Refused> {
    authority.set_password(&id(named)?, new.password, ADMINISTRATOR).await?;
    Ok(reply::done())
}

/// `POST /admin/users/{id}/revoke`
pub(crate) async fn revoke(
    State(authority): State<Arc<dyn Authority>>,
    named: Named,
) -> Result<Response, Refused> {
    authority.revoke(End::User { id: id(named)?, by: None }, ADMINISTRATOR).await?;
    Ok(reply::done())
}

/// What can be no identifier is nobody's.
pub(crate) fn id(named: Named) -> Result<UserId, AuthorityError> {
    named.map(|Path(id)| id).map_err(|_| AuthorityError::NotFound)
}
