//! How often one address may begin a log-in: each costs a row in the store, whoever asks (one window a minute).

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use quick_cache::sync::Cache;
use vestibule_domain::identity::Timestamp;

/// Log-ins one address, or one IPv6 network of 64 bits, may begin in a minute.
pub(crate) const BEGINNINGS_MAX: u64 = 60;
/// Addresses that are counted at once.
const ADDRESSES_MAX: usize = 64 * 1024;

/// Counts beginnings by address.
pub(crate) struct Limiter(Cache<u64, Arc<AtomicU64>>);

impl Limiter {
    pub(crate) fn new() -> Self {
        Self(Cache::new(ADDRESSES_MAX))
    }

    /// Whether this address may begin one more now.
    pub(crate) fn admits(&self, client: IpAddr, now: Timestamp) -> bool {
        let minute = now.as_secs().unsigned_abs() / 60;
        let Ok(counter) = self.0.get_or_insert_with(&network(client), || Ok::<_, ()>(Arc::default())) else {
            return true;
        };
        // The minute in the upper half, the count in the lower: one word, so no beginning is lost or counted twice.
        let counted = counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |word| {
            let count = if word >> 32 == minute { word & u64::from(u32::MAX) } else { 0 };
            (count < BEGINNINGS_MAX).then_some(minute << 32 | (count + 1))
        });
        counted.is_ok()
    }
}

fn network(client: IpAddr) -> u64 {
    match client {
        IpAddr::V4(v4) => u64::from(v4.to_bits()),
        IpAddr::V6(v6) => (v6.to_bits() >> 64) as u64,
    }
}

#[cfg(test)]
mod tests;
