//! Which master has which keys, as last heard. A value: it is replaced, never changed.

mod slot;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use redis::{Cmd, Value, cmd};
use tokio::time::Instant;

use crate::config::{Place, WAIT_CONNECTIONS};
use crate::dial::Dialer;
use crate::link::{Link, Peer};
use crate::refusal::Failure;
use crate::script::{Run, Scripts};
use crate::vouch::{VOUCHED_FOR, Vouch};

pub(crate) use slot::{SLOTS, slot};

/// A master as the servers name it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Master {
    /// Its name in the cluster, the same wherever it is seen from; empty where there is one master only.
    pub(crate) id: String,
    /// Where it is.
    pub(crate) place: Place,
}

/// Who is master of what, without connections.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Layout {
    /// The masters with slots, in order.
    pub(crate) masters: Vec<Master>,
    /// For each slot its master in that list; `None` where all keys are on the one master.
    pub(crate) slots: Option<Vec<Option<u16>>>,
}

impl Layout {
    /// One master with everything.
    pub(crate) fn of_one(place: Place) -> Self {
        Self { masters: vec![Master { id: String::new(), place }], slots: None }
    }

    fn first_slot(&self, master: usize) -> Option<u16> {
        let slots = self.slots.as_ref()?;
        let at = slots.iter().position(|owner| owner.is_some_and(|owner| usize::from(owner) == master))?;
        u16::try_from(at).ok()
    }
}

/// A layout with connections.
pub(crate) struct Topology {
    pub(crate) layout: Layout,
    pub(crate) nodes: Vec<Arc<Node>>,
}

impl Topology {
    /// Connects to the masters of a layout; those that `before` had stay connected.
    pub(crate) fn new(
        layout: Layout,
        before: Option<&Self>,
        dialer: &Arc<Dialer>,
        scripts: &Arc<Scripts>,
    ) -> Self {
        let node = |(at, master): (usize, &Master)| {
            let first_slot = layout.first_slot(at);
            let kept = before.and_then(|before| {
                before.nodes.iter().find(|node| node.master == *master && node.first_slot == first_slot)
            });
            kept.map_or_else(|| Arc::new(Node::new(master, first_slot, dialer, scripts)), Arc::clone)
        };
        let nodes = layout.masters.iter().enumerate().map(node).collect();
        Self { layout, nodes }
    }

    /// The master of a key.
    pub(crate) fn of(&self, key: &[u8]) -> Option<&Arc<Node>> {
        self.nodes.get(self.at_key(key)?)
    }

    /// The same, by its place among the nodes.
    pub(crate) fn at_key(&self, key: &[u8]) -> Option<usize> {
        match &self.layout.slots {
            None => Some(0),
            Some(slots) => slots[usize::from(slot(key))].map(usize::from),
        }
    }

    /// The master at a place, as a redirect names it.
    pub(crate) fn at(&self, place: &str) -> Option<&Arc<Node>> {
        self.nodes.iter().find(|node| node.master.place.to_string() == place)
    }

    /// Whether the masters are the same, whatever has moved between them.
    pub(crate) fn has_masters_of(&self, other: &Self) -> bool {
        self.layout.masters == other.layout.masters
    }
}

/// What is sent for one key.
pub(crate) enum Order<'s> {
    /// A command of Redis's own.
    Plain(Cmd),
    /// A command that only reads, and must not read the past.
    Read(Cmd),
    /// One of our scripts.
    Script(Run<'s>),
}

/// How far a write must have come before it is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// To the master.
    Master,
    /// To as many replicas as the URL asks for.
    Replicas,
}

/// A master and our connections to it.
pub(crate) struct Node {
    pub(crate) master: Master,
    /// Where its events are published.
    pub(crate) channel: Vec<u8>,
    /// A key that it is master of, written before each beat.
    pub(crate) beat_key: Vec<u8>,
    first_slot: Option<u16>,
    pub(crate) link: Link,
    vouch: Vouch,
    /// Waiting for replicas holds up all that comes behind it on the same connection, so it has its own.
    waiting: Vec<Link>,
    turn: AtomicUsize,
    wait: Cmd,
    replicas: i64,
}

impl Node {
    fn new(master: &Master, first_slot: Option<u16>, dialer: &Arc<Dialer>, scripts: &Arc<Scripts>) -> Self {
        let config = &dialer.config;
        let link = || Link::to(&master.place, Peer::Master(Arc::clone(scripts)), dialer);
        let connections = if config.wait_replicas == 0 { 0 } else { WAIT_CONNECTIONS };
        let mut wait = cmd("WAIT");
        wait.arg(config.wait_replicas).arg(config.wait.as_millis() as u64);
        let (channel, beat_key) = match first_slot {
            None => (format!("{}:events", config.prefix), format!("{}:beat", config.prefix)),
            Some(first) => (
                format!("{}:events:{}", config.prefix, master.id),
                format!("{}:beat:{{{}}}", config.prefix, slot::tag(first)),
            ),
        };
        Self {
            master: master.clone(),
            channel: channel.into_bytes(),
            beat_key: beat_key.into_bytes(),
            first_slot,
            link: link(),
            vouch: Vouch::default(),
            waiting: (0..connections).map(|_| link()).collect(),
            turn: AtomicUsize::new(0),
            wait,
            replicas: config.wait_replicas.into(),
        }
    }

