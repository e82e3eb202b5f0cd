//! What is known of a visitor, in three steps. The order is the meaning: more is known further up.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A visitor's standing. Never "state", which is a parameter of OAuth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Nothing is known and nothing is kept.
    #[default]
    Anonymous,
    /// Something is kept for this visitor, or a log-on has ended.
    Returning,
    /// The IDP has authenticated a user for this session.
    LoggedOn,
}

/// The text names no standing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a standing: anonymous, returning or logged-on")]
pub struct NoStanding;

impl Standing {
    /// Every standing, from the least to the most.
    pub const ALL: [Self; 3] = [Self::Anonymous, Self::Returning, Self::LoggedOn];

    /// The word in headers and configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::Returning => "returning",
            Self::LoggedOn => "logged-on",
        }
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Standing {
    type Err = NoStanding;

    fn from_str(text: &str) -> Result<Self, NoStanding> {
        Self::ALL.into_iter().find(|standing| standing.as_str() == text).ok_or(NoStanding)
    }
}

#[cfg(test)]
mod tests;
