//! The demo's configuration: what a small shop would write into its file, with the addresses of this run.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;
use vestibule_oauth::token::ClientSecret;

use super::apps::Apps;
use super::record::Record;
use crate::config::{AccessLog, Config};

/// Everything but addresses, directories and secrets.
const FIXED: &str = include_str!("settings.toml");

/// Context roots of the shop with what their apps may do.
const ROUTES: [(&str, &str); 8] = [
    ("/", "reads = [\"basket\", \"basket_count\"]\nclaims = [\"name\"]"),
    ("/shop", "reads = [\"basket\", \"basket_count\"]\nclaims = [\"name\"]"),
    (
        "/basket",
        "reads = [\"basket\", \"basket_count\"]\nwrites = [\"basket\", \"basket_count\"]\nclaims = [\"name\"]",
    ),
    (
        "/account",
        "requires = \"logged-on\"\nreads = [\"basket\", \"basket_count\"]\nclaims = [\"name\", \"email\", \"locale\", \"roles\"]",
    ),
    ("/orders", "requires = \"logged-on\"\nreads = [\"basket\", \"basket_count\"]\nclaims = [\"name\"]"),
    ("/legacy", "reads = [\"basket\", \"basket_count\"]\nclaims = [\"name\"]"),
    (
        "/whoami",
        "reads = [\"basket\", \"basket_count\"]\nclaims = [\"name\", \"email\", \"locale\", \"roles\"]",
    ),
    ("/whoami/echo", "name = \"whoami-echo\"\nreads = [\"basket\", \"basket_count\"]"),
];

/// The services with the scopes that each method needs.
const SERVICES: [(&str, &str); 4] = [
    ("/products", "{ GET = [\"products:read\"], HEAD = [\"products:read\"] }"),
    ("/basket", "{ GET = [\"basket:write\"], POST = [\"basket:write\"] }"),
    ("/orders", "{ GET = [\"orders:read\"], POST = [\"orders:write\"] }"),
    ("/echo", "[\"echo:read\"]"),
];

/// Where the demo listens, all on the loopback address.
#[derive(Clone, Copy)]
pub(super) struct Ports {
    /// The shop, through the proxy.
    pub(super) web: u16,
    pub(super) gateway: u16,
    pub(super) gateway_inside: u16,
    /// The identity provider.
    pub(super) idp: u16,
    /// Administration, health and metrics.
    pub(super) inside: u16,
}

impl Ports {
    pub(super) fn from(base: u16) -> Self {
        Self { web: base, gateway: base + 1, gateway_inside: base + 2, idp: base + 10, inside: base + 19 }
    }

    pub(super) fn all(self) -> [u16; 5] {
        [self.web, self.gateway, self.gateway_inside, self.idp, self.inside]
    }
}

pub(super) fn config(
    data_dir: &Path,
    port_base: u16,
    apps: &Apps,
    record: &Record,
) -> anyhow::Result<Config> {
    let ports = Ports::from(port_base);
    let mut text = FIXED.replace("{web}", &ports.web.to_string());
    let listeners = [
        (ports.web, "\"proxy\""),
        (ports.gateway, "\"gateway\""),
        (ports.gateway_inside, "\"gateway-inside\""),
        (ports.idp, "\"idp\""),
        (ports.inside, "\"admin\", \"metrics\""),
    ];
    for (port, faces) in listeners {
        let _ = write!(text, "[[listener]]\nbind = \"127.0.0.1:{port}\"\nserves = [{faces}]\n");
    }
    let (shop, services) = (apps.shop, apps.services);
    for (path, scopes) in SERVICES {
        let _ = write!(
            text,
            "[[service]]\npath = \"{path}\"\nupstream = \"http://{services}\"\nscopes = {scopes}\n"
        );
    }
    for (root, rest) in ROUTES {
        let _ = write!(
            text,
            "[[route]]\nhost = \"localhost\"\npath = \"{root}\"\napp = \"http://{shop}\"\n{rest}\n"
        );
    }
    let mut config = Config::parse(&text, "the demo's configuration")?;
    config.data_dir = Some(data_dir.to_owned());
    config.log.access = AccessLog::File(data_dir.join("access.log"));
    let provider = config.idp.as_mut().context("the demo's configuration has an [idp]")?;
    provider.issuer.clone_from(&record.issuer);
    for client in &mut provider.clients {
        if client.id == record.clients.till.client_id
            && let Some(secret) = &record.clients.till.client_secret
        {
            client.secret =
                Some(ClientSecret::parse(secret).context("demo.json: the till's secret is malformed")?);
        }
    }
    Ok(config)
}
