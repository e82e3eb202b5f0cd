//! Scopes: the tokens of RFC 6749 3.3 and sets of them, compared whole and by exact text.
//! Must not know what a scope allows or what names a house likes.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Serialize, Serializer};

/// Longest scope token, in bytes.
pub const SCOPE_BYTES_MAX: usize = 128;

/// Most scope tokens in one parameter.
pub const SCOPES_MAX: usize = 64;

/// Why a text is no set of scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ScopeRefused {
    /// Empty, doubled or foreign white space, or a character that scopes cannot have.
    #[error("malformed scope")]
    Malformed,
    /// A token over [`SCOPE_BYTES_MAX`].
    #[error("a scope is too long")]
    TooLong,
    /// More than [`SCOPES_MAX`] tokens.
    #[error("too many scopes")]
    TooMany,
    /// The same token twice.
    #[error("a scope is repeated")]
    Repeated,
}

/// One scope, for example `orders:read`. `orders` is another scope, not a part of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope(Box<str>);

impl Scope {
    /// RFC 6749 3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
    pub fn parse(text: &str) -> Result<Self, ScopeRefused> {
        if text.len() > SCOPE_BYTES_MAX {
            return Err(ScopeRefused::TooLong);
        }
        let fits = text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'));
        if fits && !text.is_empty() { Ok(Self(text.into())) } else { Err(ScopeRefused::Malformed) }
    }

    /// The text of the token.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A set of scopes. Prints sorted by text, so that equal sets have equal texts.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScopeSet(BTreeSet<Scope>);

impl ScopeSet {
    /// RFC 6749 3.3: scope = scope-token *( SP scope-token )
    pub fn parse(text: &str) -> Result<Self, ScopeRefused> {
        let mut scopes = BTreeSet::new();
        for token in text.split(' ') {
            if scopes.len() == SCOPES_MAX {
                return Err(ScopeRefused::TooMany);
            }
            if !scopes.insert(Scope::parse(token)?) {
                return Err(ScopeRefused::Repeated);
            }
        }
        Ok(Self(scopes))
    }

    /// Whether the set holds this exact token.
    pub fn contains(&self, scope: &str) -> bool {
        self.0.iter().any(|held| held.as_str() == scope)
    }

    /// Whether every scope of this set is in the other.
    pub fn is_subset(&self, other: &Self) -> bool {
        self.0.is_subset(&other.0)
    }

    /// What both sets hold.
    pub fn intersection(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).cloned().collect())
    }

    /// What either set holds. May pass [`SCOPES_MAX`], which binds only what callers send.
    pub fn union(&self, other: &Self) -> Self {
        Self(self.0.union(&other.0).cloned().collect())
    }

    /// The scopes, sorted by text.
    pub fn iter(&self) -> impl Iterator<Item = &Scope> {
        self.0.iter()
    }

    /// Whether the set holds nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Number of scopes.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl FromIterator<Scope> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().collect())
    }
}

impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, scope) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            f.write_str(scope.as_str())?;
        }
        Ok(())
    }
}

/// As the `scope` member of JSON documents: one text with spaces (RFC 7662 2.2, RFC 9068 2.2.3).
impl Serialize for ScopeSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests;
