//! The signing keys: which there are, and orders about them. No private half comes this way.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use vestibule_ports::authority::{self, Authority, AuthorityError, KeyPurpose};

use crate::door::ADMINISTRATOR;
use crate::moment::Moment;
use crate::reply::{self, Refused};

/// A signing key.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct SigningKey {
    /// Its name, as tokens carry it.
    pub kid: String,
    /// What it signs.
    pub purpose: KeyPurpose,
    /// Its algorithm.
    pub algorithm: String,
    /// When it was made.
    pub created_at: Moment,
    /// Until when it is still verified with. Null: it is the one that signs.
    pub retires_at: Option<Moment>,
}

/// All signing keys, purpose by purpose, in each the oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct SigningKeys {
    /// The keys.
    pub keys: Vec<SigningKey>,
}

/// A signing key has ended.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct EndedKey {
    /// The key that signs in its stead, if it was the one that signed.
    pub successor: Option<String>,
}

/// `GET /admin/keys`
pub(crate) async fn list(State(authority): State<Arc<dyn Authority>>) -> Result<Response, Refused> {
    let keys = authority.keys().await?;
    Ok(reply::found(&SigningKeys { keys: keys.into_iter().map(SigningKey::from).collect() }))
}

/// `POST /admin/keys/{purpose}/rotate`
pub(crate) async fn rotate(
    State(authority): State<Arc<dyn Authority>>,
    named: Result<Path<KeyPurpose>, PathRejection>,
) -> Result<Response, Refused> {
    let Path(purpose) = named.map_err(|_| Refused::NoSuchKey)?;
    Ok(reply::created(&SigningKey::from(authority.rotate_key(purpose, ADMINISTRATOR).await?)))
}

/// `POST /admin/keys/{kid}/end`
pub(crate) async fn end(
    State(authority): State<Arc<dyn Authority>>,
    named: Result<Path<String>, PathRejection>,
) -> Result<Response, Refused> {
    let Path(kid) = named.map_err(|_| Refused::NoSuchKey)?;
    let ended = authority.end_key(&kid, ADMINISTRATOR).await;
    let successor = ended.map_err(|error| match error {
        AuthorityError::NotFound => Refused::NoSuchKey,
        error => Refused::Authority(error),
    })?;
    Ok(reply::found(&EndedKey { successor }))
}

impl From<authority::SigningKey> for SigningKey {
    fn from(key: authority::SigningKey) -> Self {
        let authority::SigningKey { kid, purpose, algorithm, created_at, retires_at } = key;
        Self {
            kid,
            purpose,
            algorithm,
            created_at: created_at.into(),
            retires_at: retires_at.map(Moment::from),
        }
    }
}
