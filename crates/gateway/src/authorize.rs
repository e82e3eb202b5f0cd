//! Authorize: whether a token's scopes reach for a service and method. The service itself checks the detail.

use vestibule_oauth::scope::ScopeSet;

/// What a caller holds, as the route table compares it. Every service requires `Scopes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Clearance {
    None,
    Scopes,
}

impl Clearance {
    /// Of a token with these scopes, where all of those are needed. Whole scopes count: `orders` is no part of
    /// `orders:read`.
    pub(crate) fn of(held: &ScopeSet, needed: &ScopeSet) -> Self {
        if needed.is_subset(held) { Self::Scopes } else { Self::None }
    }
}

#[cfg(test)]
mod tests;
