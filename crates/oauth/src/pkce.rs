//! Proof key for code exchange, S256 only: `plain` and absence have no value here, so neither can be chosen.
//! RFC 7636.

use std::fmt;

use aws_lc_rs::constant_time;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::token::{Malformed, RANDOM_BYTES, sha256};

/// Fewest and most characters of a verifier (RFC 7636 4.1).
pub const VERIFIER_CHARS: std::ops::RangeInclusive<usize> = 43..=128;

/// The secret of the party that asked for a code, shown when the code is redeemed.
#[derive(Clone)]
pub struct Verifier(Box<str>);

impl Verifier {
    /// RFC 7636 4.1: code-verifier = 43*128unreserved
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
        let fits = VERIFIER_CHARS.contains(&text.len()) && text.bytes().all(unreserved);
        if fits { Ok(Self(text.into())) } else { Err(Malformed) }
    }

    /// A new one from random bytes: 43 characters of base64url.
    pub fn from_random(bytes: &[u8; RANDOM_BYTES]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(bytes).into())
    }

    /// What may be told about it beforehand.
    pub fn challenge(&self) -> CodeChallenge {
        // RFC 7636 4.2: BASE64URL-ENCODE(SHA256(ASCII(code_verifier)))
        CodeChallenge(sha256(self.0.as_bytes()))
    }

    /// The secret itself: only for the token request and the record of a log-in attempt.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verifier(..)")
    }
}

impl PartialEq for Verifier {
    fn eq(&self, other: &Self) -> bool {
        constant_time::verify_slices_are_equal(self.0.as_bytes(), other.0.as_bytes()).is_ok()
    }
}

impl Eq for Verifier {}

/// SHA-256 of a verifier, as kept with the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeChallenge([u8; 32]);

impl CodeChallenge {
    /// Reads `code_challenge`: exactly the 43 characters that S256 yields, in canonical base64url.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| Malformed)?;
        bytes.try_into().map(Self).map_err(|_| Malformed)
    }

    /// For the row of the code.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether the verifier is the one behind this challenge, in constant time. None proves nothing.
    pub fn is_proved_by(&self, verifier: Option<&Verifier>) -> bool {
        // RFC 7636 4.6
        verifier.is_some_and(|verifier| {
            constant_time::verify_slices_are_equal(&verifier.challenge().0, &self.0).is_ok()
        })
    }
}

impl From<[u8; 32]> for CodeChallenge {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for CodeChallenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

#[cfg(test)]
mod tests;
