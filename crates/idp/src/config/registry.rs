//! Where the registry is kept and how much of one kind it keeps.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vestibule_registry::Server;

use super::Config;

/// The URL of the database. It may hold a password, so nothing prints it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct RegistryUrl(String);

impl From<&str> for RegistryUrl {
    fn from(url: &str) -> Self {
        Self(url.to_owned())
    }
}

impl fmt::Debug for RegistryUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RegistryUrl(..)")
    }
}

/// The database's password as it was read from its file.
#[derive(Clone, PartialEq, Eq)]
pub struct RegistryPassword(String);

impl From<String> for RegistryPassword {
    fn from(password: String) -> Self {
        Self(password)
    }
}

impl fmt::Debug for RegistryPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RegistryPassword(..)")
    }
}

/// How many of one kind there may be. With one more, the oldest goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Caps {
    /// Browsers in which one user is logged in.
    pub sign_ons_per_user: u32,
    /// Log-ons of one user: sites in browsers.
    pub sessions_per_user: u32,
    /// Families of tokens of one user: apps on devices. Each holds its four newest access tokens, so that requests under
    /// way with one from before a refresh are served; that number is fixed.
    pub token_families_per_user: u32,
    /// Access tokens that one client holds for itself, without a user.
    pub tokens_per_client: u32,
    /// Browsers of one user that are remembered as having logged in.
    pub known_devices_per_user: u32,
    /// Counters of failed log-ins, of everybody together. Beyond it, those with the fewest failures are forgotten.
    pub failure_counters: u32,
}

impl Default for Caps {
    fn default() -> Self {
        let caps = vestibule_registry::Caps::default();
        Self {
            sign_ons_per_user: caps.sign_ons_per_user,
            sessions_per_user: caps.grants_per_user,
            token_families_per_user: caps.families_per_user,
            tokens_per_client: caps.tokens_per_client,
            known_devices_per_user: caps.devices_per_user,
            failure_counters: caps.failure_counters,
        }
    }
}

impl From<&Caps> for vestibule_registry::Caps {
    fn from(caps: &Caps) -> Self {
        Self {
            sign_ons_per_user: caps.sign_ons_per_user,
            grants_per_user: caps.sessions_per_user,
            families_per_user: caps.token_families_per_user,
            tokens_per_client: caps.tokens_per_client,
            devices_per_user: caps.known_devices_per_user,
            failure_counters: caps.failure_counters,
        }
    }
}

impl Config {
    /// The server that keeps the registry, if it is not a file.
    pub fn registry_server(&self) -> Option<Server> {
        Some(Server {
            url: self.registry.as_ref()?.0.clone(),
            password: self.registry_password.as_ref().map(|password| password.0.clone()),
            ca: self.registry_ca.clone(),
            schema: self.registry_schema.clone(),
        })
    }
}
