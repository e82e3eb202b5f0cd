//! The face for services. Every caller shows a token of the door's kind; the service behind gets a JWT in its place,
//! and nobody passes whose scopes do not reach. Knows no signing key, no store and no session.

mod authorize;
mod config;
mod exchange;
mod identify;
// The same provider as in the tests of the whole gateway.
#[cfg(test)]
#[expect(dead_code, reason = "tests of the whole gateway use the other half of it")]
#[path = "../tests/all/issuer.rs"]
mod issuer;
mod leash;
mod needs;
mod relay;
mod reply;
mod request;

use std::net::IpAddr;
use std::sync::Arc;

use vestibule_feed::Feed;
use vestibule_ports::clock::Clock;
use vestibule_ports::issuer::Issuer;
use vestibule_routes::Problem;
use vestibule_wire::{Exchange, Face, Line, Served};

use crate::config::Live;
pub use crate::config::{Config, ScopesConfig, ServiceConfig};
use crate::exchange::{Swap, Swaps};

/// Which tokens a listener takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// Access tokens of clients outside.
    Outside,
    /// JPTs of web apps.
    Inside,
}

impl Door {
    /// The door as logs name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Outside => "outside",
            Self::Inside => "inside",
        }
    }
}

/// What the gateway needs to know callers.
pub struct Services {
    /// The identity provider.
    pub issuer: Arc<dyn Issuer>,
    /// What has ended there. Somebody else runs it.
    pub feed: Arc<Feed>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// The gateway face of a listener.
pub struct Gateway {
    live: Live,
    door: Door,
    swaps: Arc<Swaps>,
}

impl Gateway {
    /// A gateway for this configuration and door, or everything that is wrong with it.
    pub fn new(config: &Config, door: Door, services: Services) -> Result<Self, Vec<Problem>> {
        Ok(Self { live: config::read(config)?, door, swaps: Swaps::new(services) })
    }
}

/// What the access line says of a request besides what every line says.
#[derive(Default)]
pub struct Note {
    /// The caller's address, when it is not the peer's.
    address: Option<IpAddr>,
    swap: Option<Arc<Swap>>,
    outcome: Option<&'static str>,
    /// Why the identity provider gave no answer.
    fault: Option<String>,
}

impl Face for Gateway {
    type Note = Note;

    async fn serve<'c>(&'c self, exchange: Exchange<'c, Note>) -> Served {
        request::serve(self, exchange).await
    }

    fn log(&self, note: &Note, _served: &Served, line: &mut Line<'_>) {
        line.text("door", self.door.as_str());
        if let Some(address) = note.address {
            line.text("client", address.to_string());
        }
        if let Some(swap) = &note.swap {
            line.text("client_id", swap.client());
        }
        if let Some(outcome) = note.outcome {
            line.text("outcome", outcome);
        }
        if let Some(fault) = &note.fault {
            line.text("issuer_fault", fault);
        }
    }
}
