//! Log-in failures: how many are free, and what they are counted by. Guessing is slowed down; nobody is locked out of
//! a device that has logged in before.
//! Must not know where counts are kept or whether a user exists: unknown names are counted like known ones.

use std::net::IpAddr;
use std::time::Duration;

use crate::digest::sha256_of_parts;
use crate::identity::Timestamp;

/// Failures in a row, of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failures {
    /// How many, since the last success.
    pub count: u32,
    /// When the newest was.
    pub last: Timestamp,
}

/// How many failures are free, and how slow it gets then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Throttle {
    /// Free failures of one user from one network.
    pub pair_free: u32,
    /// Free failures of one user from a device known to that user, and of one user from anywhere.
    pub user_free: u32,
    /// After that, one try in this time.
    pub pause: Duration,
    /// Failures are forgotten this long after the last.
    pub forgotten_after: Duration,
}

impl Default for Throttle {
    fn default() -> Self {
        Self {
            pair_free: 10,
            user_free: 100,
            pause: Duration::from_mins(1),
            forgotten_after: Duration::from_hours(24),
        }
    }
}

/// What a try is counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// Failures of this user from this network.
    pub pair: Option<Failures>,
    /// Failures of this user from everywhere, on every path that takes a password or a code.
    pub user: Option<Failures>,
    /// Whether the device has logged this user in before.
    pub known_device: bool,
}

/// Too many failures: the password is not even looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many failures, try again in {} s", .wait.as_secs())]
pub struct Throttled {
    /// When the next try is free. At least a second.
    pub wait: Duration,
}

impl Throttle {
    /// Whether a password may be tried now.
    pub fn check(&self, counted: &Counted, now: Timestamp) -> Result<(), Throttled> {
        let pair_free = if counted.known_device { self.user_free } else { self.pair_free };
        // A known device is judged by its own failures: what others do elsewhere must not keep its owner out.
        let user = counted.user.filter(|_| !counted.known_device);
        let waits = [self.wait(counted.pair, pair_free, now), self.wait(user, self.user_free, now)];
        match waits.into_iter().max() {
            Some(wait) if !wait.is_zero() => Err(Throttled { wait: wait.max(Duration::from_secs(1)) }),
            _ => Ok(()),
        }
    }

    /// The count after one more failure.
    pub fn failed(&self, before: Option<Failures>, now: Timestamp) -> Failures {
        let count = before.filter(|failures| self.counts(failures, now)).map_or(0, |failures| failures.count);
        Failures { count: count.saturating_add(1), last: now }
    }

    fn wait(&self, failures: Option<Failures>, free: u32, now: Timestamp) -> Duration {
        match failures {
            Some(failures) if failures.count >= free && self.counts(&failures, now) => {
                self.pause.saturating_sub(now.since(failures.last))
            }
            _ => Duration::ZERO,
        }
    }

    fn counts(&self, failures: &Failures, now: Timestamp) -> bool {
        now.since(failures.last) < self.forgotten_after
    }
}

/// What failures of one user are counted under. `user` is the one canonical spelling of the name that was typed.
pub fn user_key(user: &str) -> [u8; 32] {
    sha256_of_parts(&[b"user", user.as_bytes()])
}

/// What failures of one user from one network are counted under.
pub fn pair_key(user: &str, peer: IpAddr) -> [u8; 32] {
    sha256_of_parts(&[b"pair", user.as_bytes(), &network(peer)])
}

/// A network that one party commands: 24 bits of IPv4, 64 of IPv6.
fn network(peer: IpAddr) -> Vec<u8> {
    match peer.to_canonical() {
        IpAddr::V4(v4) => v4.octets()[..3].to_vec(),
        IpAddr::V6(v6) => v6.octets()[..8].to_vec(),
    }
}

#[cfg(test)]
mod tests;
