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
    for after in [1u64, 5, 126, 127, 128, 5000] {
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
        for seconds in [75, 10] {
            deadline.set(TICK * (10 * seconds));
        }
        for seconds in [30, 60, 60] {
            deadline.set_watchful(TICK * (10 * seconds));
        }
        deadline.set(TICK * 750);
        ticker.advance(tick);
    }
    let places: usize = ticker.wheel.lock().unwrap().iter().map(Vec::len).sum();
    assert!(places <= 16, "{places}");
}

#[test]
fn a_watchful_wait_is_woken_to_look_around_and_passes_when_due() {
    let ticker = still();
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(Arc::clone(&woken));
    let cx = Context::from_waker(&waker);
    let deadline = Deadline::new(&ticker);
    deadline.set_watchful(TICK * 45);
    let mut looks = Vec::new();
    for tick in 2..=47 {
        let before = woken.0.load(Ordering::SeqCst);
        assert!(!deadline.poll_passed(&cx), "{tick}");
        run_to(&ticker, tick);
        let is_woken = woken.0.load(Ordering::SeqCst) > before;
        assert_eq!(deadline.poll_passed(&cx), tick == 47);
        let looks_now = tick < 47 && deadline.is_time_to_look();
        assert_eq!(is_woken, looks_now || tick == 47, "{tick}");
        if looks_now {
            assert!(!deadline.is_time_to_look(), "one look at a time");
            looks.push(tick);
        }
    }
    assert_eq!(looks, [21, 41]);
    deadline.set(TICK * 100);
    run_to(&ticker, 100);
    assert!(!deadline.is_time_to_look(), "an ordinary wait is not disturbed");
    deadline.clear();
    run_to(&ticker, 300);
    assert!(!deadline.poll_passed(&cx) && !deadline.is_time_to_look());
}
