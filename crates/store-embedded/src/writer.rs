//! The one writer: takes orders from a bounded queue, commits as many as wait in one durable transaction,
//! tells the watchers, then acknowledges. Must not answer before the commit.

use std::cell::Cell;
use std::sync::Arc;
use std::{io, mem, thread};

use redb::Database;
use tokio::sync::{mpsc, oneshot};
use vestibule_ports::session_store::{Event, StoreError};

use crate::commit_point::{CommitPoint, Hook};
use crate::guard::guard;
use crate::shared::Shared;
use crate::tables::{Failure, Tables};

/// Most orders that wait; above this they are refused at once. About a quarter of a second of work.
pub const ORDERS_MAX: usize = 4_096;

/// Most orders in one transaction.
pub const BATCH_ORDERS_MAX: usize = 256;

/// Most entries that one `sweep` removes, whatever it is asked for, so that no commit waits long for it.
pub const SWEEP_MAX: usize = 500;

/// A write on its way: what to do, then whom to tell.
pub(crate) trait Order: Send {
    /// Does its part of a transaction. An error undoes the transaction.
    fn apply(&mut self, tables: &mut Tables<'_>) -> Result<(), redb::Error>;
    /// Acknowledges, or says why not.
    fn settle(self: Box<Self>, outcome: Result<(), StoreError>);
}

struct Write<W, T> {
    step: Step<W, T>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

enum Step<W, T> {
    Waiting(W),
    Applied(Result<T, StoreError>),
    Failed,
}

impl<W, T> Order for Write<W, T>
where
    W: FnOnce(&mut Tables<'_>) -> Result<T, Failure> + Send,
    T: Send,
{
    fn apply(&mut self, tables: &mut Tables<'_>) -> Result<(), redb::Error> {
        if let Step::Waiting(work) = mem::replace(&mut self.step, Step::Failed) {
            self.step = Step::Applied(match work(tables) {
                Ok(answer) => Ok(answer),
                Err(Failure::Entry(error)) => Err(error),
                Err(Failure::Storage(error)) => return Err(error),
            });
        }
        Ok(())
    }

    fn settle(self: Box<Self>, outcome: Result<(), StoreError>) {
        let answer = match (outcome, self.step) {
            (Err(error), _) => Err(error),
            (Ok(()), Step::Applied(answer)) => answer,
            (Ok(()), _) => Err(StoreError::Bug("a write was settled that was not applied".to_owned())),
        };
        // A caller that no longer waits has given up on the answer, not on the write.
        let _unheard = self.reply.send(answer);
    }
}

/// The way to the writer. Dropping it waits until all orders are settled.
pub(crate) struct Orders {
    queue: mpsc::Sender<Box<dyn Order>>,
    // Dropped after `queue`, whose end is what ends the thread.
    _writer: Joined,
}

struct Joined(Option<thread::JoinHandle<()>>);

impl Drop for Joined {
    fn drop(&mut self) {
        // A writer that panicked has told every caller so.
        let _panicked = self.0.take().map(thread::JoinHandle::join);
    }
}

impl Orders {
    /// Starts the writer's thread.
    pub(crate) fn start(shared: Arc<Shared>, hook: Hook) -> io::Result<Self> {
        let (orders, queue) = mpsc::channel(ORDERS_MAX);
        let writer = thread::Builder::new().name("session-writer".to_owned());
        let writer = writer.spawn(move || Writer { shared, queue, hook }.run())?;
        Ok(Self { queue: orders, _writer: Joined(Some(writer)) })
    }

    /// Carries out a piece of work in a transaction and returns once that is durable.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Tables<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let order = Box::new(Write { step: Step::Waiting(work), reply });
        self.queue.try_send(order).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => StoreError::Unreachable("too many writes wait".to_owned()),
            mpsc::error::TrySendError::Closed(_) => StoreError::Bug("the writer has stopped".to_owned()),
        })?;
        answer.await.unwrap_or_else(|_| Err(StoreError::Unknown("the writer stopped on the way".to_owned())))
    }

    /// Wakes the writer, so that it finds a failed file even if nobody writes.
    pub(crate) fn nudge(&self) {
        let (reply, _nobody) = oneshot::channel();
        let nothing = |_: &mut Tables<'_>| Ok(());
        // A full queue wakes the writer too.
        let _refused = self.queue.try_send(Box::new(Write { step: Step::Waiting(nothing), reply }));
    }
}

struct Writer {
    shared: Arc<Shared>,
    queue: mpsc::Receiver<Box<dyn Order>>,
    hook: Hook,
}

impl Writer {
    fn run(mut self) {
        while let Some(first) = self.queue.blocking_recv() {
            let mut batch = vec![first];
            while batch.len() < BATCH_ORDERS_MAX
                && let Ok(next) = self.queue.try_recv()
            {
                batch.push(next);
            }
            self.carry_out(batch);
        }
    }

    fn carry_out(&self, mut batch: Vec<Box<dyn Order>>) {
        let ready = self.shared.make_ready();
        let had_begun = ready.is_ok();
        let outcome = ready.and_then(|()| {
            self.shared.with(|database| self.commit_guarded(database, &mut batch)).inspect_err(|_| {
                self.shared.set_failed();
            })
        });
        let outcome = outcome.map(|events| {
            for event in events {
                self.shared.events.send(event);
            }
            (self.hook)(CommitPoint::BeforeAck);
        });
        for order in batch {
            order.settle(outcome.clone());
        }
        if had_begun {
            // At once where it has failed: readers need it, and the next order may be long in coming. If that fails too,
            // the next beat has it tried again.
            let _closed = self.shared.reopen();
        }
    }

    /// A write that met a damaged page may have been on its way to the file already.
    fn commit_guarded(
        &self,
        database: &Database,
        batch: &mut [Box<dyn Order>],
    ) -> Result<Vec<Event>, StoreError> {
        let committing = Cell::new(false);
        guard(|| self.commit(database, batch, &committing)).unwrap_or_else(|damaged| {
            let outcome = if committing.get() { StoreError::Unknown } else { StoreError::Unreachable };
            Err(outcome(damaged.to_string()))
        })
    }

    fn commit(
        &self,
        database: &Database,
        batch: &mut [Box<dyn Order>],
        committing: &Cell<bool>,
    ) -> Result<Vec<Event>, StoreError> {
        // Until `commit` is called nothing can have reached the file's committed state.
        let nothing_written = |error: redb::Error| StoreError::Unreachable(error.to_string());
        let transaction = database.begin_write().map_err(|error| nothing_written(error.into()))?;
        let mut tables = Tables::open(&transaction).map_err(|error| nothing_written(error.into()))?;
        for order in batch {
            order.apply(&mut tables).map_err(nothing_written)?;
        }
        let (dirty, events) = (tables.dirty, mem::take(&mut tables.events));
        drop(tables);
        if !dirty {
            transaction.abort().map_err(|error| nothing_written(error.into()))?;
            return Ok(events);
        }
        (self.hook)(CommitPoint::BeforeCommit);
        committing.set(true);
        transaction.commit().map_err(|error| StoreError::Unknown(error.to_string()))?;
        (self.hook)(CommitPoint::AfterCommit);
        Ok(events)
    }
}
