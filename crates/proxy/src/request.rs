//! A visitor's request from end to end: route · enrich · relay · log. Reads from top to bottom.

use vestibule_domain::standing::Standing;
use vestibule_routes::Held;
use vestibule_wire::{Exchange, Served};

use crate::Note;
use crate::enrich::{self, Origination};
use crate::reply;
use crate::site::Live;

/// Serves one request.
pub(crate) async fn serve(live: &Live, mut x: Exchange<'_, Note>) -> Served {
    let head = x.head();

    // route
    if let Some(origin) = live.alias_of(head.host()) {
        let answer = reply::elsewhere(origin, head.target());
        return x.answer(answer).await;
    }
    let found = match live.table.find(head.host(), head.target()) {
        Ok(found) => found,
        Err(none) => {
            let answer = reply::no_route(none, &head);
            return x.answer(answer).await;
        }
    };
    let standing = Standing::Anonymous;
    let permit = match found.admit(Held { standing }) {
        Ok(permit) => permit,
        Err(short) => {
            let answer = reply::short(&short, &head);
            return x.answer(answer).await;
        }
    };

    // enrich
    let peer = x.peer().ip();
    let client = live.peers.client(peer, &head);
    let from = Origination { client, scheme: live.scheme(head.host()), id: x.id() };
    let (Ok(up), Ok(down)) = (enrich::for_app(&head, standing, &from), enrich::for_browser(from.id)) else {
        let answer = reply::bug(&head);
        return x.answer(answer).await;
    };
    x.note().client = Some(client).filter(|client| *client != peer);

    // relay
    match x.relay(permit, up).await {
        Ok(relayed) => relayed.send(down).await,
        Err(refused) => {
            let answer = reply::relay_fault(refused.fault());
            refused.into_exchange().answer(answer).await
        }
    }
}
