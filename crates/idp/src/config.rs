//! What the provider is told at start: issuer, sites, clients, lifetimes, costs. Plain values with safe defaults.
//! Must not read a file or the environment.

mod registry;
mod validate;

use std::fmt;
use std::path::PathBuf;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vestibule_oauth::token::ClientSecret;

pub use registry::{Caps, RegistryPassword, RegistryUrl};
pub use validate::origin_fault;

/// The identity provider's configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Scheme, host and port that browsers and clients reach the provider by, for example
    /// `https://login.example.com`. Every URL and every `iss` is made from it, never from a request.
    pub issuer: String,
    /// Networks of load balancers in front of the log-in whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.
    /// Without them, failed log-ins from a private address are not added up by network, and an https issuer is not
    /// served: what came in the clear is sent to https or refused with 421. Default: none.
    #[schemars(with = "Vec<String>")]
    pub trusted_peers: Vec<IpNet>,
    /// `aud` of the tokens that services verify.
    pub service_audience: String,
    /// `aud` of the tokens that web apps hold and only the gateway takes.
    pub gateway_audience: String,
    /// Scopes that every user has besides his own.
    pub everyone_scopes: Vec<String>,
    /// The web sites whose visitors log on here.
    pub sites: Vec<Site>,
    /// The OAuth clients. Those of the sites are listed here too.
    pub clients: Vec<Client>,
    /// The processes of this house that run apart and ask through the inside listener.
    pub role_clients: Vec<RoleClient>,
    /// How long things live.
    pub lifetimes: Lifetimes,
    /// What a password hash costs and how many are computed at once.
    pub password_cost: PasswordCost,
    /// How many sessions, tokens and the like of one user or client there may be.
    pub caps: Caps,
    /// Where users, clients, keys and tokens are kept. Left out: in a file in `data_dir`, by this process alone. Or the
    /// URL of a PostgreSQL database that several processes share: `postgres://user@host/database`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registry: Option<RegistryUrl>,
    /// File that holds the database's password: one line. Better there than in the URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registry_password_file: Option<PathBuf>,
    /// File with the certificates (PEM) that the database's own must lead to, besides those the system trusts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registry_ca_file: Option<PathBuf>,
    /// The schema in that database that holds the tables. Made if it is not there.
    pub registry_schema: String,
    /// The content of `registry_password_file`, put here by whoever reads files.
    #[serde(skip)]
    pub registry_password: Option<RegistryPassword>,
    /// The content of `registry_ca_file`, put here by whoever reads files.
    #[serde(skip)]
    pub registry_ca: Option<Vec<u8>>,
    /// Most calls to the registry that run at the same time, 1 to 256.
    pub registry_at_once: usize,
    /// Most calls that wait for one of those places, up to 65,536; the next one is refused with 503.
    pub registry_queue: usize,
}

/// One web site: one origin, with the two clients that act for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// The site's name, as sessions and log lines have it.
    pub name: String,
    /// Scheme, host and port, for example `https://shop.example.com`.
    pub origin: String,
    /// `client_id` of the client that visitors of this site log on through. Its scopes are those of returning
    /// and logged-on visitors.
    pub log_on_client: String,
    /// `client_id` of the client that stands for all visitors of whom nothing is known.
    pub anonymous_client: String,
}

/// One OAuth client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// `client_id`.
    pub id: String,
    /// The name that people read on the log-in page.
    pub name: String,
    /// Whether the client is the house's own. Others need a consent page, which does not exist yet.
    #[serde(default = "first_party")]
    pub first_party: bool,
    /// File that holds the client's secret: one line of at least 32 characters. A client without one is public.
    #[serde(default)]
    pub secret_file: Option<PathBuf>,
    /// The content of `secret_file`, put here by whoever reads files.
    #[serde(skip)]
    pub secret: Option<ClientSecret>,
    /// Where answers to log-ins may be sent; compared exactly. A query in one has no parameter with a name that answers
    /// have, such as `code` or `state`.
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    /// What the client may present at the token endpoint.
    #[serde(default)]
    pub grant_types: Vec<GrantType>,
    /// What the client may be given.
    #[serde(default)]
    pub scopes: ClientScopes,
}

/// A proxy or gateway in another process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleClient {
    /// Its `client_id`. No OAuth client has the same.
    pub id: String,
    /// File that holds its secret: one line of at least 32 characters.
    pub secret_file: PathBuf,
    /// The content of `secret_file`, put here by whoever reads files.
    #[serde(skip)]
    pub secret: Option<ClientSecret>,
    /// What it may ask.
    pub roles: Vec<Role>,
    /// Names of the sites whose log-ons it may redeem and for whose visitors it may have tokens minted.
    #[serde(default)]
    pub sites: Vec<String>,
}

