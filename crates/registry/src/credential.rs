//! What is kept of credentials: hashes only, in types that do not print. Must not know who presents what.

use std::fmt;

use aws_lc_rs::constant_time;
use vestibule_oauth::token::ClientSecret;

use crate::sql::{Bind, column};

/// SHA-256 of a credential, as its type's `digest` gives it.
pub type Digest = [u8; 32];

/// The text that a password hash function made of a password, parameters and salt included.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(Box<str>);

impl PasswordHash {
    /// Takes any text; what it means is known to whoever computes it.
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The text: only for comparing a password with it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}

/// SHA-256 of a client's secret. Enough for secrets of 128 random bits; people do not choose them.
#[derive(Clone)]
pub struct SecretHash(Digest);

impl SecretHash {
    /// What is kept of a secret.
    pub fn of(secret: &ClientSecret) -> Self {
        Self(secret.digest())
    }

    /// Whether this is the hash of that secret. In constant time.
    pub fn matches(&self, secret: &ClientSecret) -> bool {
        *self == Self::of(secret)
    }
}

/// In constant time.
impl PartialEq for SecretHash {
    fn eq(&self, other: &Self) -> bool {
        constant_time::verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl Eq for SecretHash {}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(..)")
    }
}

impl<'a> From<&'a PasswordHash> for Bind<'a> {
    fn from(hash: &'a PasswordHash) -> Self {
        Self::Text(&hash.0)
    }
}

impl<'a> From<&'a SecretHash> for Bind<'a> {
    fn from(hash: &'a SecretHash) -> Self {
        Self::Bytes(&hash.0)
    }
}

column! {
    PasswordHash: String, |text| Some(PasswordHash(text.into()));
    SecretHash: [u8; 32], |digest| Some(SecretHash(digest));
}
