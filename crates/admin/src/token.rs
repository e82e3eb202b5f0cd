//! The token of the administrator: random, in a file that its owner alone can read, known to the server by its hash.
//! Must not know the file.

use std::fmt;

use aws_lc_rs::constant_time;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use vestibule_domain::digest::sha256;

/// Random bytes of a token: 256 bits, so that nobody has to count wrong guesses.
pub const TOKEN_RANDOM_BYTES: usize = 32;

/// Characters of the same in base64url.
const TOKEN_CHARS: usize = 43;

/// The text is no token of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an admin token: it has {TOKEN_CHARS} characters of base64url")]
pub struct Malformed;

/// The token itself.
#[derive(Clone)]
pub struct AdminToken(Box<str>);

impl AdminToken {
    /// A new one from bytes that nobody can predict.
    pub fn from_random(bytes: &[u8; TOKEN_RANDOM_BYTES]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(bytes).into())
    }

    /// From the text of its file; white space around it is an editor's.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let text = text.trim();
        let is_base64url = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let fits = text.len() == TOKEN_CHARS && text.bytes().all(is_base64url);
        if fits { Ok(Self(text.into())) } else { Err(Malformed) }
    }

    /// The token: only for its file and for `Authorization: Bearer`.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What the server keeps.
    pub fn digest(&self) -> TokenDigest {
        TokenDigest(sha256(self.0.as_bytes()))
    }
}

impl fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminToken(..)")
    }
}

/// SHA-256 of the token's text.
#[derive(Clone)]
pub struct TokenDigest([u8; 32]);

impl TokenDigest {
    /// Whether a token with this hash is the one. In constant time.
    pub(crate) fn is(&self, sha256: &[u8; 32]) -> bool {
        constant_time::verify_slices_are_equal(&self.0, sha256).is_ok()
    }
}

impl fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenDigest(..)")
    }
}

#[cfg(test)]
mod tests;
