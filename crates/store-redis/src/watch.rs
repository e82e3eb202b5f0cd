//! Listens to every master and makes one stream of it. Ends as soon as one of them is lost: nobody knows what was missed.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::try_join_all;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use redis::Msg;
use tokio::sync::watch;
use tokio::time::Instant;
use vestibule_ports::session_store::{Beat, Broadcast, Event, StoreError, Watch};

use crate::event;
use crate::servers::Servers;
use crate::task::Task;
use crate::topology::Topology;

/// Most beats that have come from some of the masters and not yet from the others.
const BEATS_MAX: usize = 256;

/// A master that passes on no beat for so long, while others do, is not heard any more: its connection is dead without
/// having ended. The events of the others must not hide that.
pub const SILENCE_MAX: Duration = Duration::from_secs(3);

/// Subscribes at every master.
pub(crate) async fn open(servers: &Servers) -> Result<Watch, StoreError> {
    let follow = servers.follow();
    let topology = servers.topology();
    let listeners = try_join_all(
        topology.nodes.iter().map(|node| servers.dialer.subscribed(&node.master.place, &node.channel)),
    )
    .await
    .map_err(|no| {
        servers.look();
        StoreError::Unreachable(no.to_string())
    })?;
    if !topology.has_masters_of(&servers.topology()) {
        return Err(StoreError::Unreachable("redis: its masters have just changed".to_owned()));
    }
    let messages = listeners.into_iter().enumerate().map(|(at, listener)| {
        let messages = listener.into_on_message().map(move |message| Some((at, message)));
        messages.chain(stream::once(async { None })).boxed()
    });
    let out = Broadcast::new();
    let heard = out.watch();
    let beats = Beats::of(topology.nodes.len());
    let ear = Ear { topology, follow, beats, out };
    let listening = Task::spawn(ear.listen(stream::select_all(messages).boxed()));
    // The task lives as long as whoever listens to it.
    Ok(heard.map(move |event| (event, &listening).0).boxed())
}

/// A message with its master's place in the topology; `None` when one of the channels has ended.
type Messages = BoxStream<'static, Option<(usize, Msg)>>;

struct Ear {
    topology: Arc<Topology>,
    follow: watch::Receiver<Arc<Topology>>,
    beats: Beats,
    out: Broadcast,
}

impl Ear {
    /// Until a channel is lost or has fallen silent, or the masters are others. Ending it ends the watch.
    async fn listen(mut self, mut messages: Messages) {
        loop {
            tokio::select! {
                biased;
                changed = self.follow.changed() => if changed.is_err() || !self.is_complete() { return },
                message = messages.next() => match message.flatten() {
                    Some((master, message)) => {
                        self.hear(master, message.get_payload_bytes());
                        if self.beats.are_missed(Instant::now()) {
                            return;
                        }
                    }
                    None => return,
                },
            }
        }
    }

    /// Whether these are still all masters.
    fn is_complete(&self) -> bool {
        self.topology.has_masters_of(&self.follow.borrow())
    }

    fn hear(&mut self, master: usize, payload: &[u8]) {
        match event::read(payload) {
            Event::Alive(beat) => {
                if self.beats.came(beat, master, Instant::now()) && self.is_complete() {
                    self.out.send(Event::Alive(beat));
                }
            }
            event => self.out.send(event),
        }
    }
}

/// Beats on their way: one counts when every master has passed it on.
#[derive(Debug)]
struct Beats {
    under_way: VecDeque<(Beat, Vec<bool>)>,
    /// For each master since when it owes a beat that another has passed on.
    owed: Vec<Option<Instant>>,
}

impl Beats {
    fn of(masters: usize) -> Self {
        Self { under_way: VecDeque::new(), owed: vec![None; masters] }
    }

    /// Whether this was the last master that the beat was missing from.
    fn came(&mut self, beat: Beat, master: usize, now: Instant) -> bool {
        let masters = self.owed.len();
        if masters == 1 {
            return true;
        }
        let at = self.under_way.iter().position(|(known, _)| *known == beat).unwrap_or_else(|| {
            if self.under_way.len() == BEATS_MAX {
                self.under_way.pop_front();
            }
            self.under_way.push_back((beat, vec![false; masters]));
            self.under_way.len() - 1
        });
        let Some((_, from)) = self.under_way.get_mut(at) else { return false };
        from[master] = true;
        self.owed[master] = None;
        for (owed, _) in self.owed.iter_mut().zip(&*from).filter(|(_, came)| !**came) {
            owed.get_or_insert(now);
        }
        let complete = from.iter().all(|came| *came);
        if complete {
            self.under_way.remove(at);
        }
        complete
    }

    /// Whether a master has been silent for too long, while another was not.
    fn are_missed(&self, now: Instant) -> bool {
        self.owed.iter().flatten().any(|since| now.saturating_duration_since(*since) >= SILENCE_MAX)
    }
}

#[cfg(test)]
mod tests;
