//! The face for browsers. All web traffic passes it: it finds the visitor's session, tells the app what it may know,
//! relays, and saves what the app asks to change before the answer leaves. Knows no signing key and no database.

mod absorb;
mod config;
mod enrich;
mod fall;
mod leash;
mod open;
mod owed;
mod own;
mod reply;
mod request;
#[cfg(test)]
mod rig;
mod seal;
mod siblings;
mod site;
#[cfg(test)]
mod storm;
mod tokens;
mod visit;

use std::sync::Arc;

use tokio::sync::Notify;
use vestibule_domain::identity::{Handle, NodeId};
use vestibule_domain::standing::Standing;
use vestibule_feed::Feed;
use vestibule_message::lines::Lines;
use vestibule_ports::clock::Clock;
use vestibule_ports::entropy::{Entropy, random};
use vestibule_ports::issuer::Issuer;
use vestibule_routes::Problem;
use vestibule_sessions::Sessions;
use vestibule_wire::{Audience, Exchange, Face, Happening, Line, Served, Tally};

pub use crate::config::{AttributeConfig, Config, ForgedContext, RouteConfig, SiteConfig};
use crate::own::Limiter;
use crate::siblings::Siblings;
use crate::site::Live;
use crate::tokens::Tokens;

/// The proxy face of a listener.
pub struct Proxy {
    live: Live,
    /// `None` where no site is configured: then nobody is ever known.
    visitors: Option<Visitors>,
}

/// What the proxy needs to know visitors.
pub struct Services {
    /// The sessions of this node.
    pub sessions: Arc<Sessions<()>>,
    /// The identity provider.
    pub issuer: Arc<dyn Issuer>,
    /// What has ended there.
    pub feed: Arc<Feed>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
}

/// The services as the phases use them.
struct Visitors {
    sessions: Arc<Sessions<()>>,
    issuer: Arc<dyn Issuer>,
    tokens: Arc<Tokens>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    /// Names this process in `__Host-vst-at`.
    node: NodeId,
    limiter: Limiter,
    /// Told when the IDP has not confirmed an end.
    unconfirmed: Notify,
    siblings: Siblings,
}

impl Proxy {
    /// A proxy for this configuration, or everything that is wrong with it.
    pub fn new(config: &Config, services: Option<Services>) -> Result<Self, Vec<Problem>> {
        let live = config::read(config)?;
        let visitors = services.map(|services| Visitors::new(services, &live));
        Ok(Self { live, visitors })
    }

    /// Fetches the tokens that anonymous visitors share. Without one, apps are called without it. `false` when the
    /// identity provider did not give one for every site with a log-on.
    pub async fn warm_up(&self) -> bool {
        let Some(visitors) = &self.visitors else { return true };
        for site in &self.live.sites {
            visitors.tokens.fetch_shared(site).await;
        }
        self.is_warm()
    }

    /// Whether the tokens that anonymous visitors share are there.
    pub fn is_warm(&self) -> bool {
        let Some(visitors) = &self.visitors else { return true };
        self.live
            .sites
            .iter()
            .filter(|site| site.client.is_some())
            .all(|site| visitors.tokens.has_shared(site))
    }

    /// The proxy's standing work, for ever: keeps the tokens of anonymous visitors fresh, tells the identity provider
    /// again of ends that it has not confirmed, and ends what log-outs leave behind on other sites. Pages depend on it,
    /// and it runs beside them.
    pub async fn run(&self) {
        let Some(visitors) = &self.visitors else { return };
        tokio::join!(
            visitors.tokens.keep_shared(&self.live.sites),
            owed::keep_telling(visitors),
            siblings::keep_ending(visitors),
            siblings::keep_clearing(visitors, &self.live.limits)
        );
    }
}

impl Visitors {
    fn new(services: Services, live: &Live) -> Self {
        let Services { sessions, issuer, feed, clock, entropy } = services;
        let sites = live.sites.iter().map(|site| site.id.clone());
        Self {
            tokens: Tokens::new(Arc::clone(&issuer), feed, Arc::clone(&clock), sites),
            node: NodeId::from_bytes(random(&*entropy)),
            limiter: Limiter::new(),
            unconfirmed: Notify::new(),
            siblings: Siblings::new(),
            sessions,
            issuer,
            clock,
            entropy,
        }
    }
}

/// What the access line says of a request besides what every line says.
#[derive(Debug, Default)]
pub struct Note {
    /// The visitor's address, when it is not the peer's.
    client: Option<std::net::IpAddr>,
    standing: Standing,
    session: Option<Handle>,
    /// Why a patch was refused.
    refused: Option<String>,
    /// Why a change could not be saved.
    not_saved: Option<String>,
    /// Why a session could not be read.
    unknown: Option<String>,
    /// Why what is stored of a session cannot be read, by anybody.
    unreadable: Option<String>,
    /// A session cookie came twice.
    doubled: bool,
    /// The app was told less than it should have been.
    degraded: bool,
}

impl Note {
    /// Whose request it is.
    fn tell(&mut self, session: Handle, standing: Standing) {
        (self.session, self.standing) = (Some(session), standing);
    }
}

impl Face for Proxy {
    type Note = Note;

    async fn serve<'c>(&'c self, exchange: Exchange<'c, Note>) -> Served {
        request::serve(self, exchange).await
    }

    fn refusal_lines(&self, audience: &Audience) -> Lines {
        let is_https = audience.says_https && self.live.peers.has(audience.peer);
        let came = audience.host.as_ref().and_then(|host| self.live.site(host, is_https));
        let mut lines = Lines::default();
        match visit::policy(came.as_ref()).map(|policy| lines.push(enrich::POLICY, policy)) {
            Some(Ok(())) => lines,
            None | Some(Err(_)) => Lines::default(),
        }
    }

    fn tally(&self, note: &Note, tally: &mut Tally<'_>) {
        tally.add(Happening::Degraded, note.degraded);
        tally.add(Happening::NotSaved, note.not_saved.is_some());
        tally.add(Happening::PatchRefused, note.refused.is_some());
        tally.add(Happening::SessionUnknown, note.unknown.is_some());
        tally.add(Happening::SessionUnreadable, note.unreadable.is_some());
        tally.add(Happening::CookiesDoubled, note.doubled);
    }

    fn log(&self, note: &Note, _served: &Served, line: &mut Line<'_>) {
        if let Some(client) = note.client {
            line.text("client", client.to_string());
        }
        if let Some(session) = note.session {
            line.text("session", session.to_string());
            line.text("standing", note.standing.as_str());
        }
        if note.doubled {
            line.number("cookies_doubled", 1);
        }
        if note.degraded {
            line.number("degraded", 1);
        }
        for (key, why) in [
            ("patch_refused", &note.refused),
            ("not_saved", &note.not_saved),
            ("session_unknown", &note.unknown),
            ("session_unreadable", &note.unreadable),
        ] {
            if let Some(why) = why {
                line.text(key, why);
            }
        }
    }
}