    /// Waits until all its connections are up.
    pub(crate) async fn up(&self) {
        self.link.up().await;
        for link in &self.waiting {
            link.up().await;
        }
    }

    /// Sends an order, with a script's text where its hash is not known.
    pub(crate) async fn carry_out(
        &self,
        order: &Order<'_>,
        asking: bool,
        reach: Reach,
    ) -> Result<Value, Failure> {
        match order {
            Order::Plain(command) => self.send(command.clone(), asking, reach).await,
            Order::Read(command) => {
                self.prove().await?;
                self.send(command.clone(), asking, reach).await
            }
            Order::Script(run) => self.run(run, asking, reach).await,
        }
    }

    async fn run(&self, run: &Run<'_>, asking: bool, reach: Reach) -> Result<Value, Failure> {
        match self.send(run.by_hash(&self.channel), asking, reach).await {
            Err(Failure::Refused(refusal)) if refusal.is_no_script() => {
                self.send(run.by_text(&self.channel), asking, reach).await
            }
            answered => answered,
        }
    }

    /// Publishes a beat, if the master may write: one that may not must not keep a lease alive.
    pub(crate) async fn beat(&self, payload: &[u8]) -> Result<(), Failure> {
        self.show().await?;
        let mut publish = cmd("PUBLISH");
        publish.arg(self.channel.as_slice()).arg(payload);
        self.link.send(&publish).await.map(drop)
    }

    /// Has the master show that it may write, if it has not lately.
    async fn prove(&self) -> Result<(), Failure> {
        if self.vouch.holds() {
            return Ok(());
        }
        match self.show().await {
            // A full memory or disk says nothing about who is master: better to read than to be down as well.
            Err(Failure::Refused(refusal)) if !refusal.is_of_standing() => Ok(()),
            shown => shown,
        }
    }

    /// A write, which vouches for the reads that follow. No script: those of Redis 6.2 write however few replicas are left.
    async fn show(&self) -> Result<(), Failure> {
        let sent = Instant::now();
        let mut set = cmd("SET");
        set.arg(self.beat_key.as_slice()).arg("beat").arg("PX").arg(VOUCHED_FOR.as_millis() as u64);
        self.link.send(&set).await?;
        self.vouch.renew(sent);
        Ok(())
    }

    async fn send(&self, command: Cmd, asking: bool, reach: Reach) -> Result<Value, Failure> {
        let link = self.link_for(reach);
        let waits = link.is_some();
        let link = link.unwrap_or(&self.link);
        if !asking && !waits {
            return link.send(&command).await;
        }
        let mut commands = Vec::with_capacity(3);
        commands.extend(asking.then(|| cmd("ASKING")));
        commands.push(command);
        commands.extend(waits.then(|| self.wait.clone()));
        let answers = link.send_all(&commands).await.map_err(|failure| in_doubt(failure, waits))?;
        let mut answers = answers.into_iter().skip(usize::from(asking));
        let none = || in_doubt(Failure::Lost("redis: an answer is missing".to_owned()), waits);
        let answer = answers.next().ok_or_else(none)?.map_err(|failure| in_doubt(failure, waits))?;
        if waits && wrote(&answer) { self.weigh(answers.next()).map(|()| answer) } else { Ok(answer) }
    }

    fn link_for(&self, reach: Reach) -> Option<&Link> {
        if reach == Reach::Master || self.waiting.is_empty() {
            return None;
        }
        self.waiting.get(self.turn.fetch_add(1, Ordering::Relaxed) % self.waiting.len())
    }

    /// A write that too few replicas have stands on the master, and a failover may take it back. The same goes for one
    /// whose wait was refused or cut short, whatever the reason: it is no error of the write.
    fn weigh(&self, waited: Option<Result<Value, Failure>>) -> Result<(), Failure> {
        let why = match waited {
            Some(Ok(Value::Int(had))) if had >= self.replicas => return Ok(()),
            Some(Err(Failure::Refused(refusal))) => format!("WAIT was refused: {}", refusal.text()),
            _ => "too few replicas in time".to_owned(),
        };
        let (place, replicas) = (&self.master.place, self.replicas);
        Err(Failure::Unsafe(format!(
            "redis at {place} has it, and wait_replicas={replicas} is not met: {why}"
        )))
    }
}

/// What is lost while replicas are waited for may stand on the master alone, where a read would find it.
fn in_doubt(failure: Failure, waits: bool) -> Failure {
    match failure {
        Failure::Lost(why) if waits => Failure::Unsafe(format!("{why}, and may be on its master only")),
        failure => failure,
    }
}

/// Whether an answer says that something was written: what was not needs no replicas. A tombstone that was there before
/// is written again (`end.lua`).
fn wrote(answer: &Value) -> bool {
    match answer {
        Value::Int(number) => *number == 1,
        Value::Array(parts) => matches!(parts.first(), Some(Value::Int(1 | 2))),
        Value::Nil => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests;
