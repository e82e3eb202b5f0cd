//! Everything that is wrong with a configuration, all of it at once. RFC 6749 4.4, RFC 9700 2.1.
//! Must not know what the registry holds.

use std::collections::BTreeSet;
use std::fmt;

use url::{Host, Url};
use vestibule_domain::identity::SiteId;
use vestibule_domain::scope::{ByStanding, check_grammar};
use vestibule_oauth::redirect_uri::RedirectUri;
use vestibule_oauth::scope::{Scope, ScopeSet};
use vestibule_oauth::token::{ClientSecret, SECRET_BYTES_MIN};

use crate::origin::Origin;

use super::{
    Caps, Client, ClientScopes, Config, GrantType, Lifetimes, PasswordCost, Problem, Role, RoleClient, Site,
};

/// Smallest memory of a hash, in KiB, below which Argon2id with two passes is no protection worth the name.
const MEMORY_KIB_MIN: u32 = 8;

/// Largest memory of a hash, in KiB: the first choice of RFC 9106 4 takes as much.
const MEMORY_KIB_MAX: u32 = 2 * 1024 * 1024;

/// Most passes over that memory.
const PASSES_MAX: u32 = 64;

/// Most memory times passes, in KiB: a hash that takes seconds keeps everybody out, and the start waits for one.
const WORK_KIB_MAX: u64 = 4 * 1024 * 1024;

/// Most lanes of a hash.
const LANES_MAX: u32 = 64;

/// Most threads that hash, or call the registry, at the same time.
const AT_ONCE_MAX: usize = 256;

/// Most calls that wait for one of them.
const QUEUE_MAX: usize = 65_536;

/// Longest life of an authorization code, in seconds. RFC 6749 4.1.2 allows ten minutes; a redirect needs none.
const CODE_SECONDS_MAX: u32 = 60;

/// Longest life of an ID token, in seconds: a retired key stays published this long.
const ID_TOKEN_SECONDS_MAX: u32 = 600;

impl Config {
    /// Lists every problem; none means that the provider can start with it.
    pub fn validate(&self) -> Vec<Problem> {
        let mut problems = Problems::default();
        problems.origin("issuer", &self.issuer);
        if problems.0.is_empty() && Origin::of(&self.issuer).is_none() {
            problems.add("issuer", "has a host that no request can name");
        }
        problems.audiences(self);
        problems.lifetimes(&self.lifetimes);
        problems.password_cost(&self.password_cost);
        problems.within("registry_at_once", self.registry_at_once, 1, AT_ONCE_MAX);
        problems.within("registry_queue", self.registry_queue, 0, QUEUE_MAX);
        problems.caps(&self.caps);
        problems.registry(self);
        problems.scopes("everyone_scopes", &self.everyone_scopes);
        let mut ids = BTreeSet::new();
        for (index, client) in self.clients.iter().enumerate() {
            let key = format!("clients[{index}]");
            if !ids.insert(client.id.as_str()) {
                problems.add(format!("{key}.id"), "is used by another client");
            }
            problems.client(&key, client);
        }
        for (index, client) in self.role_clients.iter().enumerate() {
            let key = format!("role_clients[{index}]");
            if !ids.insert(client.id.as_str()) {
                problems.add(format!("{key}.id"), "is used by another client");
            }
            problems.role_client(&key, client, &self.sites);
        }
        let (mut names, mut origins, mut log_on) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for (index, site) in self.sites.iter().enumerate() {
            let key = format!("sites[{index}]");
            if !names.insert(site.name.as_str()) {
                problems.add(format!("{key}.name"), "is used by another site");
            }
            if !origins.insert(site.origin.as_str()) {
                problems.add(format!("{key}.origin"), "is used by another site");
            }
            if !log_on.insert(site.log_on_client.as_str()) {
                problems.add(format!("{key}.log_on_client"), "is used by another site");
            }
            problems.site(&key, site, &self.clients);
        }
        problems.0
    }
}

#[derive(Default)]
struct Problems(Vec<Problem>);

impl Problems {
    fn add(&mut self, key: impl Into<String>, text: impl Into<String>) {
        self.0.push(Problem { key: key.into(), text: text.into() });
    }

    fn origin(&mut self, key: &str, text: &str) {
        if let Some(fault) = origin_fault(text) {
            self.add(key, fault);
        }
    }

    /// What was read from `secret_file`, if anything was.
    fn secret(&mut self, key: &str, secret: Option<&ClientSecret>) {
        if secret.is_some_and(|secret| !secret.is_long_enough()) {
            let what = format!(
                "holds a secret that can be guessed: it must have at least {SECRET_BYTES_MIN} characters"
            );
            self.add(format!("{key}.secret_file"), what);
        }
    }

