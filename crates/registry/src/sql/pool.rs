//! Connections that are lent to one caller at a time, in the order in which they came, with a bounded wait.
//! Must not know what is done on them.

use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::RegistryError;

pub(super) struct Pool<C> {
    connections: Vec<Mutex<C>>,
    desk: Mutex<Desk>,
    wait_max: Duration,
}

/// Who has none yet, and what nobody has: one of the two is always empty.
struct Desk {
    /// Indexes of connections.
    idle: Vec<usize>,
    /// Each is handed a connection's index. Whoever returns one and comes again goes to the end, so nobody waits
    /// for more than those before him.
    waiting: VecDeque<(u64, SyncSender<usize>)>,
    /// The number of the next who waits.
    next: u64,
}

/// One connection, for this caller alone until it is dropped.
pub(super) struct Lease<'p, C> {
    pool: &'p Pool<C>,
    index: usize,
    connection: MutexGuard<'p, C>,
}

impl<C> Pool<C> {
    pub(super) fn new(connections: Vec<C>, wait_max: Duration) -> Self {
        let idle = (0..connections.len()).collect();
        Self {
            connections: connections.into_iter().map(Mutex::new).collect(),
            desk: Mutex::new(Desk { idle, waiting: VecDeque::new(), next: 0 }),
            wait_max,
        }
    }

    pub(super) fn lease(&self) -> Result<Lease<'_, C>, RegistryError> {
        let index = self.index()?;
        // Whoever returned it is about to let go, or has panicked with it and rolled his transaction back.
        let connection = self.connections[index].lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Lease { pool: self, index, connection })
    }

    fn index(&self) -> Result<usize, RegistryError> {
        let mut desk = self.desk();
        if let Some(index) = desk.idle.pop() {
            return Ok(index);
        }
        let (give, take) = sync_channel(1);
        let own = desk.next;
        desk.next += 1;
        desk.waiting.push_back((own, give));
        drop(desk);
        if let Ok(index) = take.recv_timeout(self.wait_max) {
            return Ok(index);
        }
        self.desk().waiting.retain(|(number, _)| *number != own);
        // One that was handed over in the last moment is taken: nobody else knows of it.
        take.try_recv().map_err(|_| RegistryError::Busy)
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many are waiting.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.desk().waiting.len()
    }
}

impl<C> Drop for Lease<'_, C> {
    fn drop(&mut self) {
        let mut desk = self.pool.desk();
        let index = self.index;
        let next = desk.waiting.pop_front();
        if next.is_none_or(|(_, give)| give.send(index).is_err()) {
            desk.idle.push(index);
        }
    }
}

impl<C> Deref for Lease<'_, C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.connection
    }
}

impl<C> DerefMut for Lease<'_, C> {
    fn deref_mut(&mut self) -> &mut C {
        &mut self.connection
    }
}
