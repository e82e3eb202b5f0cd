//! Free ports of this machine, where a site's origin has to be known before anything listens.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};

/// Above the ports that other journeys listen on, below those that systems give to outgoing connections.
const LOWEST: u16 = 24_000;
/// Ports from one base to the next.
const STRIDE: u16 = 20;
/// Bases there are.
const BASES: u32 = 400;

/// A base at which these distances are free. No other caller in this process gets the same.
pub(super) fn free_base(distances: &[u16]) -> u16 {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    let is_free = |port: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
    for _ in 0..BASES {
        // Test binaries that run at the same time begin at different places.
        let number =
            std::process::id().wrapping_mul(8).wrapping_add(TAKEN.fetch_add(1, Ordering::Relaxed)) % BASES;
        let base = LOWEST + number as u16 * STRIDE;
        if distances.iter().all(|distance| is_free(base + distance)) {
            return base;
        }
    }
    panic!("no free ports from {LOWEST} on");
}
