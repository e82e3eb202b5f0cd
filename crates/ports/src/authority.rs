//! What administration asks of the identity provider: users and their ends.
//! Must not know who administers from where; the caller's name is only for the audit.

use std::fmt;

use async_trait::async_trait;
use vestibule_domain::identity::{Timestamp, UserId};
use vestibule_oauth::scope::ScopeSet;

use crate::issuer::End;

/// Most users in one page of a list.
pub const USERS_PAGE_MAX: usize = 200;

/// A password in the clear, on its way to being hashed.
#[derive(Clone)]
pub struct Password(Box<str>);

impl Password {
    /// Takes any text; what is good enough is the authority's decision.
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The password itself: only for hashing.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

/// A user to be.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// The name for the log-in form. Unique.
    pub login: String,
    /// The first password.
    pub password: Password,
    /// What apps may show.
    pub name: Option<String>,
    /// A mail address.
    pub email: Option<String>,
    /// The user's own scopes, beside everyone's.
    pub scopes: ScopeSet,
}

/// A user as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Opaque and stable.
    pub id: UserId,
    /// The name for the log-in form.
    pub login: String,
    /// What apps may show.
    pub name: Option<String>,
    /// A mail address.
    pub email: Option<String>,
    /// Whether the user is kept out.
    pub disabled: bool,
    /// When the user was created.
    pub created_at: Timestamp,
}

/// Why an order was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthorityError {
    /// No such user.
    #[error("no such user")]
    NotFound,
    /// The name for the log-in form is taken.
    #[error("the login name is taken")]
    Taken,
    /// The order breaks a rule; the text says which and may be shown to the administrator.
    #[error("refused: {0}")]
    Refused(String),
    /// Could not be asked: nothing has happened, or nothing is known of it.
    #[error("authority unreachable: {0}")]
    Unreachable(String),
    /// Broke its own rules.
    #[error("authority misbehaved: {0}")]
    Bug(String),
}

/// The provider as administration sees it. Each order commits together with its audit record; `by` is who gave it.
#[async_trait]
pub trait Authority: Send + Sync + 'static {
    /// Creates a user who can log in at once.
    async fn create_user(&self, user: NewUser, by: &str) -> Result<UserId, AuthorityError>;

    /// Users in the order of their identifiers, after the given one, at most `USERS_PAGE_MAX`.
    async fn users(&self, after: Option<UserId>) -> Result<Vec<User>, AuthorityError>;

    /// The user with this name for the log-in form.
    async fn find_user(&self, login: &str) -> Result<Option<User>, AuthorityError>;

    /// Keeps a user out, ending everything of his, or lets him in again.
    async fn set_disabled(&self, user: &UserId, disabled: bool, by: &str) -> Result<(), AuthorityError>;

    /// Sets a password, ending everything of the user.
    async fn set_password(&self, user: &UserId, password: Password, by: &str) -> Result<(), AuthorityError>;

    /// Ends sessions by an administrator's will.
    async fn revoke(&self, end: End, by: &str) -> Result<(), AuthorityError>;
}
