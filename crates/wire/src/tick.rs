//! Coarse time for deadlines: one thread counts ticks and wakes what is overdue, so the request path sets a timer with
//! one store and no system call. The only file of this crate that reads the machine's clock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::Context;
use std::time::{Duration, Instant};

use futures_util::task::AtomicWaker;

/// How exact a deadline is: it passes up to two ticks late and never early.
pub(crate) const TICK: Duration = Duration::from_millis(100);
/// Slots of the wheel; a deadline further away is looked at again when its slot comes round. Few, so that the places of a
/// connection whose deadlines move nearer again and again are soon gone.
const SLOTS: u64 = 128;
/// How often a watchful wait looks around, in ticks.
const LOOK_TICKS: u64 = 20;

/// Now, for measuring how long a request took.
#[expect(clippy::disallowed_methods, reason = "the one place in wire that reads the monotonic clock")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Counts ticks from 1 and holds the wheel of deadlines.
pub(crate) struct Ticker {
    now: AtomicU64,
    wheel: Mutex<Vec<Vec<Arc<Cell>>>>,
    stop: (Mutex<bool>, Condvar),
}

impl Ticker {
    /// Starts the counting thread. It ends when [`Ticker::stop`] is called.
    pub(crate) fn start() -> std::io::Result<Arc<Self>> {
        let ticker = Arc::new(Self {
            now: AtomicU64::new(1),
            wheel: Mutex::new((0..SLOTS).map(|_| Vec::new()).collect()),
            stop: (Mutex::new(false), Condvar::new()),
        });
        let counting = Arc::clone(&ticker);
        std::thread::Builder::new().name("tick".to_owned()).spawn(move || counting.run())?;
        Ok(ticker)
    }

    pub(crate) fn stop(&self) {
        *self.stop.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stop.1.notify_all();
    }

    fn run(&self) {
        let start = now();
        let mut stopped = self.stop.0.lock().unwrap_or_else(PoisonError::into_inner);
        while !*stopped {
            let reached = start.elapsed().as_millis() as u64 / TICK.as_millis() as u64 + 1;
            for tick in self.now.load(Ordering::Relaxed) + 1..=reached {
                self.advance(tick);
            }
            stopped = self.stop.1.wait_timeout(stopped, TICK).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Wakes everybody who has a deadline, so that they look whether they still want to wait.
    pub(crate) fn wake_all(&self) {
        let wheel = self.wheel.lock().unwrap_or_else(PoisonError::into_inner);
        let cells: Vec<_> = wheel.iter().flatten().map(Arc::clone).collect();
        // Nobody who sets a deadline waits until all are woken.
        drop(wheel);
        for cell in cells {
            cell.waker.wake();
        }
    }

    fn advance(&self, tick: u64) {
        self.now.store(tick, Ordering::SeqCst);
        let mut wheel = self.wheel.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = std::mem::take(&mut wheel[(tick % SLOTS) as usize]);
        for cell in slot {
            // Only the newest place counts; older ones of the same cell just go.
            // Leave first, look second: whoever sets a deadline in between sees that it must enter again.
            if cell.entered.compare_exchange(tick, 0, Ordering::SeqCst, Ordering::SeqCst).is_err() {
                continue;
            }
            match cell.due.load(Ordering::SeqCst) {
                0 => {}
                due if due <= tick => cell.waker.wake(),
                due => enter(&mut wheel, cell, due, tick),
            }
        }
    }
}

fn enter(wheel: &mut [Vec<Arc<Cell>>], cell: Arc<Cell>, due: u64, now: u64) {
    let at = due.clamp(now + 1, now + SLOTS - 1);
    cell.entered.store(at, Ordering::SeqCst);
    wheel[(at % SLOTS) as usize].push(cell);
}

/// When something is overdue, in ticks; zero is never.
#[derive(Default)]
struct Cell {
    due: AtomicU64,
    /// The tick of its earliest place in the wheel; zero when it has none.
    entered: AtomicU64,
    waker: AtomicWaker,
}

/// The one deadline of a connection, moved from phase to phase.
pub(crate) struct Deadline {
    ticker: Arc<Ticker>,
    /// When its task is to be woken: at the deadline, or to look around before.
    cell: Arc<Cell>,
    /// The tick of the deadline itself; zero is never.
    end: AtomicU64,
    /// The tick at which it was set.
    set_at: AtomicU64,
}

impl Deadline {
    pub(crate) fn new(ticker: &Arc<Ticker>) -> Self {
        let (end, set_at) = (AtomicU64::default(), AtomicU64::default());
        Self { ticker: Arc::clone(ticker), cell: Arc::default(), end, set_at }
    }

    /// From now on the deadline is `after` away.
    pub(crate) fn set(&self, after: Duration) {
        let (_, end) = self.begin(after);
        self.wake_at(end);
    }

    /// The same, and until then it is time to look around every two seconds: see [`Deadline::is_time_to_look`].
    pub(crate) fn set_watchful(&self, after: Duration) {
        let (now, end) = self.begin(after);
        self.wake_at(end.min(now + LOOK_TICKS));
    }

    /// The tick it is set at, and the one at which it passes.
    fn begin(&self, after: Duration) -> (u64, u64) {
        let now = self.ticker.now.load(Ordering::Relaxed);
        let end = now + (after.as_millis() as u64).div_ceil(TICK.as_millis() as u64) + 1;
        self.set_at.store(now, Ordering::Relaxed);
        self.end.store(end, Ordering::Relaxed);
        (now, end)
    }

    fn wake_at(&self, due: u64) {
        self.cell.due.store(due, Ordering::SeqCst);
        let entered = self.cell.entered.load(Ordering::SeqCst);
        if entered == 0 || entered > due {
            let mut wheel = self.ticker.wheel.lock().unwrap_or_else(PoisonError::into_inner);
            let now = self.ticker.now.load(Ordering::SeqCst);
            enter(&mut wheel, Arc::clone(&self.cell), due, now);
        }
    }

    /// How long ago it was set, to the tick.
    pub(crate) fn since_set(&self) -> Duration {
        let now = self.ticker.now.load(Ordering::Relaxed);
        TICK * u32::try_from(now.saturating_sub(self.set_at.load(Ordering::Relaxed))).unwrap_or(u32::MAX)
    }

    /// From now on there is no deadline.
    pub(crate) fn clear(&self) {
        self.end.store(0, Ordering::Relaxed);
        self.cell.due.store(0, Ordering::SeqCst);
    }

    /// Whether the deadline has passed; if not, the task is woken when it does.
    pub(crate) fn poll_passed(&self, cx: &Context<'_>) -> bool {
        self.cell.waker.register(cx.waker());
        let end = self.end.load(Ordering::Relaxed);
        end != 0 && self.ticker.now.load(Ordering::SeqCst) >= end
    }

    /// Whether the next look of a watchful wait is due. The one after it is set then.
    pub(crate) fn is_time_to_look(&self) -> bool {
        let (due, now) = (self.cell.due.load(Ordering::SeqCst), self.ticker.now.load(Ordering::SeqCst));
        if due == 0 || now < due {
            return false;
        }
        self.wake_at(self.end.load(Ordering::Relaxed).min(now + LOOK_TICKS));
        true
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        self.clear();
        self.cell.waker.take();
    }
}

#[cfg(test)]
mod tests;
