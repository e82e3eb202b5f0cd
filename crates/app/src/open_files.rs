//! The limit of open files: raised to what the process may have, then shared out, so that clients who only sit there never
//! take what upstreams, stores and probes need.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that are no connection of a client's or for one: stores, logs, runtimes, feeds.
const RESERVE: u64 = 192;
/// A listener for administration or metrics gets all it wants, up to this part of the limit.
const INSIDE_SHARE: u64 = 16;
/// Fewer would serve nobody.
const CONNECTIONS_MIN: usize = 8;

/// What a listener would take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish {
    /// Connections at once.
    pub(crate) connections: usize,
    /// Whether each may need another one to an upstream.
    pub(crate) relays: bool,
    /// Whether it is for administration or metrics.
    pub(crate) is_inside: bool,
}

impl Wish {
    fn files(self) -> u64 {
        self.connections as u64 * if self.relays { 2 } else { 1 }
    }
}

/// Raises the limit as far as this process may. What it is then; `None` is no limit.
pub(crate) fn raise() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    // Where it is refused the limit stays what it was, and is kept to.
    if raised.current != limit.current && setrlimit(Resource::Nofile, raised).is_ok() {
        return raised.current;
    }
    limit.current
}

/// Shares a limit out: the connections that each listener gets. All they wish for, if there is room.
pub(crate) fn share_out(limit: Option<u64>, wishes: &[Wish]) -> Vec<usize> {
    let Some(limit) = limit else { return wishes.iter().map(|wish| wish.connections).collect() };
    let inside_max = usize::try_from(limit / INSIDE_SHARE).unwrap_or(usize::MAX);
    let inside = |wish: Wish| Wish { connections: wish.connections.min(inside_max), ..wish };
    let taken: u64 = wishes.iter().filter(|wish| wish.is_inside).map(|wish| inside(*wish).files()).sum();
    let left = limit.saturating_sub(RESERVE + taken);
    let wanted: u64 = wishes.iter().filter(|wish| !wish.is_inside).map(|wish| wish.files()).sum();
    let share = |wish: &Wish| {
        if wish.is_inside {
            inside(*wish).connections.max(CONNECTIONS_MIN)
        } else if wanted <= left {
            wish.connections
        } else {
            let part = wish.connections as u128 * u128::from(left) / u128::from(wanted);
            usize::try_from(part).unwrap_or(usize::MAX).max(CONNECTIONS_MIN)
        }
    };
    wishes.iter().map(share).collect()
}

/// What an operator is told when there is less than was wished for.
pub(crate) fn warning(limit: Option<u64>, wishes: &[Wish], shares: &[usize]) -> Option<String> {
    let least = wishes.iter().zip(shares).filter(|(wish, _)| !wish.is_inside);
    let (wish, share) = least.min_by_key(|(_, share)| **share)?;
    let limit = limit.filter(|_| *share < wish.connections)?;
    Some(format!(
        "limits.connections_max: this process may have {limit} files open, so a listener takes {share} connections at \
         once and not {}; raise the hard limit (ulimit -Hn, LimitNOFILE)",
        wish.connections
    ))
}

#[cfg(test)]
mod tests;
