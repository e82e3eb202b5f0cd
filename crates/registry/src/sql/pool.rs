//! Connections that are lent to one caller at a time, with a bounded wait. Must not know what is done on them.

use std::ops::{Deref, DerefMut};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::RegistryError;

pub(super) struct Pool<C> {
    connections: Vec<Mutex<C>>,
    /// Indexes of those that nobody has.
    idle: Mutex<Vec<usize>>,
    returned: Condvar,
    wait_max: Duration,
}

/// One connection, for this caller alone until it is dropped.
pub(super) struct Lease<'p, C> {
    pool: &'p Pool<C>,
    index: usize,
    connection: MutexGuard<'p, C>,
}

impl<C> Pool<C> {
    pub(super) fn new(connections: Vec<C>, wait_max: Duration) -> Self {
        Self {
            idle: Mutex::new((0..connections.len()).collect()),
            connections: connections.into_iter().map(Mutex::new).collect(),
            returned: Condvar::new(),
            wait_max,
        }
    }

    pub(super) fn lease(&self) -> Result<Lease<'_, C>, RegistryError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.returned.wait_timeout_while(idle, self.wait_max, |idle| idle.is_empty());
        let (mut idle, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let index = idle.pop().ok_or(RegistryError::Busy)?;
        // Whoever panicked with it has rolled its transaction back on the way out.
        let connection = self.connections[index].lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Lease { pool: self, index, connection })
    }
}

impl<C> Drop for Lease<'_, C> {
    fn drop(&mut self) {
        self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(self.index);
        self.pool.returned.notify_one();
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
