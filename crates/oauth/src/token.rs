//! The credentials that travel, one type each, so that none can stand where another is meant.
//! None prints: `Debug` shows a stub, there is no `Display`, and `expose` is the only way out.
//! RFC 6749 1.4, 1.5 and appendix A; RFC 7519. Must not know where a token is stored or who may use it.

use std::fmt;

use aws_lc_rs::{constant_time, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Longest opaque credential taken from a caller, in bytes. Ours have 43.
pub const OPAQUE_BYTES_MAX: usize = 512;

/// Longest signed token taken from a caller, in bytes.
pub const SIGNED_BYTES_MAX: usize = 8 * 1024;

/// Shortest secret that a client may be given, in bytes: 128 random bits in hexadecimal. RFC 6749 10.10
pub const SECRET_BYTES_MIN: usize = 32;

/// Random bytes in a new opaque credential.
pub const RANDOM_BYTES: usize = 32;

/// Bytes in a refresh token: [`RANDOM_BYTES`] and what tells them from bytes that were never issued.
pub const REFRESH_BYTES: usize = 48;

/// The text cannot be a credential of this kind: empty, too long, or outside its grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed credential")]
pub struct Malformed;

macro_rules! stub_and_equality {
    ($name:ident) => {
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }

        /// In constant time for texts of one length.
        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                constant_time::verify_slices_are_equal(self.0.as_bytes(), other.0.as_bytes()).is_ok()
            }
        }

        impl Eq for $name {}
    };
}

macro_rules! credential {
    ($(#[$doc:meta])* $name:ident, $bytes_max:expr, $byte_allowed:expr) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(Box<str>);

        impl $name {
            /// Takes a text that a caller presented, if its form allows it to be one of these.
            pub fn parse(text: &str) -> Result<Self, Malformed> {
                let fits = !text.is_empty() && text.len() <= $bytes_max && text.bytes().all($byte_allowed);
                if fits { Ok(Self(text.into())) } else { Err(Malformed) }
            }

            /// The credential itself: only for the wire, never for a log.
            pub fn expose(&self) -> &str {
                &self.0
            }
        }

        stub_and_equality!($name);
    };
}

macro_rules! random {
    ($($name:ident),+) => {$(
        impl $name {
            /// A new one from random bytes: 43 characters of base64url.
            pub fn from_random(bytes: &[u8; RANDOM_BYTES]) -> Self {
                Self(URL_SAFE_NO_PAD.encode(bytes).into())
            }
        }
    )+};
}

macro_rules! digested {
    ($($name:ident),+) => {$(
        impl $name {
            /// SHA-256 of the text: what is kept at rest and what caches are keyed by.
            pub fn digest(&self) -> [u8; 32] {
                sha256(self.0.as_bytes())
            }
        }
    )+};
}

credential! {
    /// Opaque access token of a client outside (RFC 6749 1.4).
    AccessToken, OPAQUE_BYTES_MAX, is_vschar
}
credential! {
    /// Opaque refresh token (RFC 6749 1.5).
    RefreshToken, OPAQUE_BYTES_MAX, is_vschar
}
credential! {
    /// Authorization code (RFC 6749 4.1.2).
    Code, OPAQUE_BYTES_MAX, is_vschar
}
credential! {
    /// The opaque proof of a log-on that the proxy presents to get JPTs. Our own word, not an RFC's.
    GrantToken, OPAQUE_BYTES_MAX, is_vschar
}
credential! {
    /// Password of a confidential client (RFC 6749 2.3.1).
    ClientSecret, OPAQUE_BYTES_MAX, is_vschar
}
credential! {
    /// Signed token that services verify. Parsing checks its length and alphabet, not its signature.
    Jwt, SIGNED_BYTES_MAX, is_jws_byte
}
credential! {
    /// Signed token that a web app holds and only the gateway takes. Parsing does not check its signature.
    Jpt, SIGNED_BYTES_MAX, is_jws_byte
}
credential! {
    /// OpenID Connect ID token. Parsing does not check its signature.
    IdToken, SIGNED_BYTES_MAX, is_jws_byte
}

/// A token that came without saying what it is. Any text: what is none of ours is just not found.
#[derive(Clone)]
pub struct UnsortedToken(Box<str>);

impl UnsortedToken {
    /// Takes what the caller sent.
    pub fn of(text: &str) -> Self {
        Self(text.into())
    }

    /// As an access token, if its form allows.
    pub fn access_token(&self) -> Result<AccessToken, Malformed> {
        AccessToken::parse(&self.0)
    }

    /// As a refresh token, if its form allows.
    pub fn refresh_token(&self) -> Result<RefreshToken, Malformed> {
        RefreshToken::parse(&self.0)
    }
}

stub_and_equality!(UnsortedToken);
random!(AccessToken, Code, GrantToken, ClientSecret);
digested!(AccessToken, RefreshToken, Code, GrantToken, ClientSecret, Jpt);

impl ClientSecret {
    /// Whether it may be a client's: a shorter one could be guessed. What a caller presents may have any length.
    pub fn is_long_enough(&self) -> bool {
        self.0.len() >= SECRET_BYTES_MIN
    }
}

impl RefreshToken {
    /// The one of these bytes: 64 characters of base64url.
    pub fn from_bytes(bytes: &[u8; REFRESH_BYTES]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(bytes).into())
    }
}

/// RFC 6749 appendix A: VSCHAR, without the space, which no credential of ours and no sane foreign one has.
fn is_vschar(byte: u8) -> bool {
    byte.is_ascii_graphic()
}

/// RFC 7515 7.1: base64url and the dots between the parts.
fn is_jws_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

/// SHA-256, for everything in this crate that an RFC or the storage rule wants hashed.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    hash
}

#[cfg(test)]
mod tests;
