//! Log-in attempts: put once, taken once, under the deadline like everything else.

use vestibule_domain::attempt::Attempt;
use vestibule_ports::session_store::{self as store, AttemptKey, StoreError};

use crate::sessions::Sessions;

impl<X: Default + Send + Sync> Sessions<X> {
    /// Keeps an attempt until it comes back or expires.
    pub async fn put_attempt(&self, key: AttemptKey, attempt: &Attempt) -> Result<(), StoreError> {
        let attempt = store::Attempt { body: attempt.encode().into(), expires_at: attempt.expires_at() };
        self.deadline().last_write(self.store.attempt_put(key, attempt)).await
    }

    /// Takes an attempt; nobody gets it again. After an unknown outcome it may be used up.
    pub async fn take_attempt(&self, key: AttemptKey) -> Result<Option<Attempt>, StoreError> {
        let take = self.store.attempt_take(key, self.clock.wall());
        let Some(body) = self.deadline().last_write(take).await? else { return Ok(None) };
        let corrupt = |why| StoreError::Corrupt(format!("log-in attempt: {why}"));
        Attempt::decode(&body).map(Some).map_err(corrupt)
    }
}

#[cfg(test)]
mod tests;
