//! Which scopes a token gets: a function of client, user and standing, decided here and nowhere else; and how scopes
//! of this house are spelled.
//! Must not know tokens or where clients and users are kept.

use vestibule_oauth::scope::{Scope, ScopeSet};

use crate::standing::Standing;

/// Scopes that OpenID Connect Core 5.4 and 11 define. They are spelled as they are, and they open no service, so a
/// user needs no right to them.
pub const OPENID: [&str; 6] = ["openid", "profile", "email", "address", "phone", "offline_access"];

/// What is wrong with the scopes of a client or a user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScopeFault {
    /// Not `resource:action` or `domain.resource:action` in small letters.
    #[error("{0}: write resource:action or domain.resource:action in small letters")]
    Grammar(Scope),
    /// A higher standing lacks what a lower one has.
    #[error("{scope}: given when {lower} but not when {higher}")]
    Lost {
        /// The scope.
        scope: Scope,
        /// Where it is given.
        lower: Standing,
        /// Where it is missing.
        higher: Standing,
    },
}

/// Whether a scope is spelled as scopes of this house are, or is one of OpenID Connect.
pub fn check_grammar(scope: &Scope) -> Result<(), ScopeFault> {
    if OPENID.contains(&scope.as_str()) || is_ours(scope.as_str()) {
        Ok(())
    } else {
        Err(ScopeFault::Grammar(scope.clone()))
    }
}

fn is_ours(text: &str) -> bool {
    let Some((resource, action)) = text.split_once(':') else { return false };
    let resource =
        resource.split_once('.').map_or([resource, resource], |(domain, resource)| [domain, resource]);
    resource.into_iter().all(is_word) && is_word(action)
}

/// A small letter, then small letters, digits, `-` and `_`.
fn is_word(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
}

/// The scopes of a client that acts for visitors, one set for each standing. Each holds the one below.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ByStanding {
    anonymous: ScopeSet,
    returning: ScopeSet,
    logged_on: ScopeSet,
}

impl ByStanding {
    /// Takes three sets that hold each other and are well spelled, or says everything that is wrong.
    pub fn new(
        anonymous: ScopeSet,
        returning: ScopeSet,
        logged_on: ScopeSet,
    ) -> Result<Self, Vec<ScopeFault>> {
        let all = anonymous.union(&returning).union(&logged_on);
        let mut faults: Vec<_> = all.iter().filter_map(|scope| check_grammar(scope).err()).collect();
        let sets = Self { anonymous, returning, logged_on };
        for pair in Standing::ALL.windows(2) {
            let (lower, higher) = (pair[0], pair[1]);
            let lost = sets.of(lower).iter().filter(|scope| !sets.of(higher).contains(scope.as_str()));
            faults.extend(lost.map(|scope| ScopeFault::Lost { scope: scope.clone(), lower, higher }));
        }
        if faults.is_empty() { Ok(sets) } else { Err(faults) }
    }

    /// The set of one standing.
    pub fn of(&self, standing: Standing) -> &ScopeSet {
        match standing {
            Standing::Anonymous => &self.anonymous,
            Standing::Returning => &self.returning,
            Standing::LoggedOn => &self.logged_on,
        }
    }
}

/// For whom a token is.
#[derive(Debug, Clone, Copy)]
pub enum Bearer<'a> {
    /// A client on its own behalf, without a user: it has no standing.
    Client {
        /// Its own scopes.
        own: &'a ScopeSet,
    },
    /// A visitor without a user.
    Visitor {
        /// The client's scopes.
        client: &'a ByStanding,
        /// Whether something is kept for the visitor.
        returning: bool,
    },
    /// A user.
    User {
        /// The client's scopes.
        client: &'a ByStanding,
        /// The user's own scopes.
        user: &'a ScopeSet,
        /// What every user has.
        everyone: &'a ScopeSet,
        /// What the user has consented to; `None` for a first party, which needs no consent.
        consented: Option<&'a ScopeSet>,
    },
}

/// The scopes of a token. `requested` is `None` where the caller named none and gets what it may have.
pub fn effective(bearer: &Bearer<'_>, requested: Option<&ScopeSet>) -> ScopeSet {
    let held = match bearer {
        Bearer::Client { own } => (*own).clone(),
        Bearer::Visitor { client, returning: false } => client.of(Standing::Anonymous).clone(),
        Bearer::Visitor { client, returning: true } => client.of(Standing::Returning).clone(),
        Bearer::User { client, user, everyone, consented } => {
            let rights = user.union(everyone);
            let may = |scope: &&Scope| OPENID.contains(&scope.as_str()) || rights.contains(scope.as_str());
            let held: ScopeSet = client.of(Standing::LoggedOn).iter().filter(may).cloned().collect();
            consented.map_or_else(|| held.clone(), |consented| held.intersection(consented))
        }
    };
    requested.map_or_else(|| held.clone(), |requested| held.intersection(requested))
}

#[cfg(test)]
mod tests;
