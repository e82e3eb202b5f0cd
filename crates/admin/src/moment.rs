//! A time in documents: RFC 3339 in UTC, whole seconds, for people and programs alike.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use vestibule_domain::identity::Timestamp;

/// A time of day as documents show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(jiff::Timestamp);

impl From<Timestamp> for Moment {
    /// A time outside the years -9999 to 9999 is shown as the nearest one inside.
    fn from(at: Timestamp) -> Self {
        let (earliest, latest) = (jiff::Timestamp::MIN.as_second(), jiff::Timestamp::MAX.as_second());
        let secs = at.as_secs().clamp(earliest, latest);
        Self(jiff::Timestamp::from_second(secs).expect("clamped to the range of the type"))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map(Self).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
