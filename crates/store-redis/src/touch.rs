//! Last-seen times, many at once: all of one master in one round trip. Where keys may be anywhere, each has a run of its
//! own, because a script's keys must be in one slot.

use std::sync::Arc;

use futures_util::future::join_all;
use redis::Cmd;
use vestibule_domain::identity::{Handle, Timestamp};
use vestibule_ports::session_store::StoreError;

use crate::entry;
use crate::keys::Keys;
use crate::refusal::{Failure, of_write};
use crate::script::Run;
use crate::servers::Servers;
use crate::topology::{Node, Order, Reach};

/// Entries that one run moves: a script holds up everybody else, this one for less than a millisecond.
const RUN_MAX: usize = 200;

/// What one master has to do.
struct Share<'s> {
    node: Arc<Node>,
    runs: Vec<Run<'s>>,
}

/// Moves the times forward, as far as there is something to move.
pub(crate) async fn all(
    servers: &Servers,
    keys: &Keys,
    seen: &[(Handle, Timestamp)],
) -> Result<(), StoreError> {
    let topology = servers.topology();
    let share = |node: &Arc<Node>| Share { node: Arc::clone(node), runs: Vec::new() };
    let mut shares: Vec<Share<'_>> = topology.nodes.iter().map(share).collect();
    let mut told = Ok(());
    let run_max = if topology.layout.slots.is_some() { 1 } else { RUN_MAX };
    for touches in seen.chunks(run_max) {
        let run = run(servers, keys, touches);
        match topology.at_key(run.key()).and_then(|at| shares.get_mut(at)) {
            Some(share) => share.runs.push(run),
            None => told = Err(StoreError::Unreachable("redis: no master serves some keys now".to_owned())),
        }
    }
    if told.is_err() {
        servers.look();
    }
    let busy = shares.iter().filter(|share| !share.runs.is_empty());
    let sent = join_all(busy.map(|share| send(servers, share))).await;
    sent.into_iter().fold(told, Result::and)
}

fn run<'s>(servers: &'s Servers, keys: &Keys, touches: &[(Handle, Timestamp)]) -> Run<'s> {
    let entries = touches.iter().map(|(handle, _)| keys.session(*handle)).collect();
    let run = Run::on_all(&servers.scripts.touch, entries);
    touches.iter().fold(run, |run, (_, at)| run.arg(entry::time(*at)))
}

async fn send(servers: &Servers, Share { node, runs }: &Share<'_>) -> Result<(), StoreError> {
    let key = runs.first().map_or(&[][..], Run::key);
    let commands: Vec<Cmd> = runs.iter().map(|run| run.by_hash(&node.channel)).collect();
    let answers = node.link.send_all(&commands).await.map_err(|failure| {
        servers.heed(&failure);
        of_write(key, failure)
    })?;
    let mut told = Ok(());
    for (run, answered) in runs.iter().zip(answers) {
        // What was refused for its place or its hash goes again, one by one: it moved nothing.
        let answered = match answered {
            Err(Failure::Refused(refusal)) if refusal.is_no_script() || refusal.redirect().is_some() => {
                servers.ask(run.key(), &Order::Script(run.clone()), Reach::Master).await
            }
            answered => answered,
        };
        if let Err(failure) = answered {
            told = Err(of_write(run.key(), failure));
        }
    }
    told
}
