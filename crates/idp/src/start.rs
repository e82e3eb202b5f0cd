//! The start: the configuration is checked and told to the registry, keys are made where there are none.
//! Blocks; nothing is served before it is over.

use std::sync::Arc;

use aws_lc_rs::error::Unspecified;
use tokio::sync::Mutex;
use vestibule_domain::identity::{SiteId, Timestamp};
use vestibule_domain::limits::Limits;
use vestibule_domain::scope::ByStanding;
use vestibule_domain::throttle::Throttle;
use vestibule_oauth::redirect_uri::RedirectUri;
use vestibule_oauth::scope::{Scope, ScopeSet};
use vestibule_oauth::token::ClientSecret;
use vestibule_ports::clock::Clock;
use vestibule_ports::entropy::{Entropy, random};
use vestibule_registry::audit::Act;
use vestibule_registry::client::{Client, ClientKind, GrantType};
use vestibule_registry::credential::SecretHash;
use vestibule_registry::key::Purpose;
use vestibule_registry::{Registry, RegistryError};

use crate::config::{self, Config, Lifetimes, Problem, Site};
use crate::keyring::{Keyring, new_key};
use crate::keys::{KeyUnusable, NewKey};
use crate::ledger::Ledger;
use crate::origin::Origin;
use crate::page::Pages;
use crate::passwords::Passwords;
use crate::token::Flights;
use crate::{Idp, documents, inside};

/// Who the audit says has done what a start does.
const BY: &str = "configuration";

/// What `iss` of the tokens for services has behind the issuer.
const SERVICES_SUFFIX: &str = "/services";

/// What `iss` of the tokens for web apps has behind the issuer.
const JPT_SUFFIX: &str = "/jpt";

/// Why the provider cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration, with everything that is wrong in it.
    #[error("{}", lines(.0))]
    Config(Vec<Problem>),
    /// The registry.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// Stored keys.
    #[error(transparent)]
    Keys(#[from] KeyUnusable),
    /// The cryptographic library made no key.
    #[error("no signing key could be made")]
    NoKey,
}

impl From<Unspecified> for StartError {
    fn from(_: Unspecified) -> Self {
        Self::NoKey
    }
}