    fn audiences(&mut self, config: &Config) {
        for (key, audience) in
            [("service_audience", &config.service_audience), ("gateway_audience", &config.gateway_audience)]
        {
            if audience.is_empty() {
                self.add(key, "must not be empty");
            }
        }
        if config.service_audience == config.gateway_audience {
            self.add(
                "gateway_audience",
                "must differ from service_audience, or a token passes the wrong door",
            );
        }
    }

    fn lifetimes(&mut self, lifetimes: &Lifetimes) {
        let all = [
            ("code_seconds", lifetimes.code_seconds, CODE_SECONDS_MAX),
            ("access_token_seconds", lifetimes.access_token_seconds, u32::MAX),
            ("id_token_seconds", lifetimes.id_token_seconds, ID_TOKEN_SECONDS_MAX),
            ("log_on_seconds", lifetimes.log_on_seconds, u32::MAX),
            ("sign_on_idle_seconds", lifetimes.sign_on_idle_seconds, lifetimes.log_on_seconds),
            ("returning_seconds", lifetimes.returning_seconds, lifetimes.returning_ceiling_seconds),
            ("returning_ceiling_seconds", lifetimes.returning_ceiling_seconds, u32::MAX),
            ("known_device_seconds", lifetimes.known_device_seconds, u32::MAX),
        ];
        for (name, seconds, max) in all {
            if seconds == 0 || seconds > max {
                self.add(format!("lifetimes.{name}"), format!("must be from 1 to {max}"));
            }
        }
    }

    fn password_cost(&mut self, cost: &PasswordCost) {
        self.within("password_cost.passes", cost.passes, 1, PASSES_MAX);
        self.within("password_cost.lanes", cost.lanes, 1, LANES_MAX);
        self.within("password_cost.at_once", cost.at_once, 1, AT_ONCE_MAX);
        self.within("password_cost.queue", cost.queue, 0, QUEUE_MAX);
        let memory_min = MEMORY_KIB_MIN.saturating_mul(cost.lanes.clamp(1, LANES_MAX));
        self.within("password_cost.memory_kib", cost.memory_kib, memory_min, MEMORY_KIB_MAX);
        let is_each_fine = cost.passes <= PASSES_MAX && cost.memory_kib <= MEMORY_KIB_MAX;
        if is_each_fine && u64::from(cost.memory_kib) * u64::from(cost.passes) > WORK_KIB_MAX {
            self.add(
                "password_cost.passes",
                format!("times memory_kib must be at most {WORK_KIB_MAX}: one hash would take many seconds"),
            );
        }
    }

    fn caps(&mut self, caps: &Caps) {
        let all = [
            ("sign_ons_per_user", caps.sign_ons_per_user),
            ("sessions_per_user", caps.sessions_per_user),
            ("token_families_per_user", caps.token_families_per_user),
            ("tokens_per_client", caps.tokens_per_client),
            ("known_devices_per_user", caps.known_devices_per_user),
            ("failure_counters", caps.failure_counters),
        ];
        for (name, cap) in all {
            self.at_least_one(&format!("caps.{name}"), cap as usize);
        }
    }

    fn registry(&mut self, config: &Config) {
        if let Some(server) = config.registry_server() {
            if let Err(fault) = server.check() {
                self.add(fault.setting(), fault.to_string());
            }
            return;
        }
        let files = [
            ("registry_password_file", &config.registry_password_file),
            ("registry_ca_file", &config.registry_ca_file),
        ];
        for (key, file) in files {
            if file.is_some() {
                self.add(key, "is for a database: there is no registry = \"postgres://...\"");
            }
        }
    }

    fn within<N: Copy + PartialOrd + fmt::Display>(&mut self, key: &str, value: N, least: N, most: N) {
        if value < least {
            self.add(key, format!("must be at least {least}"));
        } else if value > most {
            self.add(key, format!("must be at most {most}"));
        }
    }

    fn at_least_one(&mut self, key: &str, value: usize) {
        if value == 0 {
            self.add(key, "must be at least 1");
        }
    }

    fn client(&mut self, key: &str, client: &Client) {
        self.client_id(key, &client.id);
        if client.name.trim().is_empty() {
            self.add(format!("{key}.name"), "must not be empty: people read it on the log-in page");
        }
        if !client.first_party {
            self.add(
                format!("{key}.first_party"),
                "must be true: third-party clients need a consent page, which does not exist yet",
            );
        }
        for (index, uri) in client.redirect_uris.iter().enumerate() {
            if let Err(refused) = RedirectUri::register(uri) {
                self.add(format!("{key}.redirect_uris[{index}]"), refused.to_string());
            }
        }
        self.secret(key, client.secret.as_ref());
        self.grant_types(key, client);
        self.client_scopes(&format!("{key}.scopes"), &client.scopes);
    }

