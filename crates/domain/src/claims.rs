//! What the IDP says of a user beside his identity: name, locale, mail address, roles. Apps see the claims that they
//! are listed for.
//! Must not know what a claim means.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ascii_json::{self, AsciiJson};

/// Most bytes of the claims of one user.
pub const CLAIMS_BYTES_MAX: usize = 4 * 1024;

/// The claims that the identity provider may have of a user.
pub const NAMES: [&str; 5] = ["name", "locale", "email", "email_verified", "roles"];

/// The claims of one user.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Claims(BTreeMap<Box<str>, AsciiJson>);

/// The text is no set of claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed claims")]
pub struct MalformedClaims;

impl Claims {
    /// Reads a JSON object whose names are printable and need no escapes.
    pub fn parse(json: &str) -> Result<Self, MalformedClaims> {
        if json.len() > CLAIMS_BYTES_MAX {
            return Err(MalformedClaims);
        }
        let members = ascii_json::strict_members(json.as_bytes()).ok_or(MalformedClaims)?;
        let plain = |name: &str| name.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\".contains(&byte));
        if !members.keys().all(|name| plain(name)) {
            return Err(MalformedClaims);
        }
        Ok(Self(members.iter().map(|(name, value)| (name.as_str().into(), AsciiJson::of(value))).collect()))
    }

    /// The claims of these names, as one JSON object of printable ASCII.
    pub fn render<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> String {
        ascii_json::object(names.into_iter().filter_map(|name| Some((name, self.0.get(name)?))))
    }
}

#[cfg(test)]
mod tests;
