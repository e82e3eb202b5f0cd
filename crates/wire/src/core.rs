//! What a core keeps for its connections: buffers, pooled upstream connections, counters, access lines, request ids.
//! Reached by short calls to [`Core::with`], never across an await; one thread, so no locks.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Instant;

use crate::WallClock;
use crate::buffer::Buffer;
use crate::leash::Leashes;
use crate::line::Lines;
use crate::metrics::Slab;
use crate::pool::Pool;
use crate::resolve::Resolver;
use crate::tick;

/// Buffers a core keeps for the next user.
const BUFFERS_KEPT_MAX: usize = 256;

thread_local! {
    static CORE: RefCell<Option<Core>> = const { RefCell::new(None) };
}

/// The state of one core.
pub(crate) struct Core {
    buffers: Vec<Buffer>,
    pub(crate) pool: Pool,
    pub(crate) slab: Arc<Slab>,
    pub(crate) lines: Lines,
    pub(crate) leashes: Leashes,
    pub(crate) resolver: Arc<Resolver>,
    ids: RequestIds,
    wall: WallClock,
    /// One moment on both clocks, renewed once a second, so that a request reads only one of them.
    moment: (Instant, u64),
    /// The second that the text says.
    date: (u64, String),
}

/// The parts that differ from core to core.
pub(crate) struct CoreParts {
    pub(crate) pool: Pool,
    pub(crate) slab: Arc<Slab>,
    pub(crate) lines: Lines,
    pub(crate) resolver: Arc<Resolver>,
    pub(crate) seed: u64,
    pub(crate) wall: WallClock,
}

impl Core {
    /// Makes this thread a core.
    pub(crate) fn install(parts: CoreParts) {
        let now = tick::now();
        let core = Self {
            buffers: Vec::new(),
            pool: parts.pool,
            slab: parts.slab,
            lines: parts.lines,
            leashes: Leashes::default(),
            resolver: parts.resolver,
            ids: RequestIds { prefix: parts.seed, next: 0 },
            moment: (now, (parts.wall)()),
            wall: parts.wall,
            date: (u64::MAX, String::new()),
        };
        CORE.with_borrow_mut(|slot| *slot = Some(core));
    }

    /// Ends this thread's being a core; its idle connections close and its last lines are handed over.
    pub(crate) fn uninstall() {
        CORE.with_borrow_mut(Option::take);
    }

    /// Runs `f` on this thread's core.
    pub(crate) fn with<T>(f: impl FnOnce(&mut Self) -> T) -> T {
        CORE.with_borrow_mut(|slot| {
            f(slot.as_mut().expect("connections run on threads that were made cores"))
        })
    }

    /// The same where the thread may have ceased to be a core: then nothing is done.
    pub(crate) fn try_with(f: impl FnOnce(&mut Self)) {
        CORE.with_borrow_mut(|slot| {
            if let Some(core) = slot {
                f(core);
            }
        });
    }

    pub(crate) fn buffer(&mut self) -> Buffer {
        match self.buffers.pop() {
            Some(buffer) => buffer,
            None => Buffer::backed(),
        }
    }

    /// Takes a buffer back, emptied. Buffers that have grown are not kept.
    pub(crate) fn give_back(&mut self, buffer: &mut Buffer) {
        let mut buffer = std::mem::take(buffer);
        if buffer.is_standard() && self.buffers.len() < BUFFERS_KEPT_MAX {
            buffer.clear();
            self.buffers.push(buffer);
        }
    }

    /// Once a second: closes what has been idle too long, hands the access lines over.
    pub(crate) fn tidy_up(&mut self) {
        let now = tick::now();
        self.moment = (now, (self.wall)());
        self.pool.tidy_up(now);
        self.lines.hand_over();
    }

    pub(crate) fn request_id(&mut self) -> RequestId {
        self.ids.next += 1;
        RequestId { prefix: self.ids.prefix, number: self.ids.next }
    }

    /// The time of day at `now`, in milliseconds.
    pub(crate) fn wall(&self, now: Instant) -> u64 {
        let (then, millis) = self.moment;
        millis + now.saturating_duration_since(then).as_millis() as u64
    }

    /// The value of a `Date` field at `now` (RFC 9110 5.6.7).
    pub(crate) fn date(&mut self, now: Instant) -> &str {
        let second = self.wall(now) / 1000;
        if self.date.0 != second {
            let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(second);
            self.date = (second, httpdate::fmt_http_date(at));
        }
        &self.date.1
    }
}

struct RequestIds {
    prefix: u64,
    next: u64,
}

/// Bytes of a `traceparent` of version 00.
pub const TRACEPARENT_BYTES: usize = 55;

/// Names one request: unique in this process, and told apart from other processes by a random prefix.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestId {
    prefix: u64,
    number: u64,
}

impl RequestId {
    /// 32 lower-case hex digits; fit for a `traceparent` too.
    pub fn hex(self) -> [u8; 32] {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let whole = u128::from(self.prefix) << 64 | u128::from(self.number);
        std::array::from_fn(|at| HEX[(whole >> (124 - 4 * at)) as usize & 15])
    }

    /// A W3C Trace Context that begins here, version 00: this id is the trace, its second half the first span. Not
    /// sampled: that is for whoever collects traces to decide.
    pub fn traceparent(self) -> [u8; TRACEPARENT_BYTES] {
        let mut value = *b"00-00000000000000000000000000000000-0000000000000000-00";
        let id = self.hex();
        value[3..35].copy_from_slice(&id);
        value[36..52].copy_from_slice(&id[16..]);
        value
    }
}

#[cfg(test)]
mod tests;
