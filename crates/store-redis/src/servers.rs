//! All masters of a store as one: finds the one for a key, and goes where it is sent. Never sends a write twice: only
//! what a server has refused to carry out goes elsewhere.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use redis::Value;
use tokio::sync::{Notify, watch};
use tokio::time::timeout;
use vestibule_ports::session_store::{Beat, StoreError};

use crate::config::Arrangement;
use crate::dial::Dialer;
use crate::event;
use crate::refusal::{Failure, Redirect, of_write};
use crate::scout::{Scout, masters};
use crate::script::Scripts;
use crate::task::Task;
use crate::topology::{Layout, Master, Node, Order, Reach, Topology};

/// Most times that one order is sent elsewhere.
const REDIRECTS_MAX: usize = 3;

/// How long an order waits for a look at the masters, when the one it was sent to is not known. Below what a request's
/// deadline leaves to a write, so that its caller learns that it has not happened.
const LOOK_MAX: Duration = Duration::from_millis(150);

/// The masters, as last found.
pub(crate) struct Servers {
    pub(crate) dialer: Arc<Dialer>,
    pub(crate) scripts: Arc<Scripts>,
    topology: watch::Receiver<Arc<Topology>>,
    look: Arc<Notify>,
    _scout: Task,
}

impl Servers {
    /// Connects to the masters of a layout and follows what becomes of them.
    pub(crate) fn start(layout: Layout, dialer: &Arc<Dialer>, scripts: &Arc<Scripts>, scout: Scout) -> Self {
        let first = Topology::new(layout, None, dialer, scripts);
        let (report, topology) = watch::channel(Arc::new(first));
        let look = Arc::new(Notify::new());
        let scout = Task::spawn(scout.run(report, Arc::clone(&look)));
        Self { dialer: Arc::clone(dialer), scripts: Arc::clone(scripts), topology, look, _scout: scout }
    }

    /// Who is master now.
    pub(crate) fn topology(&self) -> Arc<Topology> {
        Arc::clone(&self.topology.borrow())
    }

    /// Hears when that changes.
    pub(crate) fn follow(&self) -> watch::Receiver<Arc<Topology>> {
        self.topology.clone()
    }

    /// Waits until every master is connected.
    pub(crate) async fn up(&self) {
        for node in &self.topology().nodes {
            node.up().await;
        }
    }

    /// Has the scout look for masters now.
    pub(crate) fn look(&self) {
        self.look.notify_one();
    }

    /// Sends an order to the master of its key.
    pub(crate) async fn ask(&self, key: &[u8], order: &Order<'_>, reach: Reach) -> Result<Value, Failure> {
        let nobody = || Failure::Unsent("redis: no master serves this key now".to_owned());
        let Some(mut node) = self.topology().of(key).map(Arc::clone) else {
            self.look();
            return Err(nobody());
        };
        let mut asking = false;
        let mut redirects = 0;
        loop {
            let answered = node.carry_out(order, asking, reach).await;
            let Err(failure) = &answered else { return answered };
            self.heed(failure);
            let Failure::Refused(refusal) = failure else { return answered };
            let Some(redirect) = refusal.redirect().filter(|_| redirects < REDIRECTS_MAX) else {
                return answered;
            };
            redirects += 1;
            let next = match &redirect {
                Redirect::Moved(place) => self.moved_to(place, key).await,
                // To a master that we know nothing of, nobody would listen yet.
                Redirect::Ask(place) => self.topology().at(place).map(Arc::clone),
            };
            asking = matches!(redirect, Redirect::Ask(_));
            node = next.ok_or_else(nobody)?;
        }
    }

    async fn moved_to(&self, place: &str, key: &[u8]) -> Option<Arc<Node>> {
        if let Some(node) = self.topology().at(place) {
            return Some(Arc::clone(node));
        }
        let mut topology = self.topology.clone();
        let found = timeout(LOOK_MAX, topology.wait_for(|topology| topology.at(place).is_some())).await;
        found.ok()?.ok()?.of(key).map(Arc::clone)
    }

    /// Whether a write is acknowledged only when so many replicas have it too.
    pub(crate) fn waits_for_replicas(&self) -> bool {
        self.dialer.config.wait_replicas > 0
    }

    /// A master that is none, or is not there, is a reason to look for another.
    pub(crate) fn heed(&self, failure: &Failure) {
        match failure {
            Failure::Refused(refusal) if !refusal.is_of_no_master() => {}
            Failure::Refused(_) | Failure::Unsent(_) | Failure::Lost(_) | Failure::Unsafe(_) => self.look(),
        }
    }

    /// Sends a beat through every master, behind a write. First each must know the same masters as we do: what a master
    /// that we do not listen to has published would be missing before this beat.
    pub(crate) async fn beat(&self, beat: Beat) -> Result<(), StoreError> {
        let topology = self.topology();
        if self.dialer.config.arrangement == Arrangement::Cluster {
            let own: BTreeSet<Master> = topology.layout.masters.iter().cloned().collect();
            let asked = topology.nodes.iter().map(|node| masters(&node.link, &node.master.place));
            if join_all(asked).await.into_iter().any(|believed| believed.as_ref() != Some(&own)) {
                self.look();
                return Err(StoreError::Unreachable("redis: not all masters agree who they are".to_owned()));
            }
        }
        let payload = event::beat(beat);
        let beats = topology.nodes.iter().map(async |node| node.beat(&payload).await);
        for (answered, node) in join_all(beats).await.into_iter().zip(&topology.nodes) {
            answered.map_err(|failure| {
                self.heed(&failure);
                of_write(&node.beat_key, failure)
            })?;
        }
        Ok(())
    }
}
