//! Something wrong with a configuration, told by its setting. Both faces that have routes speak of it so.

use std::fmt;

/// Where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The setting, such as `route[2].app`.
    pub at: String,
    /// What is wrong with it and what it should be.
    pub what: String,
}

impl Problem {
    /// With this setting.
    pub fn new(at: impl Into<String>, what: impl fmt::Display) -> Self {
        Self { at: at.into(), what: what.to_string() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.what)
    }
}
