//! Who and what a record is about, as types that cannot be mixed up, and the secrets that open it.
//! Random bytes are parameters. Must not know where any of these is stored or sent.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::constant_time;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use vestibule_oauth::token::GrantToken;

use crate::digest::sha256;

pub use crate::time::Timestamp;

/// Random bytes of a handle, a visitor or a secret: 128 bits.
pub const RANDOM_BYTES: usize = 16;

/// Characters of the same in base64url without padding.
pub const RANDOM_CHARS: usize = 22;

/// Longest text of a user, a site, an app or a sign-on session, in bytes.
pub const TEXT_BYTES_MAX: usize = 64;

/// The text is none of the kind asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed identity")]
pub struct Malformed;

macro_rules! random_name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; RANDOM_BYTES]);

        impl $name {
            /// From bytes that nobody can predict, or that were read back.
            pub const fn from_bytes(bytes: [u8; RANDOM_BYTES]) -> Self {
                Self(bytes)
            }

            /// The bytes.
            pub const fn as_bytes(&self) -> &[u8; RANDOM_BYTES] {
                &self.0
            }
        }

        /// 22 characters of base64url.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        /// Takes what `Display` prints and nothing else.
        impl FromStr for $name {
            type Err = Malformed;

            fn from_str(text: &str) -> Result<Self, Malformed> {
                decode(text.as_bytes()).map(Self)
            }
        }

        /// Text for readers of text, bytes for the rest.
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    self.0.serialize(serializer)
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
                } else {
                    <[u8; RANDOM_BYTES]>::deserialize(deserializer).map(Self)
                }
            }
        }
    };
}

random_name! {
    /// The name of a session: the store's key, `x-context-session` and `sid`. Stable for the record's life and
    /// harmless to print.
    Handle
}
random_name! {
    /// The visitor of one session on one site. New after a log-out.
    VisitorId
}
random_name! {
    /// One process of ours, new at each start.
    NodeId
}

macro_rules! text_name {
    ($(#[$doc:meta])* $name:ident, $byte_allowed:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Box<str>);

        impl $name {
            /// Takes a text of 1 to [`TEXT_BYTES_MAX`] allowed characters.
            pub fn parse(text: &str) -> Result<Self, Malformed> {
                let fits = !text.is_empty() && text.len() <= TEXT_BYTES_MAX && text.bytes().all($byte_allowed);
                if fits { Ok(Self(text.into())) } else { Err(Malformed) }
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = Malformed;

            fn from_str(text: &str) -> Result<Self, Malformed> {
                Self::parse(text)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
            }
        }
    };
}

text_name! {
    /// A user, opaque. Without a colon, so that no user's `sub` reads like a visitor's.
    UserId, |byte| byte.is_ascii_graphic() && byte != b':'
}
text_name! {
    /// The name that the configuration gives to a site.
    SiteId, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}
text_name! {
    /// The name that the configuration gives to a web app.
    AppId, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}
text_name! {
    /// The IDP's session of a browser, as the IDP names it to others.
    SignOnId, |byte| byte.is_ascii_graphic()
}

macro_rules! from_random {
    ($($name:ident),+) => {$(
        impl $name {
            /// A new one from bytes that nobody can predict.
            pub fn from_random(bytes: &[u8; RANDOM_BYTES]) -> Self {
                Self(URL_SAFE_NO_PAD.encode(bytes).into())
            }
        }
    )+};
}

from_random!(UserId, SignOnId);

/// Counts the falls of a session, or the ends of a user: what carries an older epoch is dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(u32);

impl Epoch {
    /// Before anything has ended.
    pub const FIRST: Self = Self(1);

    /// After which none begins.
    pub const LAST: Self = Self(u32::MAX);

    /// An epoch that was read back.
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The one that begins when this one ends.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// The random half of a session cookie. Whoever shows it is the browser that got it.
#[derive(Clone)]
pub struct SessionSecret([u8; RANDOM_BYTES]);

impl SessionSecret {
    /// A new one from bytes that nobody can predict.
    pub const fn from_bytes(bytes: [u8; RANDOM_BYTES]) -> Self {
        Self(bytes)
    }

    /// Takes what [`expose`](Self::expose) gave and nothing else.
    pub fn parse(text: &[u8]) -> Result<Self, Malformed> {
        decode(text).map(Self)
    }

    /// The secret itself, as 22 characters of base64url: only for the cookie.
    pub fn expose(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// What may be stored.
    pub fn digest(&self) -> SecretDigest {
        SecretDigest(sha256(&self.0))
    }
}

impl fmt::Debug for SessionSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionSecret(..)")
    }
}

/// SHA-256 of a session secret.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretDigest([u8; 32]);

impl SecretDigest {
    /// Whether this is the digest of that secret. In constant time.
    pub fn matches(&self, secret: &SessionSecret) -> bool {
        *self == secret.digest()
    }
}

/// In constant time.
impl PartialEq for SecretDigest {
    fn eq(&self, other: &Self) -> bool {
        constant_time::verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl Eq for SecretDigest {}

impl fmt::Debug for SecretDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretDigest(..)")
    }
}

/// SHA-256 of a log-on's grant: what the IDP keeps of it. Names the grant and opens nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct GrantDigest([u8; 32]);

impl GrantDigest {
    /// Of this grant.
    pub fn of(grant: &GrantToken) -> Self {
        Self(grant.digest())
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// 43 characters of base64url.
impl fmt::Display for GrantDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for GrantDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GrantDigest({self})")
    }
}

/// Text for readers of text, bytes for the rest.
impl Serialize for GrantDigest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for GrantDigest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return <[u8; 32]>::deserialize(deserializer).map(Self);
        }
        let text = String::deserialize(deserializer)?;
        let mut bytes = [0; 32];
        match URL_SAFE_NO_PAD.decode_slice(&text, &mut bytes) {
            Ok(32) => Ok(Self(bytes)),
            _ => Err(de::Error::custom(Malformed)),
        }
    }
}

/// Canonical base64url of exactly [`RANDOM_BYTES`]: no padding, no white space, no stray bits in the last character.
fn decode(text: &[u8]) -> Result<[u8; RANDOM_BYTES], Malformed> {
    if text.len() != RANDOM_CHARS {
        return Err(Malformed);
    }
    let mut bytes = [0; RANDOM_BYTES];
    match URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) {
        Ok(RANDOM_BYTES) => Ok(bytes),
        _ => Err(Malformed),
    }
}

#[cfg(test)]
mod tests;
