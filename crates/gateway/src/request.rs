//! A caller's request from end to end: route · identify · exchange · authorize · relay · log. Reads from top to bottom;
//! each phase is a file.

use std::sync::Arc;

use vestibule_message::head::RequestHead;
use vestibule_oauth::scope::ScopeSet;
use vestibule_ports::issuer::{IssuerError, Presented};
use vestibule_routes::{Held, NoRoute, Permit};
use vestibule_wire::{Edit, Exchange, Leash, Served};

use crate::authorize::Clearance;
use crate::exchange::{NotExchanged, Swap};
use crate::identify::{self, Unidentified};
use crate::leash::Caller;
use crate::relay::{self, Origin};
use crate::{Gateway, Note, reply};

/// Why a request is not relayed.
#[derive(Debug)]
pub(crate) enum Refusal<'g> {
    Route(NoRoute),
    /// The service has no scopes for this method, only for these.
    Method {
        allow: &'g str,
    },
    Unidentified(Unidentified),
    /// Unknown, ended, expired, or of the other door.
    Token,
    /// Nothing follows for the token.
    Issuer(IssuerError),
    /// The token is good and lacks some of these.
    Scopes(&'g ScopeSet),
    Bug,
}

impl Refusal<'_> {
    /// The refusal as the access line names it.
    fn outcome(&self) -> &'static str {
        match self {
            Self::Route(_) => "no-route",
            Self::Method { .. } => "method",
            Self::Unidentified(Unidentified::Missing) => "no-token",
            Self::Unidentified(Unidentified::Malformed) | Self::Token => "invalid-token",
            Self::Unidentified(Unidentified::InQuery | Unidentified::Several) => "invalid-request",
            Self::Issuer(_) => "issuer-unavailable",
            Self::Scopes(_) => "insufficient-scope",
            Self::Bug => "bug",
        }
    }
}

impl From<NotExchanged> for Refusal<'_> {
    fn from(why: NotExchanged) -> Self {
        match why {
            NotExchanged::Refused => Self::Token,
            NotExchanged::Unavailable(error) => Self::Issuer(error),
        }
    }
}

/// Serves one request.
pub(crate) async fn serve(gateway: &Gateway, mut x: Exchange<'_, Note>) -> Served {
    let peer = x.peer().ip();
    let origin = Origin::of(&gateway.live.peers, peer, &x.head(), x.id());
    let mut note = Note { address: Some(origin.client).filter(|client| *client != peer), ..Note::default() };
    let admitted = admit(gateway, x.head(), &origin, &mut note).await;
    let Admitted { permit, up, presented, swap } = match admitted {
        Ok(admitted) => admitted,
        Err(refusal) => {
            note.outcome = Some(refusal.outcome());
            if let Refusal::Issuer(error) = &refusal {
                note.fault = Some(error.to_string());
            }
            *x.note() = note;
            return x.answer(reply::refusal(&refusal)).await;
        }
    };
    note.outcome = Some("relayed");
    *x.note() = note;

    // relay
    let anchor = || Caller::anchor(&gateway.swaps, &presented, &swap);
    match x.relay(permit, Leash::new(&anchor), up).await {
        Ok(relayed) => match relay::for_caller(origin.id) {
            Ok(down) => relayed.send(down).await,
            Err(_) => relayed.replace(reply::refusal(&Refusal::Bug)).await,
        },
        Err(refused) => {
            let answer = reply::relay_fault(refused.fault());
            let mut x = refused.into_exchange();
            x.note().outcome = Some("not-relayed");
            x.answer(answer).await
        }
    }
}

/// A call that may go to its service.
struct Admitted {
    permit: Permit,
    up: Edit,
    presented: Presented,
    swap: Arc<Swap>,
}

/// Leave to relay, and what the service is told; or why not.
async fn admit<'g>(
    gateway: &'g Gateway,
    head: RequestHead<'_>,
    origin: &Origin,
    note: &mut Note,
) -> Result<Admitted, Refusal<'g>> {
    // route
    let found = gateway.live.find(head.host(), head.target()).map_err(Refusal::Route)?;
    let needs = &gateway.live.needs[found.route().number];
    let needed = needs.of(head.method()).ok_or(Refusal::Method { allow: needs.allow() })?;

    // identify
    let presented = identify::presented(&head, gateway.door).map_err(Refusal::Unidentified)?;

    // exchange
    let swap = gateway.swaps.swap(&presented).await?;
    note.swap = Some(Arc::clone(&swap));

    // authorize
    let clearance = Clearance::of(swap.scopes(), needed);
    let permit = found.admit(Held { standing: clearance }).map_err(|_| Refusal::Scopes(needed))?;

    let up = relay::for_service(&head, gateway.door, &swap, origin).map_err(|_| Refusal::Bug)?;
    Ok(Admitted { permit, up, presented, swap })
}