/// What a role client may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// To turn codes into log-ons. For proxies.
    Redeem,
    /// To have tokens for web apps signed. For proxies.
    Mint,
    /// To have presented tokens turned into tokens for services. For gateways.
    Swap,
    /// To end sessions, sign-on sessions and everything of a user. For proxies.
    End,
    /// To follow what ends. For both.
    Feed,
}

/// What a client may present at the token endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// RFC 6749 4.1
    AuthorizationCode,
    /// RFC 6749 6
    RefreshToken,
    /// RFC 6749 4.4
    ClientCredentials,
}

/// Scopes of a client, by the standing of the visitor behind it. Each list holds the one of the standing below.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClientScopes {
    /// For the client itself, with no visitor behind it.
    pub own: Vec<String>,
    /// For visitors of whom nothing is known.
    pub anonymous: Vec<String>,
    /// For visitors who are remembered.
    pub returning: Vec<String>,
    /// For visitors who are logged on; what the user may not do is taken away again.
    pub logged_on: Vec<String>,
}

/// How long things live, in seconds. What services and web apps hold lives ten minutes at most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Lifetimes {
    /// An authorization code.
    pub code_seconds: u32,
    /// An access token.
    pub access_token_seconds: u32,
    /// An ID token.
    pub id_token_seconds: u32,
    /// A log-on, and the sign-on session it comes from, counted from when the credentials were given.
    pub log_on_seconds: u32,
    /// How long after a visitor's last request the next log-on asks for credentials again.
    pub sign_on_idle_seconds: u32,
    /// A family of refresh tokens that has stepped down to returning, extended by each use.
    pub returning_seconds: u32,
    /// The end of such a family, whatever its use, counted from its birth.
    pub returning_ceiling_seconds: u32,
    /// How long a browser that has logged in stays known, so that guesses from elsewhere do not lock it out.
    pub known_device_seconds: u32,
}

/// Argon2id parameters (RFC 9106 3.1) and the bound on the threads that pay them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PasswordCost {
    /// Memory of one hash, in KiB, up to 2,097,152.
    pub memory_kib: u32,
    /// Passes over that memory, 1 to 64; times `memory_kib` at most 4,194,304.
    pub passes: u32,
    /// Lanes that could run side by side, 1 to 64.
    pub lanes: u32,
    /// Hashes computed at the same time, 1 to 256. Times `memory_kib` is the memory that log-ins can take.
    pub at_once: usize,
    /// Log-ins that wait for one of those places, up to 65,536; the next one is refused with 503.
    pub queue: usize,
}

/// Something in the configuration that cannot be served with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key, for example `sites[1].origin`.
    pub key: String,
    /// What is wrong with its value.
    pub text: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            issuer: "http://localhost:8090".to_owned(),
            trusted_peers: Vec::new(),
            service_audience: "services".to_owned(),
            gateway_audience: "gateway".to_owned(),
            everyone_scopes: Vec::new(),
            sites: Vec::new(),
            clients: Vec::new(),
            role_clients: Vec::new(),
            lifetimes: Lifetimes::default(),
            password_cost: PasswordCost::default(),
            caps: Caps::default(),
            registry: None,
            registry_password_file: None,
            registry_ca_file: None,
            registry_schema: vestibule_registry::DEFAULT_SCHEMA.to_owned(),
            registry_password: None,
            registry_ca: None,
            registry_at_once: 4,
            registry_queue: 256,
        }
    }
}

impl Default for Lifetimes {
    fn default() -> Self {
        const HOUR: u32 = 3_600;
        const DAY: u32 = 24 * HOUR;
        Self {
            code_seconds: 60,
            access_token_seconds: 2 * HOUR,
            id_token_seconds: 300,
            log_on_seconds: 4 * HOUR,
            sign_on_idle_seconds: 1_800,
            returning_seconds: 7 * DAY,
            returning_ceiling_seconds: 90 * DAY,
            known_device_seconds: 90 * DAY,
        }
    }
}

impl Default for PasswordCost {
    /// OWASP's Argon2id setting; two at once take 38 MiB.
    fn default() -> Self {
        Self { memory_kib: 19_456, passes: 2, lanes: 1, at_once: 2, queue: 64 }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.text)
    }
}

const fn first_party() -> bool {
    true
}

#[cfg(test)]
mod tests;
