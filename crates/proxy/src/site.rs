//! What is in force: the sites by host, their apps, the route table, the trusted peers.

use std::collections::HashMap;

use vestibule_domain::attribute::{Catalogue, Rights};
use vestibule_domain::caching::RouteCache;
use vestibule_domain::identity::{AppId, SiteId};
use vestibule_domain::limits::Limits;
use vestibule_domain::origin::Came;
use vestibule_domain::outage::WhenUnknown;
use vestibule_domain::rule::Rules;
use vestibule_domain::standing::Standing;
use vestibule_domain::token::Need;
use vestibule_message::host::Host;
use vestibule_routes::Table;

use crate::config::Origin;
use vestibule_wire::TrustedPeers;

/// A checked configuration.
pub(crate) struct Live {
    pub(crate) table: Table<Standing>,
    /// By the number of their route.
    pub(crate) apps: Vec<App>,
    pub(crate) sites: Vec<Site>,
    pub(crate) hosts: HashMap<String, Place>,
    pub(crate) peers: TrustedPeers,
    pub(crate) refuses_forged: bool,
    pub(crate) issuer: Option<String>,
    pub(crate) limits: Limits,
    pub(crate) rules: Rules,
}

/// What a host is.
pub(crate) struct Place {
    pub(crate) site: usize,
    pub(crate) is_alias: bool,
}

/// One site.
pub(crate) struct Site {
    pub(crate) id: SiteId,
    pub(crate) origin: Origin,
    pub(crate) client: Option<String>,
    pub(crate) catalogue: Catalogue,
    /// `Strict-Transport-Security`, where the origin is https (RFC 6797).
    pub(crate) policy: Option<String>,
}

/// One web app, as its route declares it.
pub(crate) struct App {
    /// Of its route.
    pub(crate) number: usize,
    pub(crate) id: AppId,
    pub(crate) rights: Rights,
    pub(crate) claims: Vec<String>,
    pub(crate) need: Need,
    pub(crate) when_unknown: WhenUnknown,
    pub(crate) delivers_unsaved: bool,
    pub(crate) cache: RouteCache,
    pub(crate) allows_cross_site: bool,
}

impl Live {
    /// The site of this host, and whether a request that came to it, over https or not, came to the site's own origin.
    pub(crate) fn site(&self, host: &Host, is_https: bool) -> Option<(&Site, Came)> {
        let place = self.hosts.get(host.name())?;
        let site = &self.sites[place.site];
        let came = if site.origin.scheme == "https" && !is_https {
            Came::InTheClear
        } else if place.is_alias || !site.origin.has_port_of(host) {
            Came::Elsewhere
        } else {
            Came::Home
        };
        Some((site, came))
    }
}

impl App {
    /// Whether it may change anything.
    pub(crate) fn writes(&self) -> bool {
        !self.rights.writes.is_empty()
    }
}
