//! Signing keys: kept for the only signer, one set per kind of token. Must not know how anything is signed.

use std::fmt;

use vestibule_domain::identity::Timestamp;
use vestibule_ports::issuer::{Cause, Ended};

use crate::audit::{self, Act, Entry, Event};
use crate::outbox;
use crate::registry::Registry;
use crate::sql::{Bind, RegistryError, Row, Tx, binds, column, stored_words};

stored_words! {
    /// What a key signs; nothing else.
    Purpose {
        /// JWTs for services.
        Services = "services",
        /// JPTs for web apps.
        Jpt = "jpt",
        /// ID tokens.
        Oidc = "oidc",
    }
}

/// A private key in PKCS#8.
#[derive(Clone, PartialEq, Eq)]
pub struct Pkcs8(Box<[u8]>);

impl Pkcs8 {
    /// Takes any bytes; what they are is known to the signer.
    pub fn new(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// The key itself: only for the signer.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Pkcs8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pkcs8(..)")
    }
}

impl<'a> From<&'a Pkcs8> for Bind<'a> {
    fn from(key: &'a Pkcs8) -> Self {
        Self::Bytes(&key.0)
    }
}

column! {
    Pkcs8: Vec<u8>, |bytes| Some(Pkcs8(bytes.into()));
}

/// A signing key to be.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// Its name, unique (RFC 7515 4.1.4).
    pub kid: String,
    /// What it signs.
    pub purpose: Purpose,
    /// Its algorithm (RFC 7518 3.1).
    pub algorithm: String,
    /// The private half.
    pub pkcs8: Pkcs8,
    /// The public half (RFC 7517), JSON.
    pub public_jwk: String,
}

/// A signing key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// Its name.
    pub kid: String,
    /// What it signs.
    pub purpose: Purpose,
    /// Its algorithm.
    pub algorithm: String,
    /// The private half.
    pub pkcs8: Pkcs8,
    /// The public half, JSON.
    pub public_jwk: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when its signatures are verified, if a newer key signs. The current key has none.
    pub retire_at: Option<Timestamp>,
}

/// What became of a key that was to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyEnd {
    /// It is gone. If it was the one that signed, this one does now.
    Done {
        /// The name of the new current key.
        successor: Option<String>,
    },
    /// No such key.
    Unknown,
}

impl Registry {
    /// The names of all keys that are verified with: in the order of `keys`, and as quick to read as may be.
    pub fn kids(&self, now: Timestamp) -> Result<Vec<String>, RegistryError> {
        self.read(|snapshot| {
            snapshot.all(
                "SELECT kid FROM signing_keys WHERE retire_at IS NULL OR retire_at > $1 \
                 ORDER BY purpose, CASE WHEN retire_at IS NULL THEN 1 ELSE 0 END, created_at, kid",
                binds![now],
                |row| row.get("kid"),
            )
        })
    }

    /// All keys that are verified with, purpose by purpose, in each the oldest first; the last of each signs.
    pub fn keys(&self, now: Timestamp) -> Result<Vec<SigningKey>, RegistryError> {
        self.read(|snapshot| {
            snapshot.all(
                "SELECT kid, purpose, algorithm, pkcs8, public_jwk, created_at, retire_at FROM signing_keys \
                 WHERE retire_at IS NULL OR retire_at > $1 \
                 ORDER BY purpose, CASE WHEN retire_at IS NULL THEN 1 ELSE 0 END, created_at, kid",
                binds![now],
                key,
            )
        })
    }

    /// The keys of one purpose that are verified with, oldest first; the newest signs.
    pub fn signing_keys(&self, purpose: Purpose, now: Timestamp) -> Result<Vec<SigningKey>, RegistryError> {
        self.read(|snapshot| {
            snapshot.all(
                "SELECT kid, purpose, algorithm, pkcs8, public_jwk, created_at, retire_at FROM signing_keys \
                 WHERE purpose = $1 AND (retire_at IS NULL OR retire_at > $2) \
                 ORDER BY CASE WHEN retire_at IS NULL THEN 1 ELSE 0 END, created_at, kid",
                binds![purpose, now],
                key,
            )
        })
    }

    /// Keeps the first key of a purpose. False if there is a current one already, which then is to be used: of two
    /// processes that start at once, one makes the key.
    pub fn create_first_key(&self, new: &NewKey, act: &Act<'_>) -> Result<bool, RegistryError> {
        self.write(|tx| {
            let current = "SELECT kid FROM signing_keys WHERE purpose = $1 AND retire_at IS NULL";
            if tx.any(current, binds![new.purpose])? {
                return Ok(false);
            }
            insert(tx, new, act)?;
            Ok(true)
        })
    }

    /// Makes a new key the current one. Those before it are verified with until `retire_at`, which the caller
    /// chooses after everything that they have signed.
    pub fn rotate_key(&self, new: &NewKey, retire_at: Timestamp, act: &Act<'_>) -> Result<(), RegistryError> {
        self.write(|tx| {
            tx.execute(
                "UPDATE signing_keys SET retire_at = $2 WHERE purpose = $1 AND retire_at IS NULL",
                binds![new.purpose, retire_at],
            )?;
            insert(tx, new, act)
        })
    }

    /// Removes a key that must not be trusted any more, with everything that it has signed. If it was the current one
    /// of its purpose, `successor` makes the next, in the same change: something always signs.
    pub fn end_key(
        &self,
        kid: &str,
        act: &Act<'_>,
        successor: impl FnOnce(Purpose) -> NewKey,
    ) -> Result<KeyEnd, RegistryError> {
        self.write(|tx| {
            let gone = tx.one(
                "DELETE FROM signing_keys WHERE kid = $1 RETURNING purpose, retire_at",
                binds![kid],
                |row| Ok((row.get::<Purpose>("purpose")?, row.get::<Option<Timestamp>>("retire_at")?)),
            )?;
            let Some((purpose, retire_at)) = gone else { return Ok(KeyEnd::Unknown) };
            outbox::announce(tx, act.at, &Ended::Key(kid.to_owned()), Cause::Revoked)?;
            audit::append(tx, act, &Entry { note: Some(kid), ..Entry::of(Event::KeyEnded) })?;
            if retire_at.is_some() {
                return Ok(KeyEnd::Done { successor: None });
            }
            let new = successor(purpose);
            insert(tx, &new, act)?;
            Ok(KeyEnd::Done { successor: Some(new.kid) })
        })
    }
}

fn insert(tx: &Tx<'_>, new: &NewKey, act: &Act<'_>) -> Result<(), RegistryError> {
    tx.execute(
        "INSERT INTO signing_keys (kid, purpose, algorithm, pkcs8, public_jwk, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6)",
        binds![&new.kid, new.purpose, &new.algorithm, &new.pkcs8, &new.public_jwk, act.at],
    )?;
    audit::append(tx, act, &Entry { note: Some(&new.kid), ..Entry::of(Event::KeyCreated) })
}

fn key(row: &Row<'_, '_>) -> Result<SigningKey, RegistryError> {
    Ok(SigningKey {
        kid: row.get("kid")?,
        purpose: row.get("purpose")?,
        algorithm: row.get("algorithm")?,
        pkcs8: row.get("pkcs8")?,
        public_jwk: row.get("public_jwk")?,
        created_at: row.get("created_at")?,
        retire_at: row.get("retire_at")?,
    })
}
