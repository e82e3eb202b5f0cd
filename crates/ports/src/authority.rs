//! What administration asks of the identity provider: users, their ends, what was done to whom, and keys.
//! Must not know who administers from where; the caller's name is only for the audit.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use vestibule_domain::identity::{Handle, Timestamp, UserId};
use vestibule_oauth::scope::ScopeSet;

use crate::issuer::End;

/// Most users in one page of a list.
pub const USERS_PAGE_MAX: usize = 200;

/// Most records in one page of a trail.
pub const TRAIL_PAGE_MAX: usize = 200;

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

/// What apps may show of a user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    /// The full name.
    pub name: Option<String>,
    /// Language tag (BCP 47).
    pub locale: Option<String>,
    /// A mail address.
    pub email: Option<String>,
    /// What the user is, for apps to decide by.
    pub roles: Vec<String>,
}

/// What is to change of a profile. What is `None` stays; an empty text or list removes what was there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProfileChange {
    /// The full name.
    pub name: Option<String>,
    /// Language tag (BCP 47).
    pub locale: Option<String>,
    /// A mail address.
    pub email: Option<String>,
    /// All roles that the user is to have.
    pub roles: Option<Vec<String>>,
}

/// A user to be.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// The name for the log-in form. Unique.
    pub login: String,
    /// The first password.
    pub password: Password,
    /// What apps may show.
    pub profile: Profile,
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
    pub profile: Profile,
    /// Whether the user is kept out.
    pub disabled: bool,
    /// When the user was created.
    pub created_at: Timestamp,
}

/// One record of the audit trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrailRecord {
    /// Grows with each record.
    pub id: u64,
    /// When.
    pub at: Timestamp,
    /// Who did it: a user, a client, an administrator, the program itself.
    pub by: String,
    /// The address that the order came from, where it came from outside.
    pub from: Option<IpAddr>,
    /// What has been done, in a sentence.
    pub what: &'static str,
    /// The client that it concerns.
    pub client: Option<String>,
    /// The session that it concerns.
    pub session: Option<Handle>,
    /// A cause or a name.
    pub note: Option<String>,
}

/// What a signing key signs; nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyPurpose {
    /// Tokens for services.
    Services,
    /// Tokens that web apps hold.
    Jpt,
    /// ID tokens.
    Oidc,
}

/// The text names nothing that a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a signing key signs for services, jpt or oidc")]
pub struct NoKeyPurpose;

impl KeyPurpose {
    /// As documents and commands name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Services => "services",
            Self::Jpt => "jpt",
            Self::Oidc => "oidc",
        }
    }
}

impl FromStr for KeyPurpose {
    type Err = NoKeyPurpose;

    fn from_str(text: &str) -> Result<Self, NoKeyPurpose> {
        let known = [Self::Services, Self::Jpt, Self::Oidc];
        known.into_iter().find(|purpose| purpose.as_str() == text).ok_or(NoKeyPurpose)
    }
}

/// A signing key, without its private half.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// Its name, as tokens carry it.
    pub kid: String,
    /// What it signs.
    pub purpose: KeyPurpose,
    /// Its algorithm (RFC 7518 3.1).
    pub algorithm: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it is still verified with. `None`: it is the one that signs.
    pub retires_at: Option<Timestamp>,
}

/// Why an order was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthorityError {
    /// No such user, or no such signing key.
    #[error("not found")]
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

    /// Changes what apps may show. Whoever shows it shows the new from the next request on; nothing ends.
    async fn set_profile(&self, user: &UserId, change: ProfileChange, by: &str)
    -> Result<(), AuthorityError>;

    /// What was done to a user and by him, the newest first, older than the record `before`, at most
    /// `TRAIL_PAGE_MAX`.
    async fn trail(&self, user: &UserId, before: Option<u64>) -> Result<Vec<TrailRecord>, AuthorityError>;

    /// Ends sessions by an administrator's will.
    async fn revoke(&self, end: End, by: &str) -> Result<(), AuthorityError>;

    /// All signing keys, purpose by purpose, in each the oldest first.
    async fn keys(&self) -> Result<Vec<SigningKey>, AuthorityError>;

    /// Makes a new signing key, which signs from now on. The one before it is verified with while anything lives that it has
    /// signed.
    async fn rotate_key(&self, purpose: KeyPurpose, by: &str) -> Result<SigningKey, AuthorityError>;

    /// Ends a signing key with everything that it has signed. If it was the one that signs, a new one does: its name.
    async fn end_key(&self, kid: &str, by: &str) -> Result<Option<String>, AuthorityError>;
}
