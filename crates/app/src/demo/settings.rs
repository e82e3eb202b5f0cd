//! The demo's configuration: what a small shop would write into its file, with the addresses of this run.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context as _;
use vestibule_oauth::token::ClientSecret;

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

/// The ports of the shop, the identity provider, and administration with health and metrics.
pub(super) fn ports(base: u16) -> [u16; 3] {
    [base, base + 10, base + 19]
}

pub(super) fn config(
    data_dir: &Path,
    port_base: u16,
    shop: SocketAddr,
    record: &Record,
) -> anyhow::Result<Config> {
    let [web, idp, inside] = ports(port_base);
    let mut text = FIXED.replace("{web}", &web.to_string());
    for (port, faces) in [(web, "\"proxy\""), (idp, "\"idp\""), (inside, "\"admin\", \"metrics\"")] {
        let _ = write!(text, "[[listener]]\nbind = \"127.0.0.1:{port}\"\nserves = [{faces}]\n");
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
