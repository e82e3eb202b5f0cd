//! The face for browsers. All web traffic passes it: it finds the route, tells the app what it may know of the visitor,
//! relays, and lets nothing through that only we may say. Knows no signing key and speaks to no database.

mod config;
mod enrich;
mod peers;
mod reply;
mod request;
mod site;

use vestibule_wire::{Exchange, Face, Line, Served};

pub use crate::config::{Config, Problem, RouteConfig, SiteConfig};
use crate::site::Live;

/// The proxy face of a listener.
pub struct Proxy {
    live: Live,
}

impl Proxy {
    /// A proxy for this configuration, or everything that is wrong with it.
    pub fn new(config: &Config) -> Result<Self, Vec<Problem>> {
        Ok(Self { live: Live::new(config)? })
    }
}

/// What the access line says of a request besides what every line says.
#[derive(Debug, Default)]
pub struct Note {
    /// The visitor's address, when it is not the peer's.
    client: Option<std::net::IpAddr>,
}

impl Face for Proxy {
    type Note = Note;

    async fn serve<'c>(&'c self, exchange: Exchange<'c, Note>) -> Served {
        request::serve(&self.live, exchange).await
    }

    fn log(&self, note: &Note, _served: &Served, line: &mut Line<'_>) {
        if let Some(client) = note.client {
            line.text("client", client.to_string());
        }
    }
}
