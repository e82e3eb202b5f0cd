//! Waiting for an answer on the thread that asks, whatever that thread is: the registry's calls block. A clock of the
//! registry's own runtime bounds the wait, so that a server that stands still holds nobody for ever.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use tokio::runtime::Handle;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// What `work` comes to, or `None` if it takes longer than `max`.
pub(super) fn wait<T>(runtime: &Handle, max: Duration, work: impl Future<Output = T>) -> Option<T> {
    let _timers_of = runtime.enter();
    // This thread may be running a task whose share of time is used up; waiting here would not bring it a new one.
    let mut bounded = pin!(tokio::task::unconstrained(tokio::time::timeout(max, work)));
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match bounded.as_mut().poll(&mut context) {
            Poll::Ready(outcome) => return outcome.ok(),
            Poll::Pending => thread::park(),
        }
    }
}
