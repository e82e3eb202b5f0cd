//! The OAuth 2 and OpenID Connect provider: log-in pages, endpoints, tokens, keys. The only signer.
//! A tower service for browsers and clients (`Idp::router`), and in this process an `Issuer` and an `Authority`.
//! Must not know sessions of the proxy, sockets or files.

mod asked;
mod authority;
mod authorize;
mod bearer;
mod browser;
mod claims;
pub mod config;
mod credentials;
mod documents;
mod fields;
mod hearers;
mod inside;
mod issuer;
mod keyring;
mod keys;
mod ledger;
mod login;
mod logout;
mod origin;
mod page;
mod password;
pub mod passwords;
mod paths;
mod redemption;
mod reply;
mod revoke;
mod router;
mod start;
mod token;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use axum::Router;
use tokio::sync::Mutex;
use vestibule_domain::identity::SiteId;
use vestibule_domain::limits::Limits;
use vestibule_domain::throttle::Throttle;
use vestibule_oauth::scope::ScopeSet;
use vestibule_ports::clock::Clock;
use vestibule_ports::entropy::Entropy;
use vestibule_registry::credential::SecretHash;

pub use browser::Peer;
pub use origin::OverHttps;
pub use reply::Cause;
pub use start::StartError;

use crate::config::{Config, Site};
use crate::inside::RoleClients;
use crate::keyring::Keyring;
use crate::ledger::Ledger;
use crate::origin::Origin;
use crate::page::Pages;
use crate::passwords::Passwords;
use crate::token::Flights;

/// The identity provider.
pub struct Idp {
    config: Config,
    origin: Origin,
    sites: BTreeMap<SiteId, Site>,
    everyone: ScopeSet,
    limits: Limits,
    throttle: Throttle,
    discovery: String,
    keyring: Arc<Keyring>,
    reading_keys: Mutex<()>,
    services_issuer: String,
    jpt_issuer: String,
    untold_secret: SecretHash,
    role_clients: RoleClients,
    flights: Flights,
    passwords: Passwords,
    pages: Pages,
    ledger: Ledger,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl Idp {
    /// The public face: pages for browsers, endpoints for clients. Every request needs a [`Peer`] among its
    /// extensions, and an [`OverHttps`] where the issuer is https; an answer may have a [`Cause`] among its own.
    pub fn router(self: &Arc<Self>) -> Router {
        router::router(Arc::clone(self))
    }

    /// The inside face: what proxies and gateways in other processes ask. For a listener that only they reach.
    /// An answer may have a [`Cause`] among its extensions.
    pub fn inside_router(self: &Arc<Self>) -> Router {
        inside::router(Arc::clone(self))
    }

    /// How many password hashes have been computed since the start: what log-ins cost.
    pub fn passwords_hashed(&self) -> u64 {
        self.passwords.hashed()
    }
}

impl fmt::Debug for Idp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Idp").field("issuer", &self.config.issuer).finish_non_exhaustive()
    }
}
