//! The proxy's configuration: sites, attributes, routes, trusted peers. Plain values; what they mean together is checked
//! at once, so that a bad file is refused with everything that is wrong with it.

mod origin;
mod read;
mod sense;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::Deserialize;
use vestibule_domain::limits::Limits;
use vestibule_domain::rule::Rules;
use vestibule_domain::standing::Standing;

pub(crate) use origin::Origin;
pub(crate) use read::read;

/// What the proxy serves.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// The sites, one origin each.
    pub sites: Vec<SiteConfig>,
    /// What web apps may keep in a session.
    pub attributes: Vec<AttributeConfig>,
    /// Which web app serves which host and path.
    pub routes: Vec<RouteConfig>,
    /// Networks of load balancers in front, whose `X-Forwarded-For` is believed. Default: none.
    pub trusted_peers: Vec<IpNet>,
    /// What becomes of requests that say what only we may say.
    pub forged_context: ForgedContext,
    /// The identity provider's issuer URL; needed where a site has a log-on client.
    pub issuer: Option<String>,
    /// How long sessions last.
    pub limits: Limits,
    /// What ends a log-on before that.
    pub rules: Rules,
}

/// One web site: one origin.
#[derive(Clone, Debug)]
pub struct SiteConfig {
    /// Its name in records and tokens.
    pub name: String,
    /// Scheme, host and port as a browser shows them, such as `https://shop.example`.
    pub origin: String,
    /// Other hosts of the same site, which redirect to its origin.
    pub aliases: Vec<String>,
    /// The OAuth client that its visitors log on with.
    pub log_on_client: Option<String>,
    /// Seconds for which browsers come back by https alone, where the origin is https. Default 31,536,000, a year.
    pub hsts_seconds: Option<u32>,
}

/// One attribute of a session.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AttributeConfig {
    /// Its name: a small letter, then small letters, digits, `_`, `-`, `.`.
    pub name: String,
    /// Whether it stays when a log-on ends. Default no.
    #[serde(default)]
    pub survives: bool,
    /// Bytes its JSON may have. Default 4,096.
    #[serde(default = "attribute_bytes_max")]
    pub max_bytes: usize,
}

/// One route: a host and a context root, and the web app behind it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RouteConfig {
    /// The host, with a port only when other ports of it have other routes.
    pub host: String,
    /// The context root: `/`, or a path such as `/shop`. The longest that fits wins.
    #[serde(default = "root")]
    pub path: String,
    /// Where the app listens, such as `http://127.0.0.1:9000`.
    pub app: String,
    /// The app's name in the audit. Default: its context root.
    #[serde(default)]
    pub name: Option<String>,
    /// The standing a visitor must have at least: `anonymous` (the default), `returning` or `logged-on`.
    #[serde(default)]
    #[schemars(with = "String")]
    pub requires: Standing,
    /// The attributes the app is shown. Default none.
    #[serde(default)]
    pub reads: Vec<String>,
    /// The attributes the app may change. Default none.
    #[serde(default)]
    pub writes: Vec<String>,
    /// The claims about the user that the app is shown: `name`, `locale`, `email`, `email_verified`, `roles`. Default none.
    #[serde(default)]
    pub claims: Vec<String>,
    /// Whether the app can do without a JPT: `required` (the default where more than anonymous is required) or `wanted`.
    #[serde(default)]
    pub token: Option<TokenNeed>,
    /// What to do when a session cannot be read: `refuse` (503, the default), or `anonymous` where nothing is required.
    #[serde(default)]
    pub when_unknown: WhenUnknown,
    /// What to do when a change of the context cannot be saved: `refuse` (503, the default) or `deliver` the page.
    #[serde(default)]
    pub on_patch_failure: OnPatchFailure,
    /// `personal` (the default), or `shared` when answers are the same for everyone.
    #[serde(default)]
    pub cache: Cache,
    /// Requests of other sites' pages that change something: `refuse` (the default) or `allow`.
    #[serde(default)]
    pub cross_site: CrossSite,
    /// Bytes a request body may have. Default 128 MiB.
    pub body_bytes_max: Option<u64>,
    /// Milliseconds to open a connection to the app. Default 2,000.
    pub connect_timeout_ms: Option<u64>,
    /// Milliseconds from the whole request sent to the head of the app's answer. Default 60,000.
    pub answer_timeout_ms: Option<u64>,
    /// Milliseconds the body of an answer may stand still. Default 60,000.
    pub stall_timeout_ms: Option<u64>,
}

macro_rules! choices {
    ($($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident,)+ })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
        #[serde(rename_all = "kebab-case")]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }
    )+};
}

choices! {
    /// Whether an app can do without a JPT.
    TokenNeed {
        /// It cannot.
        #[default]
        Required,
        /// It can.
        Wanted,
    }
    /// What to do when a session cannot be read.
    WhenUnknown {
        /// 503.
        #[default]
        Refuse,
        /// Serve as anonymous, marked as degraded.
        Anonymous,
    }
    /// What to do when a change of the context cannot be saved.
    OnPatchFailure {
        /// 503; the app's page is not delivered.
        #[default]
        Refuse,
        /// Deliver the page; the change is lost.
        Deliver,
    }
    /// Whether answers differ from visitor to visitor.
    Cache {
        /// They may.
        #[default]
        Personal,
        /// They do not.
        Shared,
    }
    /// What becomes of requests with a header that only the proxy may send, `x-context-...` in any spelling.
    ForgedContext {
        /// They go on without it.
        #[default]
        Strip,
        /// 400; no app is called.
        Refuse,
    }
    /// What becomes of cross-site requests that change something.
    CrossSite {
        /// 403.
        #[default]
        Refuse,
        /// They go on.
        Allow,
    }
}

fn root() -> String {
    "/".to_owned()
}

fn attribute_bytes_max() -> usize {
    4096
}

#[cfg(test)]
mod tests;
