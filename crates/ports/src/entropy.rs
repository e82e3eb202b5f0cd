//! Random bytes as a parameter. The real source is in `entropy/system.rs`, the only file here that asks the machine.

mod system;

use std::sync::atomic::{AtomicU64, Ordering};

pub use system::SystemEntropy;

/// Where every secret and every identifier gets its bytes from.
pub trait Entropy: Send + Sync + 'static {
    /// Overwrites all of `bytes` with bytes that nobody can predict.
    fn fill(&self, bytes: &mut [u8]);
}

/// `N` bytes from `entropy`.
pub fn random<const N: usize>(entropy: &dyn Entropy) -> [u8; N] {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes);
    bytes
}

/// A source that a test can predict: SplitMix64 from a seed. Two with one seed give the same bytes.
#[derive(Debug)]
pub struct SeededEntropy(AtomicU64);

/// The increment of SplitMix64 (Steele, Lea, Flood 2014).
const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

impl SeededEntropy {
    /// A source whose bytes follow from `seed`.
    pub const fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    fn next(&self) -> u64 {
        let mut z = self.0.fetch_add(GAMMA, Ordering::Relaxed).wrapping_add(GAMMA);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests;
