//! Log-in failures: how many are free, and what they are counted by. Guessing is slowed down; nobody is locked out of
//! a device that has logged in before.
//! Must not know where counts are kept or whether a user exists: unknown names are counted like known ones.

use std::fmt;
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
    /// Free failures of one user from one network, on devices that are not known.
    pub pair_free: u32,
    /// Free failures of one user on one device known to that user, and of one user from anywhere.
    pub user_free: u32,
    /// After that, one try in this time.
    pub pause: Duration,
    /// Failures are forgotten this long after the last.
    pub forgotten_after: Duration,
    /// Free failures from one network, whoever the users: a hundred people may sit behind one address.
    pub network_free: u32,
    /// After that, one try in this time.
    pub network_pause: Duration,
    /// Failures of a network are forgotten this long after the last, and once as many tries were let in at the slow
    /// pace as fit into this time: nobody keeps his neighbours slow for ever by never pausing.
    pub network_forgotten_after: Duration,
}

impl Default for Throttle {
    fn default() -> Self {
        Self {
            pair_free: 10,
            user_free: 100,
            pause: Duration::from_mins(1),
            forgotten_after: Duration::from_hours(24),
            network_free: 100,
            network_pause: Duration::from_secs(1),
            network_forgotten_after: Duration::from_mins(10),
        }
    }
}

/// What a try is counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// Failures of this user on this device, if it is known; else from this network.
    pub own: Option<Failures>,
    /// Failures of this user from everywhere, on every path that takes a password or a code.
    pub user: Option<Failures>,
    /// Failures from this network, of whatever user.
    pub network: Option<Failures>,
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

/// Somebody seems to guess at a user's password. Counted before it was looked at, the newest try may be right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alarm {
    /// How many tries in a row.
    pub tries: u32,
    /// Where from.
    pub whence: Whence,
}

/// Where failures came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whence {
    /// One network.
    Network,
    /// One device that has logged this user in before.
    KnownDevice,
    /// All networks and devices together.
    Anywhere,
}

impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whence = match self.whence {
            Whence::Network => "from one network",
            Whence::KnownDevice => "in one known browser",
            Whence::Anywhere => "from all networks together",
        };
        write!(f, "{} tries in a row {whence}", self.tries)
    }
}

impl Throttle {
    /// Whether a password may be tried now.
    pub fn check(&self, counted: &Counted, now: Timestamp) -> Result<(), Throttled> {
        let own_free = self.own_free(counted.known_device);
        // A known device is judged by its own failures alone, wherever it is: what others do, next door or elsewhere,
        // must not keep its owner out, and another network makes it no other device.
        let of_others = |failures: Option<Failures>| failures.filter(|_| !counted.known_device);
        let waits = [
            wait(counted.own, own_free, self.pause, self.forgotten_after, now),
            wait(of_others(counted.user), self.user_free, self.pause, self.forgotten_after, now),
            wait(
                of_others(counted.network),
                self.network_free,
                self.network_pause,
                self.network_forgotten_after,
                now,
            ),
        ];
        match waits.into_iter().max() {
            Some(wait) if !wait.is_zero() => Err(Throttled { wait: wait.max(Duration::from_secs(1)) }),
            _ => Ok(()),
        }
    }

    /// The count of a user after one more failure.
    pub fn failed(&self, before: Option<Failures>, now: Timestamp) -> Failures {
        one_more(before, self.forgotten_after, now)
    }

    /// What the trail is told of a user's counts after one more failure: that one has used up what is free, and each
    /// time that it has doubled since. So it tells of a guesser who never stops, in few lines.
    pub fn alarm(&self, own: Failures, user: Failures, known_device: bool) -> Option<Alarm> {
        let is_due = |failures: Failures, free: u32| {
            let times = failures.count / free.max(1);
            failures.count.is_multiple_of(free.max(1)) && times.is_power_of_two()
        };
        let own_whence = if known_device { Whence::KnownDevice } else { Whence::Network };
        let alarm = |failures: Failures, whence| Some(Alarm { tries: failures.count, whence });
        if is_due(user, self.user_free) {
            alarm(user, Whence::Anywhere)
        } else if is_due(own, self.own_free(known_device)) {
            alarm(own, own_whence)
        } else {
            None
        }
    }

    const fn own_free(&self, known_device: bool) -> u32 {
        if known_device { self.user_free } else { self.pair_free }
    }

    /// The count of a network after one more failure, or one more try at the slow pace.
    pub fn network_failed(&self, before: Option<Failures>, now: Timestamp) -> Failures {
        let served_out = |failures: &Failures| {
            let slow = failures.count.saturating_sub(self.network_free);
            self.network_pause.saturating_mul(slow) >= self.network_forgotten_after
        };
        one_more(before.filter(|failures| !served_out(failures)), self.network_forgotten_after, now)
    }

    /// Whether the newest try of a network was let in at the slow pace. Such a try counts even if its password was
    /// right: else somebody could hold the pace with an account of his own.
    pub const fn is_paced(&self, network: Failures) -> bool {
        network.count > self.network_free
    }
}

impl Failures {
    /// The count without a failure that turned out to be none. Those of others stay: whoever guesses at a thousand
    /// names has one of his own, too.
    pub fn without_one(self) -> Option<Self> {
        (self.count > 1).then(|| Self { count: self.count - 1, ..self })
    }
}

fn one_more(before: Option<Failures>, forgotten_after: Duration, now: Timestamp) -> Failures {
    let before = before.filter(|failures| now.since(failures.last) < forgotten_after);
    Failures { count: before.map_or(0, |failures| failures.count).saturating_add(1), last: now }
}

fn wait(
    failures: Option<Failures>,
    free: u32,
    pause: Duration,
    forgotten_after: Duration,
    now: Timestamp,
) -> Duration {
    match failures {
        Some(Failures { count, last }) if count >= free && now.since(last) < forgotten_after => {
            pause.saturating_sub(now.since(last))
        }
        _ => Duration::ZERO,
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

/// What failures of one user on one known device are counted under. `device` is what a registry knows it by.
pub fn device_key(user: &str, device: &[u8; 32]) -> [u8; 32] {
    sha256_of_parts(&[b"device", user.as_bytes(), device])
}

/// What failures from one network are counted under, whoever the users.
pub fn network_key(peer: IpAddr) -> [u8; 32] {
    sha256_of_parts(&[b"network", &network(peer)])
}

/// Whether failures from this network are held against it, whoever the users. An address of a house's own, while no
/// load balancer is listed, is most likely one that nobody listed: the whole world comes from there.
pub fn network_counts(peer: IpAddr, balancers_listed: bool) -> bool {
    balancers_listed || !is_in_house(peer.to_canonical())
}

/// Loopback, RFC 1918, RFC 6598 (100.64.0.0/10), RFC 4193 (fc00::/7).
const fn is_in_house(peer: IpAddr) -> bool {
    match peer {
        IpAddr::V4(v4) => {
            let [first, second, ..] = v4.octets();
            v4.is_loopback() || v4.is_private() || (first == 100 && second & 0xc0 == 64)
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local(),
    }
}

/// A network that one party commands: 24 bits of IPv4, 64 of IPv6.
pub(crate) fn network(peer: IpAddr) -> Vec<u8> {
    match peer.to_canonical() {
        IpAddr::V4(v4) => v4.octets()[..3].to_vec(),
        IpAddr::V6(v6) => v6.octets()[..8].to_vec(),
    }
}

#[cfg(test)]
mod tests;
