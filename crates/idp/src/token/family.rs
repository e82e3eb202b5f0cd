//! How long a family of tokens goes on and what its tokens are worth meanwhile. Pure, over `domain::refresh`.

use std::time::Duration;

use vestibule_domain::identity::Timestamp;
use vestibule_domain::limits::Limits;
use vestibule_domain::refresh::{self, Party, THIRD_PARTY_LIFE};
use vestibule_domain::standing::Standing;
use vestibule_oauth::scope::ScopeSet;
use vestibule_registry::client::Client;
use vestibule_registry::family::{Family, Holder, Terms};
use vestibule_registry::user::User;

use crate::bearer::{Bearer, Whom};

/// What a family's rules depend on beside the family.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    pub(super) limits: Limits,
    pub(super) access_life: Duration,
    pub(super) everyone: ScopeSet,
}

/// The family as its rules see it.
pub(super) fn as_ruled(client: &Client, family: &Family, holder: &Holder, user: &User) -> refresh::Family {
    refresh::Family {
        party: party(client),
        born_at: family.born_at,
        auth_time: holder.auth_time,
        rotated_at: family.rotated_at,
        ended: user.disabled_at.is_some(),
    }
}

/// Whose families the client's are.
pub(super) fn party(client: &Client) -> Party {
    if client.first_party {
        Party::First { returns: !client.scopes.of(Standing::Returning).is_empty() }
    } else {
        Party::Third { life: THIRD_PARTY_LIFE }
    }
}

impl Rules {
    /// When a family is over that has no further refresh after `now`.
    pub(super) fn family_ends_at(&self, family: &refresh::Family, now: Timestamp) -> Timestamp {
        let log_on_ends_at = family.auth_time + self.limits.log_on;
        match family.party {
            Party::Third { life } => family.born_at + life,
            Party::First { returns: false } => log_on_ends_at,
            Party::First { returns: true } => {
                let slid = (now + self.limits.returning).min(family.born_at + self.limits.ceiling);
                slid.max(log_on_ends_at)
            }
        }
    }

    /// What an access token is worth that is issued now. One for a user does not outlive his log-on.
    pub(super) fn terms(
        &self,
        bearer: &Bearer,
        requested: &ScopeSet,
        family: &refresh::Family,
        now: Timestamp,
    ) -> Terms {
        let standing = bearer.standing();
        let ends_at = match (family.party, standing) {
            (Party::First { .. }, Some(Standing::LoggedOn)) => family.auth_time + self.limits.log_on,
            _ => self.family_ends_at(family, now),
        };
        let expires_at = (now + self.access_life).min(ends_at);
        Terms { scopes: bearer.scopes(&self.everyone, Some(requested)), standing, expires_at }
    }
}

/// Whom the tokens of a family are about while it has this standing.
pub(super) fn bearer(client: Client, standing: Standing, holder: &Holder, user: &User) -> Bearer {
    let whom = match standing {
        Standing::LoggedOn => Whom::LoggedOn {
            user: Box::new(user.clone()),
            visitor: holder.visitor,
            auth_time: holder.auth_time,
            level: holder.level,
        },
        // A remembered user is in no token.
        Standing::Returning | Standing::Anonymous => Whom::Returning(holder.visitor),
    };
    Bearer { client, whom, session: None }
}
