//! `[issuer]`: the identity provider of another process, asked through its inside listener.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use vestibule_oauth::token::ClientSecret;

/// The identity provider, when it is another process. Instead of `[idp]`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IssuerConfig {
    /// Scheme, host and port of its listener that serves `idp-inside`. A loopback address: there is no TLS to it yet.
    pub url: String,
    /// Its `idp.issuer`: where browsers log in. Needed where sites have clients.
    #[serde(default)]
    pub public_url: Option<String>,
    /// One of its `[[idp.role_clients]]`.
    pub client_id: String,
    /// File that holds that client's secret: one line of at least 32 characters.
    pub secret_file: PathBuf,
    /// The content of `secret_file`.
    #[serde(skip)]
    pub secret: Option<ClientSecret>,
}

impl IssuerConfig {
    /// Where the provider is, for people to read.
    pub(crate) fn whereabouts(&self) -> String {
        match &self.public_url {
            Some(public) => format!("{public} (asked at {})", self.url),
            None => self.url.clone(),
        }
    }
}
