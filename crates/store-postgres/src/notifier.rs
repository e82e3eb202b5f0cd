//! Tells what has been committed: one transaction for all that has gathered while the last one was on its way. NOTIFY
//! within each commit would let commits in only one by one.
//!
//! A write is acknowledged when it has been told, or when telling has failed: then a `Gap` stands in front of whatever is
//! told next. Beats take the same way and therefore come behind everything acknowledged, and none of ours without the `Gap`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::timeout;
use vestibule_ports::session_store::{Event, StoreError};

use crate::event::payloads;
use crate::failure::Intent;
use crate::lanes::Lanes;

/// Events that wait to be told; when there are more, everybody is told of a `Gap` in their place.
pub const QUEUE_EVENTS_MAX: usize = 8_192;

/// Events of one transaction: about six payloads.
pub const BATCH_EVENTS_MAX: usize = 1_024;

/// How often a batch is tried: once more where its connection has died.
const TRIES: usize = 2;

/// How long that may take.
const TELL_MAX: Duration = Duration::from_secs(1);

struct Order {
    event: Event,
    told: oneshot::Sender<Result<(), StoreError>>,
}

/// The answer to an order, to wait for.
#[derive(Debug)]
pub(crate) struct Told(oneshot::Receiver<Result<(), StoreError>>);

impl Told {
    /// Returns when the event has been told. After an error it may not have been, and whatever is told next comes behind
    /// a `Gap`.
    pub(crate) async fn heard(self) -> Result<(), StoreError> {
        let lost = || Err(StoreError::Unreachable("there is no room for events".to_owned()));
        self.0.await.unwrap_or_else(|_| lost())
    }
}

/// The way to the task that tells.
#[derive(Debug)]
pub(crate) struct Notifier {
    orders: mpsc::Sender<Order>,
    owes_gap: Arc<AtomicBool>,
    names_standbys: Arc<AtomicBool>,
    task: AbortHandle,
}

impl Notifier {
    /// Tells through these lanes until it is dropped.
    pub(crate) fn start(lanes: Lanes, channel: &str) -> Self {
        let (orders, inbox) = mpsc::channel(QUEUE_EVENTS_MAX);
        let owes_gap = Arc::new(AtomicBool::new(false));
        let names_standbys = Arc::new(AtomicBool::new(true));
        let teller = Teller {
            lanes,
            channel: Arc::from(channel),
            inbox,
            owes_gap: Arc::clone(&owes_gap),
            names_standbys: Arc::clone(&names_standbys),
        };
        Self { orders, owes_gap, names_standbys, task: tokio::spawn(teller.run()).abort_handle() }
    }

    /// Whether commits wait for a standby. They may, unless the newest beat has told otherwise.
    pub(crate) fn names_standbys(&self) -> bool {
        self.names_standbys.load(Ordering::Relaxed)
    }

    /// Has the event told, behind all that were ordered earlier.
    pub(crate) fn order(&self, event: Event) -> Told {
        let (told, answer) = oneshot::channel();
        if self.orders.try_send(Order { event, told }).is_err() {
            self.owes_gap.store(true, Ordering::Release);
        }
        Told(answer)
    }
}

impl Drop for Notifier {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An event that may have to be told: orders it when it is dropped, unless somebody has learnt better. So a commit whose
/// answer was lost is told too.
pub(crate) struct InDoubt {
    notifier: Arc<Notifier>,
    event: Option<Event>,
}

impl InDoubt {
    pub(crate) fn new(notifier: Arc<Notifier>, event: Event) -> Self {
        Self { notifier, event: Some(event) }
    }

    /// It has happened.
    pub(crate) fn order(mut self) -> Option<Told> {
        self.event.take().map(|event| self.notifier.order(event))
    }

    /// It has not happened, or has been told already.
    pub(crate) fn forget(mut self) {
        self.event = None;
    }
}

impl Drop for InDoubt {
    fn drop(&mut self) {
        if let Some(event) = self.event.take() {
            let _nobody_waits = self.notifier.order(event);
        }
    }
}

struct Teller {
    lanes: Lanes,
    channel: Arc<str>,
    inbox: mpsc::Receiver<Order>,
    /// Events were lost, or may have been.
    owes_gap: Arc<AtomicBool>,
    /// The server has standbys that its commits wait for.
    names_standbys: Arc<AtomicBool>,
}

impl Teller {
    async fn run(mut self) {
        let mut batch = Vec::new();
        while self.inbox.recv_many(&mut batch, BATCH_EVENTS_MAX).await > 0 {
            let answer = self.tell(&batch).await;
            for order in batch.drain(..) {
                // Whoever has gone needs no answer.
                let _gone = order.told.send(answer.clone());
            }
        }
    }

    async fn tell(&self, batch: &[Order]) -> Result<(), StoreError> {
        let gap = self.owes_gap.swap(false, Ordering::AcqRel).then_some(Event::Gap);
        let payloads = payloads(gap.iter().chain(batch.iter().map(|order| &order.event)));
        let mut watchers: Vec<i64> = batch.iter().filter_map(|order| watcher(&order.event)).collect();
        watchers.sort_unstable();
        watchers.dedup();
        let tries = async {
            let mut answer = Ok(());
            for _ in 0..TRIES {
                answer = self.tell_once(payloads.clone(), watchers.clone()).await;
                if answer.is_ok() {
                    break;
                }
            }
            answer
        };
        let late = || Err(StoreError::Unknown("events were not told in time".to_owned()));
        let answer = timeout(TELL_MAX, tries).await.unwrap_or_else(|_| late());
        if answer.is_err() {
            self.owes_gap.store(true, Ordering::Release);
        }
        answer
    }

    async fn tell_once(&self, payloads: Vec<String>, watchers: Vec<i64>) -> Result<(), StoreError> {
        let (channel, names_standbys) = (Arc::clone(&self.channel), Arc::clone(&self.names_standbys));
        let call = self.lanes.run(Intent::Write, |lane| async move {
            if watchers.is_empty() {
                lane.client.query(&lane.sql.tell, &[&&*channel, &payloads]).await?;
            } else {
                // A beat that waits for a standby in vain tells nothing.
                names_standbys.store(true, Ordering::Relaxed);
                let told = lane.client.query(&lane.sql.beat, &[&&*channel, &payloads, &watchers]).await?;
                if let Some(row) = told.first() {
                    let standbys: Option<String> = row.try_get(1)?;
                    names_standbys.store(standbys.is_some_and(|names| !names.is_empty()), Ordering::Relaxed);
                }
            }
            Ok(())
        });
        call.await
    }
}

fn watcher(event: &Event) -> Option<i64> {
    match event {
        Event::Alive(beat) => Some(beat.watcher.cast_signed()),
        _ => None,
    }
}
