//! Following the provider: one task hears ends and heartbeats in their order, and connects again when it hears nothing.

use std::convert::Infallible;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::time::{sleep, timeout};
use vestibule_ports::issuer::{Feed as Items, Issuer};

use crate::feed::Feed;

/// A feed that was silent for so long is taken for dead. Heartbeats should have come every half second.
pub const SILENCE_MAX: Duration = Duration::from_secs(3);

/// How long to wait before a lost feed is asked for again.
pub const RECONNECT_EVERY: Duration = Duration::from_millis(250);

impl Feed {
    /// Follows the provider for ever. Drop it to stop.
    pub async fn run(&self, issuer: &dyn Issuer) -> Infallible {
        loop {
            if let Ok(Ok(items)) = timeout(SILENCE_MAX, issuer.feed(self.seq())).await {
                self.heed_all(items).await;
            }
            sleep(RECONNECT_EVERY).await;
        }
    }

    /// Until the feed ends, fails or falls silent. It is heard again with its first item, not when it is open: a provider
    /// in this process opens it at once, whether it has anything to say or not. Who asked for something between the two
    /// asks again.
    async fn heed_all(&self, mut items: Items) {
        let mut is_first = true;
        while let Ok(Some(Ok(item))) = timeout(SILENCE_MAX, items.next()).await {
            if std::mem::take(&mut is_first) {
                self.resume();
            }
            self.heed(item);
        }
    }
}

#[cfg(test)]
mod tests;
