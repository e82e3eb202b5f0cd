//! The registry on blocking threads: a bounded number of calls at once, a bounded queue before them.
//! Must not know what a call does.

use std::sync::Arc;

use tokio::sync::{Semaphore, watch};
use tokio::task;
use vestibule_registry::{Registry, RegistryError};

use crate::hearers::{Hearer, Hearers};
use crate::reply::Unavailable;

/// The way to the registry. Clones share its bounds.
#[derive(Clone)]
pub(crate) struct Ledger {
    registry: Arc<Registry>,
    running: Arc<Semaphore>,
    admitted: Arc<Semaphore>,
    hearers: Arc<Hearers>,
}

impl Ledger {
    /// Runs at most `at_once` calls and lets `queue` more wait.
    pub(crate) fn new(registry: Arc<Registry>, at_once: usize, queue: usize) -> Self {
        Self {
            registry,
            running: Arc::new(Semaphore::new(at_once)),
            admitted: Arc::new(Semaphore::new(at_once + queue)),
            hearers: Hearers::new(),
        }
    }

    /// The newest number of the feed, with a wake-up at each end.
    pub(crate) fn announced(&self) -> watch::Receiver<u64> {
        self.registry.announced()
    }

    /// Somebody in this process follows the feed, from after this number on.
    pub(crate) fn hear(&self, after: u64) -> Hearer {
        self.hearers.join(after)
    }

    /// Runs one call that may end something. What it ends is known here to everybody who follows when it returns.
    pub(crate) async fn ending<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Registry) -> Result<T, RegistryError> + Send + 'static,
    ) -> Result<T, Unavailable> {
        let announced = self.announced();
        let before = *announced.borrow();
        let outcome = self.call(work).await?;
        let newest = *announced.borrow();
        if newest > before {
            self.hearers.wait_for(newest).await;
        }
        Ok(outcome)
    }

    /// Runs one call. It goes on to its end even if nobody waits for it any more, so a commit is never half told.
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Registry) -> Result<T, RegistryError> + Send + 'static,
    ) -> Result<T, Unavailable> {
        let place = Arc::clone(&self.admitted).try_acquire_owned().map_err(|_| Unavailable::Busy)?;
        let thread = Arc::clone(&self.running).acquire_owned().await.map_err(|_| Unavailable::Busy)?;
        let registry = Arc::clone(&self.registry);
        let call = task::spawn_blocking(move || {
            let _held = (place, thread);
            work(&registry)
        });
        match call.await {
            Ok(outcome) => outcome.map_err(|error| Unavailable::Registry(error.to_string())),
            Err(panicked) => Err(Unavailable::Bug(panicked.to_string())),
        }
    }
}