impl Idp {
    /// A provider that is ready to serve. Tells the registry the clients of the configuration; those that it no
    /// longer names end with everything of theirs.
    pub fn new(
        config: Config,
        registry: Arc<Registry>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Arc<Self>, StartError> {
        let mut problems = config.validate();
        problems.extend(config.clients.iter().enumerate().filter_map(unread_secret));
        problems.extend(config.role_clients.iter().enumerate().filter_map(unread_role_secret));
        if !problems.is_empty() {
            return Err(StartError::Config(problems));
        }
        let origin = Origin::of(&config.issuer).expect("validate lets no other issuer through");
        let now = clock.wall();
        let clients: Vec<Client> =
            config.clients.iter().map(|client| record(client, &config.sites)).collect();
        registry.configure_clients(&clients, &Act { at: now, by: BY, from: None })?;
        for purpose in [Purpose::Services, Purpose::Jpt, Purpose::Oidc] {
            ensure_key(&registry, purpose, now)?;
        }
        let jpt_issuer = format!("{}{JPT_SUFFIX}", config.issuer);
        let audience = config.gateway_audience.clone();
        let keyring = Keyring::read(&registry.keys(now)?, jpt_issuer.clone(), audience)?;
        let untold = ClientSecret::from_random(&random(&*entropy));
        let passwords = Passwords::new(&config.password_cost, &*entropy)
            .map_err(|error| StartError::Config(vec![cost_problem(error)]))?;
        Ok(Arc::new(Self {
            origin,
            sites: config.sites.iter().filter_map(|site| Some((site_id(site)?, site.clone()))).collect(),
            everyone: scope_set(&config.everyone_scopes),
            limits: limits(&config.lifetimes),
            throttle: Throttle::default(),
            discovery: documents::describe(&config),
            services_issuer: format!("{}{SERVICES_SUFFIX}", config.issuer),
            jpt_issuer,
            untold_secret: SecretHash::of(&untold),
            role_clients: inside::role_clients(&config.role_clients),
            flights: Flights::default(),
            keyring: Arc::new(keyring),
            reading_keys: Mutex::new(()),
            passwords,
            pages: Pages::new(),
            ledger: Ledger::new(registry, config.registry_at_once, config.registry_queue),
            config,
            clock,
            entropy,
        }))
    }
}

fn lines(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// A client whose secret nobody has read must not become a public one.
fn unread_secret((index, client): (usize, &config::Client)) -> Option<Problem> {
    let is_unread = client.secret_file.is_some() && client.secret.is_none();
    is_unread.then(|| unread(format!("clients[{index}].secret_file")))
}

fn unread_role_secret((index, client): (usize, &config::RoleClient)) -> Option<Problem> {
    client.secret.is_none().then(|| unread(format!("role_clients[{index}].secret_file")))
}

fn unread(key: String) -> Problem {
    Problem { key, text: "has not been read".to_owned() }
}

fn cost_problem(error: argon2::Error) -> Problem {
    Problem { key: "password_cost".to_owned(), text: error.to_string() }
}

/// Makes the first key of a purpose. Of two processes that start at once, one makes it.
fn ensure_key(registry: &Registry, purpose: Purpose, now: Timestamp) -> Result<(), StartError> {
    let stored = registry.signing_keys(purpose, now)?;
    if stored.iter().all(|key| key.retire_at.is_some()) {
        let new = new_key(NewKey::generate()?, purpose);
        registry.create_first_key(&new, &Act { at: now, by: BY, from: None })?;
    }
    Ok(())
}

fn limits(lifetimes: &Lifetimes) -> Limits {
    let seconds = |seconds: u32| std::time::Duration::from_secs(seconds.into());
    Limits {
        log_on: seconds(lifetimes.log_on_seconds),
        idle: seconds(lifetimes.sign_on_idle_seconds),
        returning: seconds(lifetimes.returning_seconds),
        ceiling: seconds(lifetimes.returning_ceiling_seconds),
        ..Limits::default()
    }
}

fn site_id(site: &Site) -> Option<SiteId> {
    SiteId::parse(&site.name).ok()
}

/// A client as the registry keeps it. What validation let through always parses.
fn record(client: &config::Client, sites: &[Site]) -> Client {
    let site = sites.iter().find(|site| [&site.log_on_client, &site.anonymous_client].contains(&&client.id));
    let config::ClientScopes { own, anonymous, returning, logged_on } = &client.scopes;
    Client {
        id: client.id.clone(),
        name: client.name.clone(),
        kind: if client.secret.is_some() { ClientKind::Confidential } else { ClientKind::Public },
        secret: client.secret.as_ref().map(SecretHash::of),
        redirect_uris: client
            .redirect_uris
            .iter()
            .filter_map(|uri| RedirectUri::register(uri).ok())
            .collect(),
        grant_types: client.grant_types.iter().copied().map(grant_type).collect(),
        own_scopes: scope_set(own),
        scopes: ByStanding::new(scope_set(anonymous), scope_set(returning), scope_set(logged_on))
            .unwrap_or_default(),
        first_party: client.first_party,
        site: site.and_then(site_id),
    }
}

fn grant_type(grant_type: config::GrantType) -> GrantType {
    match grant_type {
        config::GrantType::AuthorizationCode => GrantType::AuthorizationCode,
        config::GrantType::RefreshToken => GrantType::RefreshToken,
        config::GrantType::ClientCredentials => GrantType::ClientCredentials,
    }
}

fn scope_set(texts: &[String]) -> ScopeSet {
    texts.iter().filter_map(|text| Scope::parse(text).ok()).collect()
}
