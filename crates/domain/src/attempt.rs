//! Log-ins under way: the values that tie each to one browser, the record kept meanwhile, and where it returns to.
//! The value stays in the cookie; its hash travels as OAuth's `state` (RFC 6749 10.12), and the hash of that is the
//! store's key, so neither the store nor the address bar holds what redeems an attempt.

mod return_target;

use std::fmt;
use std::time::Duration;

use aws_lc_rs::constant_time;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use vestibule_oauth::pkce::Verifier;

use crate::digest::sha256;
use crate::encoding::{self, Corrupt};
use crate::identity::{RANDOM_BYTES, SiteId, Timestamp};

pub use return_target::{RETURN_TARGET_BYTES_MAX, ReturnTarget};

/// How long a log-in may take.
pub const ATTEMPT_LIFE: Duration = Duration::from_mins(15);

/// How many log-ins one browser may have under way; a new one takes the place of the oldest.
pub const TRIES_MAX: usize = 5;

/// Random, one for each log-in, known to the browser alone.
#[derive(Clone)]
pub struct TryValue(Box<str>);

impl TryValue {
    /// A new one from bytes that nobody can predict.
    pub fn from_random(bytes: &[u8; RANDOM_BYTES]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(bytes).into())
    }

    fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        (bytes.len() == RANDOM_BYTES).then(|| Self(text.into()))
    }

    /// What may be seen in the address bar.
    pub fn state(&self) -> State {
        State(URL_SAFE_NO_PAD.encode(sha256(self.0.as_bytes())).into())
    }
}

impl fmt::Debug for TryValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TryValue(..)")
    }
}

/// OAuth's `state` of a log-in: 43 characters of base64url.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State(Box<str>);

impl State {
    /// Takes a `state` that came back, if it can be one of ours.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        (bytes.len() == 32).then(|| Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the attempt is kept under.
    pub fn key(&self) -> [u8; 32] {
        sha256(self.0.as_bytes())
    }
}

/// The log-ins under way in one browser, oldest first: the value of `__Host-vst-try`.
#[derive(Debug, Clone, Default)]
pub struct Tries(Vec<TryValue>);

impl Tries {
    /// Reads what [`expose`](Self::expose) gives.
    pub fn parse(value: &[u8]) -> Option<Self> {
        let text = str::from_utf8(value).ok()?;
        let values: Vec<_> =
            text.split('.').take(TRIES_MAX + 1).map(TryValue::parse).collect::<Option<_>>()?;
        (values.len() <= TRIES_MAX).then_some(Self(values))
    }

    /// The cookie's value; empty where there is none under way.
    pub fn expose(&self) -> String {
        self.0.iter().map(|value| &*value.0).collect::<Vec<_>>().join(".")
    }

    /// Whether none is under way.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds one, in place of the oldest where there are too many.
    pub fn push(&mut self, value: TryValue) {
        if self.0.len() >= TRIES_MAX {
            self.0.remove(0);
        }
        self.0.push(value);
    }

    /// Removes the one that this `state` belongs to. `false` if this browser did not begin it.
    pub fn take(&mut self, state: &State) -> bool {
        let is_of = |value: &TryValue| {
            constant_time::verify_slices_are_equal(value.state().0.as_bytes(), state.0.as_bytes()).is_ok()
        };
        let count = self.0.len();
        self.0.retain(|value| !is_of(value));
        self.0.len() < count
    }
}

/// What is kept of a log-in until it comes back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Attempt {
    /// The site that began it.
    pub site: SiteId,
    /// PKCE's secret (RFC 7636 4.1).
    #[serde(with = "verifier_text")]
    pub verifier: Verifier,
    /// What the ID token must repeat.
    pub nonce: String,
    /// Where the visitor wanted to go.
    pub target: ReturnTarget,
    /// Whether an app asked for it.
    pub asked: bool,
    /// Whether it takes the place of one that came back to a browser which had not begun it.
    pub restarted: bool,
    /// When it began.
    pub begun_at: Timestamp,
}

impl Attempt {
    /// From here on it redeems nothing.
    pub fn expires_at(&self) -> Timestamp {
        self.begun_at + ATTEMPT_LIFE
    }

    /// As bytes for a store.
    pub fn encode(&self) -> Vec<u8> {
        encoding::encode(self)
    }

    /// From a store's bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, Corrupt> {
        encoding::decode(bytes)
    }
}

/// What becomes of a callback.
#[derive(Debug, Clone)]
pub enum Callback {
    /// Its code is redeemed.
    Redeem(Box<Attempt>),
    /// This browser did not begin it: nothing is redeemed, and a new log-in begins for the same target.
    Restart(ReturnTarget),
    /// There is nothing to redeem, or a second restart would be a loop.
    Refuse,
}

/// Decides about a callback, given whether the browser held its value and what the store had under its key.
pub fn callback(begun_here: bool, site: &SiteId, taken: Option<Attempt>, now: Timestamp) -> Callback {
    match taken {
        Some(attempt) if attempt.site != *site || now >= attempt.expires_at() => Callback::Refuse,
        Some(attempt) if begun_here => Callback::Redeem(Box::new(attempt)),
        Some(attempt) if !attempt.restarted => Callback::Restart(attempt.target),
        _ => Callback::Refuse,
    }
}

/// The verifier as its text: the attempt's record is one of its two places.
mod verifier_text {
    use serde::{Deserialize, Deserializer, Serializer, de};
    use vestibule_oauth::pkce::Verifier;

    pub(super) fn serialize<S: Serializer>(verifier: &Verifier, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(verifier.expose())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Verifier, D::Error> {
        Verifier::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
