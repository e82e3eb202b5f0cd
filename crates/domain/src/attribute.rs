//! Attributes: what web apps keep in a session, and who may read and write which.
//! Must not know sessions or how a patch is merged.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::ascii_json::AsciiJson;
use crate::identity::AppId;

/// Longest name of an attribute, in bytes.
pub const NAME_BYTES_MAX: usize = 64;

/// Most that all attributes of a session take, names included, in bytes.
pub const SESSION_BYTES_MAX: usize = 16 * 1024;

/// Most that one app is shown: the length of its JSON, in bytes.
pub const READ_BYTES_MAX: usize = 4 * 1024;

/// Names that mean something in tokens, or that a reader would take for ours. No attribute has them, so no app can
/// write them.
pub const RESERVED: [&str; 46] = [
    "acr",
    "act",
    "amr",
    "at_hash",
    "aud",
    "auth_time",
    "authenticated_at",
    "azp",
    "c_hash",
    "claims",
    "client_id",
    "cnf",
    "email",
    "email_verified",
    "entitlements",
    "ep",
    "exp",
    "grant",
    "groups",
    "handle",
    "iat",
    "iss",
    "jti",
    "level",
    "may_act",
    "nbf",
    "nonce",
    "password",
    "permissions",
    "remembered_user",
    "role",
    "roles",
    "scope",
    "scopes",
    "secret",
    "session",
    "sid",
    "sign_on",
    "site",
    "standing",
    "sub",
    "token",
    "typ",
    "user",
    "user_id",
    "visitor",
];

/// The name of an attribute: a small letter, then small letters, digits, `_`, `-` and `.`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct AttributeName(Box<str>);

/// Why a text names no attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameRefused {
    /// Empty, too long, or with other characters.
    #[error("not a name for an attribute")]
    Malformed,
    /// One of [`RESERVED`].
    #[error("a reserved name")]
    Reserved,
}

impl AttributeName {
    /// Takes a name that apps may use.
    pub fn parse(text: &str) -> Result<Self, NameRefused> {
        if !has_form(text) {
            return Err(NameRefused::Malformed);
        }
        if RESERVED.contains(&text) {
            return Err(NameRefused::Reserved);
        }
        Ok(Self(text.into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AttributeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// By form only: a session is not lost because a later release reserves a name that it holds.
impl<'de> Deserialize<'de> for AttributeName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<str>::deserialize(deserializer)?;
        if has_form(&text) { Ok(Self(text)) } else { Err(de::Error::custom(NameRefused::Malformed)) }
    }
}

fn has_form(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-.".contains(&byte);
    text.len() <= NAME_BYTES_MAX
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(inner)
}

/// One value in a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attribute {
    /// What the app wrote.
    pub(crate) value: AsciiJson,
    /// Written while logged-on and not declared to survive: goes when the session steps down.
    pub(crate) private: bool,
}

/// How an attribute was declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Declared {
    /// Whether it stays when a log-on ends, even if it was written during it.
    pub survives: bool,
    /// Most bytes of its JSON.
    pub bytes_max: usize,
}

/// What an app may do with attributes. By default nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rights {
    /// What it is shown.
    pub reads: BTreeSet<AttributeName>,
    /// What it may set and delete.
    pub writes: BTreeSet<AttributeName>,
}

/// All attributes and apps of a site.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalogue {
    declared: BTreeMap<AttributeName, Declared>,
    apps: BTreeMap<AppId, Rights>,
}

/// A declaration that cannot be kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CatalogueFault {
    /// More than a session may hold, or nothing.
    #[error("attribute {0}: max_bytes must be between 1 and {SESSION_BYTES_MAX}")]
    Size(AttributeName),
    /// An app names an attribute that nobody declared.
    #[error("app {0}: attribute {1} is not declared")]
    Undeclared(AppId, AttributeName),
}

impl Catalogue {
    /// Puts declarations together, or lists everything that is wrong with them.
    pub fn new(
        declared: BTreeMap<AttributeName, Declared>,
        apps: BTreeMap<AppId, Rights>,
    ) -> Result<Self, Vec<CatalogueFault>> {
        let sizes = declared.iter().filter(|(_, it)| !(1..=SESSION_BYTES_MAX).contains(&it.bytes_max));
        let mut faults: Vec<_> = sizes.map(|(name, _)| CatalogueFault::Size(name.clone())).collect();
        for (app, rights) in &apps {
            let unknown = rights.reads.union(&rights.writes).filter(|name| !declared.contains_key(*name));
            faults.extend(unknown.map(|name| CatalogueFault::Undeclared(app.clone(), name.clone())));
        }
        if faults.is_empty() { Ok(Self { declared, apps }) } else { Err(faults) }
    }

    /// What an app may do; `None` for one that was never declared, which may do nothing.
    pub fn rights(&self, app: &AppId) -> Option<&Rights> {
        self.apps.get(app)
    }

    pub(crate) fn declared(&self, name: &AttributeName) -> Option<&Declared> {
        self.declared.get(name)
    }

    /// The apps that are shown this attribute.
    pub(crate) fn readers(&self, name: &AttributeName) -> impl Iterator<Item = (&AppId, &Rights)> {
        self.apps.iter().filter(|(_, rights)| rights.reads.contains(name))
    }
}

/// What these attributes take in a session.
pub(crate) fn stored_bytes(attributes: &BTreeMap<AttributeName, Attribute>) -> usize {
    attributes.iter().map(|(name, attribute)| member_bytes(name, &attribute.value)).sum()
}

/// What an app with these rights would be shown at most: the length of its JSON where nothing is hidden.
pub(crate) fn shown_bytes(attributes: &BTreeMap<AttributeName, Attribute>, rights: &Rights) -> usize {
    let read = rights.reads.iter().filter_map(|name| Some(member_bytes(name, &attributes.get(name)?.value)));
    // Two braces, and a comma after each but the last.
    let members = read.map(|member| member + 1).sum::<usize>();
    2 + members.saturating_sub(1)
}

/// `"name":value`
fn member_bytes(name: &AttributeName, value: &AsciiJson) -> usize {
    name.as_str().len() + value.as_str().len() + 3
}

#[cfg(test)]
mod tests;
