//! What the keys of a store are called. No key holds a secret: handles are names, an attempt's key is a hash.

use vestibule_domain::identity::Handle;
use vestibule_ports::session_store::AttemptKey;

/// Names keys, all with one prefix.
#[derive(Debug, Clone)]
pub(crate) struct Keys(String);

impl Keys {
    /// Keys that begin with this and a colon.
    pub(crate) fn new(prefix: &str) -> Self {
        Self(prefix.to_owned())
    }

    /// The entry of a session.
    pub(crate) fn session(&self, handle: Handle) -> Vec<u8> {
        format!("{}:s:{handle}", self.0).into_bytes()
    }

    /// The sessions of a user: a hint, which the entries confirm.
    pub(crate) fn user(&self, user: &str) -> Vec<u8> {
        format!("{}:u:{user}", self.0).into_bytes()
    }

    /// A log-in attempt.
    pub(crate) fn attempt(&self, key: &AttemptKey) -> Vec<u8> {
        let mut text = format!("{}:a:", self.0);
        for byte in key {
            text.extend(
                [byte >> 4, byte & 0xf].map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)])),
            );
        }
        text.into_bytes()
    }

    /// The number of the format that all of this has.
    pub(crate) fn format(&self) -> Vec<u8> {
        format!("{}:format", self.0).into_bytes()
    }
}
