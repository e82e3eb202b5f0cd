//! The faces of one listener as one: metrics claims its paths under any host, one other face has the rest.

use std::net::IpAddr;
use std::sync::Arc;

use vestibule_gateway::Gateway;
use vestibule_idp::{OverHttps, Peer};
use vestibule_message::lines::Lines;
use vestibule_proxy::Proxy;
use vestibule_wire::{Audience, Exchange, Face, Line, Served, Tally, TrustedPeers};

use crate::health::{self, Health};

/// What a listener serves.
pub(crate) struct Faces {
    pub(crate) metrics: Option<Health>,
    pub(crate) rest: Rest,
}

/// The face that has every path which metrics does not claim.
pub(crate) enum Rest {
    /// None: there is nothing else at this address.
    Nothing,
    /// Browsers.
    Proxy(Arc<Proxy>),
    /// Callers of services.
    Gateway(Box<Gateway>),
    /// A router of the identity provider or of administration, behind our own parser, and the load balancers in front
    /// of it.
    Router(axum::Router, TrustedPeers),
}

/// What each face notes of a request.
#[derive(Default)]
pub(crate) struct Note {
    proxy: vestibule_proxy::Note,
    gateway: vestibule_gateway::Note,
    /// The address of a hosted router's caller, when it is not the peer's.
    client: Option<IpAddr>,
    /// Why a hosted router gave no answer.
    fault: Option<String>,
}

impl Face for Faces {
    type Note = Note;

    async fn serve<'c>(&'c self, x: Exchange<'c, Note>) -> Served {
        match (&self.metrics, &self.rest) {
            (Some(health), _) if Health::claims(x.head().target().path()) => health.serve(x).await,
            (_, Rest::Proxy(proxy)) => proxy.serve(x.with_note(|note| &mut note.proxy)).await,
            (_, Rest::Gateway(gateway)) => gateway.serve(x.with_note(|note| &mut note.gateway)).await,
            (_, Rest::Router(router, peers)) => serve_router(router, peers, x).await,
            (_, Rest::Nothing) => x.answer(health::nothing_here()).await,
        }
    }

    fn refusal_lines(&self, audience: &Audience) -> Lines {
        match &self.rest {
            Rest::Proxy(proxy) => proxy.refusal_lines(audience),
            Rest::Gateway(_) | Rest::Router(..) | Rest::Nothing => Lines::default(),
        }
    }

    fn tally(&self, note: &Note, tally: &mut Tally<'_>) {
        if let Rest::Proxy(proxy) = &self.rest {
            proxy.tally(&note.proxy, tally);
        }
    }

    fn log(&self, note: &Note, served: &Served, line: &mut Line<'_>) {
        match &self.rest {
            Rest::Proxy(proxy) => proxy.log(&note.proxy, served, line),
            Rest::Gateway(gateway) => gateway.log(&note.gateway, served, line),
            Rest::Router(..) | Rest::Nothing => {}
        }
        if let Some(client) = note.client {
            line.text("client", client.to_string());
        }
        if let Some(fault) = &note.fault {
            line.text("hosted_fault", fault);
        }
    }
}

async fn serve_router(router: &axum::Router, peers: &TrustedPeers, mut x: Exchange<'_, Note>) -> Served {
    let address = x.peer().ip().to_canonical();
    let peer = Peer(peers.client(address, &x.head()));
    x.note().client = Some(peer.0).filter(|client| *client != address);
    let over_https = OverHttps(peers.is_https(address, &x.head()));
    let hosted = x.host(router.clone(), |parts| {
        parts.extensions.insert(peer);
        parts.extensions.insert(over_https);
    });
    match hosted.await {
        Ok(answer) => x.answer(answer).await,
        Err(fault) => {
            let answer = health::host_fault(&fault);
            x.note().fault = Some(fault.to_string());
            x.answer(answer).await
        }
    }
}