    fn client_id(&mut self, key: &str, id: &str) {
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
            self.add(format!("{key}.id"), "must be printable ASCII without spaces");
        }
    }

    fn role_client(&mut self, key: &str, client: &RoleClient, sites: &[Site]) {
        self.client_id(key, &client.id);
        self.secret(key, client.secret.as_ref());
        if client.roles.is_empty() {
            self.add(format!("{key}.roles"), "must not be empty");
        }
        let is_for_sites = client.roles.iter().any(|role| matches!(role, Role::Redeem | Role::Mint));
        if is_for_sites && client.sites.is_empty() {
            self.add(format!("{key}.sites"), "must name the sites that it may redeem and mint for");
        }
        for (index, name) in client.sites.iter().enumerate() {
            if !sites.iter().any(|site| site.name == *name) {
                self.add(format!("{key}.sites[{index}]"), "is not the name of a site with clients");
            }
        }
    }

    fn client_scopes(&mut self, key: &str, scopes: &ClientScopes) {
        self.scopes(&format!("{key}.own"), &scopes.own);
        let (Some(anonymous), Some(returning), Some(logged_on)) = (
            self.scopes(&format!("{key}.anonymous"), &scopes.anonymous),
            self.scopes(&format!("{key}.returning"), &scopes.returning),
            self.scopes(&format!("{key}.logged_on"), &scopes.logged_on),
        ) else {
            return;
        };
        let faults = ByStanding::new(anonymous, returning, logged_on).err().unwrap_or_default();
        for fault in faults {
            self.add(key, fault.to_string());
        }
    }

    fn grant_types(&mut self, key: &str, client: &Client) {
        let has = |grant_type| client.grant_types.contains(&grant_type);
        let key = format!("{key}.grant_types");
        if has(GrantType::AuthorizationCode) && client.redirect_uris.is_empty() {
            self.add(&key, "authorization_code needs redirect_uris");
        }
        if has(GrantType::RefreshToken) && !has(GrantType::AuthorizationCode) {
            self.add(&key, "refresh_token needs authorization_code");
        }
        // RFC 6749 4.4: client credentials MUST only be used by confidential clients
        if has(GrantType::ClientCredentials) && client.secret_file.is_none() && client.secret.is_none() {
            self.add(&key, "client_credentials needs secret_file");
        }
    }

    /// The set, unless one of the scopes is misspelled.
    fn scopes(&mut self, key: &str, scopes: &[String]) -> Option<ScopeSet> {
        let known = self.0.len();
        let mut set = Vec::new();
        for (index, scope) in scopes.iter().enumerate() {
            let key = format!("{key}[{index}]");
            match Scope::parse(scope) {
                Err(refused) => self.add(key, refused.to_string()),
                Ok(scope) => match check_grammar(&scope) {
                    Err(fault) => self.add(key, fault.to_string()),
                    Ok(()) => set.push(scope),
                },
            }
        }
        (self.0.len() == known).then(|| set.into_iter().collect())
    }

    fn site(&mut self, key: &str, site: &Site, clients: &[Client]) {
        if SiteId::parse(&site.name).is_err() {
            self.add(
                format!("{key}.name"),
                "must be up to 64 letters, digits, dots, hyphens and underscores",
            );
        }
        self.origin(&format!("{key}.origin"), &site.origin);
        let find = |id: &str| clients.iter().find(|client| client.id == id);
        match find(&site.log_on_client) {
            None => self.add(format!("{key}.log_on_client"), "is not the id of a client"),
            Some(client) => {
                let at_site = format!("{}/", site.origin);
                if !client.redirect_uris.iter().any(|uri| uri.starts_with(&at_site)) {
                    self.add(format!("{key}.log_on_client"), "has no redirect URI on the site's origin");
                }
            }
        }
        if find(&site.anonymous_client).is_none() {
            self.add(format!("{key}.anonymous_client"), "is not the id of a client");
        }
    }
}

/// What is wrong with an origin, if anything: it is scheme, host and port as a browser prints them, and plain http for
/// this machine only.
pub fn origin_fault(text: &str) -> Option<&'static str> {
    let Ok(url) = Url::parse(text) else { return Some("is not a URL") };
    if url.origin().ascii_serialization() != text {
        return Some("must be scheme, host and port only, in lower case, without a slash at the end");
    }
    let is_fine = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
    (!is_fine).then_some("must be https; plain http is for loopback hosts only")
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        // RFC 6761 6.3
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}
