//! A TCP proxy that misbehaves when told: slow, narrow, deaf, gone, half gone. It stands between us and a real server,
//! so that a test can break the network and leave the server alone. It must not know what is said through it.

mod carry;
mod listen;
mod weather;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use listen::{Line, Order};
use weather::Weather;

/// Which of the open connections something happens to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// All that are open now.
    All,
    /// Those of them whose client has said one of the marks.
    Marked,
}

/// A running proxy. It stops when dropped, and its connections with it.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    orders: Option<UnboundedSender<Order>>,
    counts: Arc<Counts>,
    thread: Option<JoinHandle<()>>,
}

/// How many connections there were and are, and how much was said.
#[derive(Debug, Default)]
struct Counts {
    taken: AtomicUsize,
    open: AtomicUsize,
    said: AtomicUsize,
    marked: AtomicUsize,
}

impl FaultProxy {
    /// Stands before `target`, on a free port of the loopback address.
    #[track_caller]
    pub fn start(target: SocketAddr) -> Self {
        Self::marking(target, &[])
    }

    /// The same; connections whose client says one of `marks` in one piece can be told from the others.
    #[track_caller]
    pub fn marking(target: SocketAddr, marks: &'static [&'static [u8]]) -> Self {
        Self::try_start(target, marks).unwrap_or_else(|e| panic!("no fault proxy: {e}"))
    }

    fn try_start(target: SocketAddr, marks: &'static [&'static [u8]]) -> io::Result<Self> {
        let line = Line::reserve()?;
        let address = line.address();
        let counts = Arc::new(Counts::default());
        let (orders, taken) = unbounded_channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let counted = Arc::clone(&counts);
        let thread = std::thread::Builder::new()
            .name("fault-proxy".to_owned())
            .spawn(move || runtime.block_on(listen::run(line, target, marks, counted, taken)))?;
        let proxy = Self { address, orders: Some(orders), counts, thread: Some(thread) };
        // Listening when this returns.
        proxy.heal();
        Ok(proxy)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Everything takes this much longer, each way. Connections of their own, so bytes keep their order.
    pub fn slow(&self, delay: Duration) {
        self.order(move |weather| weather.delay = delay);
    }

    /// Each connection carries at most so much, each way.
    pub fn throttle(&self, bytes_per_second: u32) {
        self.order(move |weather| weather.bytes_per_second = Some(bytes_per_second.max(1)));
    }

    /// Ends connections with a reset, on both sides. New ones are taken as before.
    pub fn reset(&self, which: Which) {
        self.order(move |weather| match which {
            Which::All => weather.reset_up_to = weather.newest,
            Which::Marked => weather.marked_reset_up_to = weather.newest,
        });
    }

    /// Carries nothing more on connections that are open now, and leaves them open: half dead, as after a router has
    /// forgotten them. New ones are carried. What was held is delivered after `heal`.
    pub fn freeze(&self, which: Which) {
        self.order(move |weather| match which {
            Which::All => weather.frozen_up_to = weather.newest,
            Which::Marked => weather.marked_frozen_up_to = weather.newest,
        });
    }

    /// Connections whose client has said one of the marks are carried again, narrow, what was held first. Nothing else is:
    /// what is said there goes nowhere.
    pub fn thaw_marked_only(&self, bytes_per_second: u32) {
        self.order(move |weather| {
            weather.heal();
            weather.swallows = true;
            weather.spares_marked = true;
            weather.bytes_per_second = Some(bytes_per_second.max(1));
        });
    }

    /// Carries nothing more at all: connections are taken, what is said on them goes nowhere. What was held is
    /// delivered after `heal`, late, as TCP does when a cable is plugged in again.
    pub fn black_hole(&self) {
        self.order(|weather| weather.swallows = true);
    }

    /// Nobody listens any more; those who try are told so at once. Open connections go on, unless they are reset.
    pub fn refuse(&self) {
        self.order(|weather| weather.refuses = true);
    }

    /// Refuses, and resets what is open: as if the server had died.
    pub fn cut(&self) {
        self.order(|weather| {
            weather.refuses = true;
            weather.reset_up_to = weather.newest;
        });
    }

    /// On connections that are open now the server says no more, and still hears.
    pub fn half_close(&self) {
        self.order(|weather| weather.half_closed_up_to = weather.newest);
    }

    /// Everything is carried again.
    pub fn heal(&self) {
        self.order(Weather::heal);
    }

    /// Connections that are open now.
    pub fn open(&self) -> usize {
        self.counts.open.load(Ordering::SeqCst)
    }

    /// Connections since the start.
    pub fn taken(&self) -> usize {
        self.counts.taken.load(Ordering::SeqCst)
    }

    /// Those of them whose client has said one of the marks.
    pub fn marked(&self) -> usize {
        self.counts.marked.load(Ordering::SeqCst)
    }

    /// How often a client has said something, on any of them.
    pub fn said(&self) -> usize {
        self.counts.said.load(Ordering::SeqCst)
    }

    /// Carried out when this returns, as far as the listener goes; connections learn it within the same moment.
    fn order(&self, change: impl FnOnce(&mut Weather) + Send + 'static) {
        let (done, heard) = channel::<()>();
        let order = Order { change: Box::new(change), done };
        self.orders.as_ref().expect("it stops when dropped").send(order).expect("its thread lives as long");
        // The other end is dropped when it is done.
        let _ = heard.recv();
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            // A panic in there has shown as a failed test already.
            let _ = thread.join();
        }
    }
}

impl std::fmt::Debug for Order {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Order")
    }
}

/// For the acknowledgement of an order: dropped when it is carried out.
type Done = Sender<()>;

#[cfg(test)]
mod tests;
