//! The load phase of `mint` and `swap`: what is behind a claim to be somebody, read from the registry, if it lives.
//! Must not sign.

use vestibule_domain::identity::{Epoch, Handle, Timestamp, VisitorId};
use vestibule_registry::client::Client;
use vestibule_registry::credential::Digest;
use vestibule_registry::grant::{Grant, LogOn};
use vestibule_registry::{Registry, RegistryError};

use crate::bearer::{Bearer, Whom};

/// Somebody of whom a caller speaks.
#[derive(Debug, Clone)]
pub(super) enum Named {
    /// Everybody of whom nothing is known.
    Anonymous {
        /// The site's anonymous client.
        client: String,
    },
    /// A visitor.
    Returning {
        /// The site's log-on client.
        client: String,
        visitor: VisitorId,
        session: (Handle, Epoch),
    },
    /// A user, by his log-on.
    LoggedOn { grant: ByGrant, visitor: VisitorId, session: (Handle, Epoch) },
}

/// How a log-on is named.
#[derive(Debug, Clone)]
pub(super) enum ByGrant {
    /// By the token that only the proxy has.
    Token(Digest),
    /// By the name that our own signed tokens carry.
    Name(String),
}

/// What was found behind the name.
#[derive(Debug, Clone)]
pub(super) struct Loaded {
    pub(super) bearer: Bearer,
    pub(super) grant: Option<Grant>,
}

/// Why nothing was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dead {
    /// The client is not there, or acts for no site.
    Client,
    /// Log-on, session or user has ended.
    Ended,
}

/// Everything behind a name, in the state that is committed now.
pub(super) fn load(
    registry: &Registry,
    named: &Named,
    now: Timestamp,
) -> Result<Result<Loaded, Dead>, RegistryError> {
    match named {
        Named::Anonymous { client } => Ok(site_client(registry, client)?.map(|client| Loaded {
            bearer: Bearer { client, whom: Whom::Anonymous, session: None },
            grant: None,
        })),
        Named::Returning { client, visitor, session } => {
            if !lives(registry, *session)? {
                return Ok(Err(Dead::Ended));
            }
            Ok(site_client(registry, client)?.map(|client| Loaded {
                bearer: Bearer { client, whom: Whom::Returning(*visitor), session: Some(*session) },
                grant: None,
            }))
        }
        Named::LoggedOn { grant, visitor, session } => {
            let log_on = match grant {
                ByGrant::Token(digest) => registry.log_on(digest, now)?,
                ByGrant::Name(name) => registry.log_on_named(name, now)?,
            };
            let log_on = log_on.filter(|log_on| log_on.user.disabled_at.is_none());
            let Some(LogOn { grant, user }) = log_on else { return Ok(Err(Dead::Ended)) };
            if !lives(registry, *session)? {
                return Ok(Err(Dead::Ended));
            }
            let whom = Whom::LoggedOn {
                user: Box::new(user),
                visitor: *visitor,
                auth_time: grant.auth_time,
                level: grant.level,
            };
            Ok(site_client(registry, &grant.client)?.map(|client| Loaded {
                bearer: Bearer { client, whom, session: Some(*session) },
                grant: Some(grant),
            }))
        }
    }
}

fn site_client(registry: &Registry, id: &str) -> Result<Result<Client, Dead>, RegistryError> {
    let client = registry.client(id)?.filter(|client| client.site.is_some());
    Ok(client.ok_or(Dead::Client))
}

/// A session's tokens are dead up to the epoch that has ended.
fn lives(registry: &Registry, (sid, ep): (Handle, Epoch)) -> Result<bool, RegistryError> {
    Ok(registry.ended_epoch(sid)?.is_none_or(|ended| ep > ended))
}
