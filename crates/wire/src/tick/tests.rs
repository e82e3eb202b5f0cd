//! Deadlines pass once they are due, are moved and cleared, and wake their task.

use std::sync::atomic::AtomicUsize;
use std::task::{Wake, Waker};

use super::*;

#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A ticker whose ticks the test gives.
fn still() -> Arc<Ticker> {
    Arc::new(Ticker {
        now: AtomicU64::new(1),
        wheel: Mutex::new((0..SLOTS).map(|_| Vec::new()).collect()),
        stop: (Mutex::new(false), Condvar::new()),
    })
}

fn run_to(ticker: &Ticker, to: u64) {
    for tick in ticker.now.load(Ordering::SeqCst) + 1..=to {
        ticker.advance(tick);
    }
}

#[test]
fn a_deadline_passes_when_due_and_not_before() {
    for after in [1u64, 5, 1022, 1023, 1024, 5000] {
        let ticker = still();
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let cx = Context::from_waker(&waker);
        let deadline = Deadline::new(&ticker);
        deadline.set(TICK * after as u32);
        assert!(!deadline.poll_passed(&cx));
        run_to(&ticker, 1 + after);
        assert!(!deadline.poll_passed(&cx), "{after}");
        run_to(&ticker, 2 + after);
        assert_eq!(woken.0.load(Ordering::SeqCst), 1, "{after}");
        assert!(deadline.poll_passed(&cx), "{after}");
    }
}

#[test]
fn moving_and_clearing() {
    let ticker = still();
    let cx = Context::from_waker(Waker::noop());
    let deadline = Deadline::new(&ticker);
    deadline.set(TICK * 50);
    deadline.set(TICK * 5);
    run_to(&ticker, 7);
    assert!(deadline.poll_passed(&cx), "moved nearer");
    deadline.set(TICK * 5);
    deadline.set(TICK * 100);
    run_to(&ticker, 80);
    assert!(!deadline.poll_passed(&cx), "moved away");
    run_to(&ticker, 110);
    assert!(deadline.poll_passed(&cx));
    deadline.clear();
    assert!(!deadline.poll_passed(&cx));
}

#[test]
fn a_busy_connection_keeps_few_places_in_the_wheel() {
    let ticker = still();
    let deadline = Deadline::new(&ticker);
    for tick in 2..36_000 {
        // What one request sets: idle, head, body, answer, stall.
        for seconds in [75, 10, 30, 60, 60] {
            deadline.set(TICK * (10 * seconds));
        }
        ticker.advance(tick);
    }
    let places: usize = ticker.wheel.lock().unwrap().iter().map(Vec::len).sum();
    assert!(places <= 16, "{places}");
}
