//! The server: starts cores and the acceptor, drains, stops. One runtime a core, so that a connection, its upstream
//! connections and its buffers stay on one thread.

use std::io::{self, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use crate::accept::{self, Accepted};
use crate::core::{Core, CoreParts};
use crate::io::Io;
use crate::leash::{self, Tug};
use crate::line::{LineSink, LineWriter, Lines};
use crate::link::Link;
use crate::metrics::{self, Counter, Slab};
use crate::pool::Pool;
use crate::resolve::Resolver;
use crate::tick::{self, Ticker};
use crate::{Face, Limits, WallClock, connection};

/// Accepted connections that may wait for one core.
const HANDED_OVER_MAX: usize = 1024;
/// How often a core closes idle upstream connections and hands its access lines over.
const TIDY_EVERY: Duration = Duration::from_secs(1);
/// How long the end waits for the access log, which may be a pipe that nobody reads.
const LOG_MAX: Duration = Duration::from_secs(1);
/// The same when the end is hurried: enough for a log that is read.
const LOG_HURRIED_MAX: Duration = Duration::from_millis(100);
/// How often a draining server looks whether it is done.
const DRAIN_LOOK: Duration = Duration::from_millis(10);

/// How a server runs.
pub struct Settings {
    /// Threads that serve connections, at least one.
    pub cores: usize,
    /// The time of day.
    pub wall: WallClock,
    /// Random; request ids begin with it.
    pub seed: u64,
    /// Limits and times.
    pub limits: Limits,
    /// Where access lines go; `None` writes none.
    pub access_log: Option<Box<dyn Write + Send>>,
    /// Takes the server's counters.
    pub monitor: Monitor,
}

/// A listening socket and what serves it.
pub struct Listener<F> {
    /// From [`crate::bind`].
    pub socket: TcpListener,
    /// Serves the requests.
    pub face: Arc<F>,
    /// Connections open at once; more wait in the kernel's queue.
    pub connections_max: usize,
}

/// Reads the counters of a server, from anywhere.
#[derive(Clone, Default)]
pub struct Monitor {
    slabs: Arc<Mutex<Vec<Arc<Slab>>>>,
    dropped_lines: Arc<Mutex<Arc<AtomicU64>>>,
}

impl Monitor {
    /// All counters in the text format of Prometheus.
    pub fn render(&self) -> String {
        let dropped =
            self.dropped_lines.lock().unwrap_or_else(PoisonError::into_inner).load(Ordering::Relaxed);
        metrics::render(&self.slabs.lock().unwrap_or_else(PoisonError::into_inner), dropped)
    }

    fn add_core(&self) -> Arc<Slab> {
        let slab = Arc::<Slab>::default();
        self.slabs.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&slab));
        slab
    }
}

/// What acceptor and cores share.
pub(crate) struct Shared {
    pub(crate) limits: Limits,
    pub(crate) ticker: Arc<Ticker>,
    /// Open connections of each core.
    pub(crate) open: Vec<AtomicUsize>,
    /// What unfinished heads hold.
    pub(crate) head_bytes: AtomicUsize,
    pub(crate) draining: AtomicBool,
}

impl Shared {
    /// Whether answers tell clients to go elsewhere.
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    pub(crate) fn open_connections(&self) -> usize {
        self.open.iter().map(|open| open.load(Ordering::Relaxed)).sum()
    }

    /// The cores, the one with the fewest connections first.
    pub(crate) fn by_load(&self) -> Vec<usize> {
        let mut cores: Vec<_> = (0..self.open.len()).collect();
        cores.sort_by_key(|core| self.open[*core].load(Ordering::Relaxed));
        cores
    }
}

/// A running server.
pub struct Server {
    shared: Arc<Shared>,
    tug: Tug,
    stop_accepting: watch::Sender<bool>,
    stop_cores: watch::Sender<bool>,
    acceptor: JoinHandle<()>,
    cores: Vec<JoinHandle<()>>,
    log_writer: Option<LineWriter>,
}

/// How a drain ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Connections that were cut because they had not ended by themselves.
    pub cut: usize,
}

impl Server {
    /// Starts serving.
    pub fn start<F: Face>(settings: Settings, listeners: Vec<Listener<F>>) -> io::Result<Self> {
        let ticker = Ticker::start()?;
        let cores = settings.cores.max(1);
        let open = (0..cores).map(|_| AtomicUsize::new(0)).collect();
        let (draining, head_bytes) = (AtomicBool::new(false), AtomicUsize::new(0));
        let shared = Arc::new(Shared { limits: settings.limits, ticker, open, head_bytes, draining });
        let (tug, resolver, idle) = (Tug::new(), Arc::new(Resolver::of_system()), Arc::default());
        let (sink, log_writer) = settings.access_log.map(LineSink::start).transpose()?.unzip();
        if let Some(sink) = &sink {
            let mut dropped = settings.monitor.dropped_lines.lock().unwrap_or_else(PoisonError::into_inner);
            *dropped = Arc::clone(sink.dropped());
        }
        let (stop_cores, stopped) = watch::channel(false);
        let mut inlets = Vec::new();
        let mut threads = Vec::new();
        for core in 0..cores {
            let parts = CoreParts {
                pool: Pool::new(shared.limits.upstream.clone(), Arc::clone(&idle)),
                slab: settings.monitor.add_core(),
                lines: Lines::new(sink.clone()),
                resolver: Arc::clone(&resolver),
                seed: settings.seed.wrapping_add(core as u64),
                wall: Arc::clone(&settings.wall),
            };
            let (inlet, accepted) = mpsc::channel(HANDED_OVER_MAX);
            inlets.push(inlet);
            let (shared, stopped, felt) = (Arc::clone(&shared), stopped.clone(), tug.felt());
            let runtime = runtime()?;
            let run = move || {
                Core::install(parts);
                runtime.block_on(run_core::<F>(core, accepted, &shared, stopped, felt));
                // Requests that are cut here still want their access lines, and for that the core.
                runtime.shutdown_background();
                Core::uninstall();
            };
            threads.push(std::thread::Builder::new().name(format!("core-{core}")).spawn(run)?);
        }
        let (stop_accepting, stop) = watch::channel(false);
        let runtime = runtime()?;
        let accepting = Arc::clone(&shared);
        let acceptor = std::thread::Builder::new()
            .name("accept".to_owned())
            .spawn(move || runtime.block_on(accept::run(listeners, inlets, accepting, stop)))?;
        Ok(Self { shared, tug, stop_accepting, stop_cores, acceptor, cores: threads, log_writer })
    }

    /// Connections open now.
    pub fn open_connections(&self) -> usize {
        self.shared.open_connections()
    }

    /// For whoever hears that something has ended that answers may hang on.
    pub fn tug(&self) -> Tug {
        self.tug.clone()
    }

    /// Ends the server. For `delay` it still accepts, while its answers close their connections; then it closes the
    /// listeners, and after `limit` it cuts what is left. A message in `hurry`, or its end, cuts at once; after a message
    /// the access log is hardly waited for either.
    pub fn drain(self, delay: Duration, limit: Duration, hurry: &Receiver<()>) -> Drained {
        self.shared.draining.store(true, Ordering::Relaxed);
        let mut hurry = Hurry { word: hurry, cut: false, told: false };
        hurry.wait(delay);
        // The receivers live as long as their threads, which end only by this.
        let _ = self.stop_accepting.send(true);
        let _ = self.acceptor.join();
        let deadline = tick::now() + limit;
        while !hurry.cut && self.shared.open_connections() > 0 && tick::now() < deadline {
            hurry.wait(DRAIN_LOOK);
        }
        let cut = self.shared.open_connections();
        let _ = self.stop_cores.send(true);
        for core in self.cores {
            let _ = core.join();
        }
        self.shared.ticker.stop();
        if let Some(writer) = self.log_writer {
            let begun = tick::now();
            while !writer.is_done_within(DRAIN_LOOK) {
                hurry.wait(Duration::ZERO);
                if begun.elapsed() >= if hurry.told { LOG_HURRIED_MAX } else { LOG_MAX } {
                    break;
                }
            }
        }
        Drained { cut }
    }
}

/// What whoever ends the server has said since. A word is said once, and holds for all that is still waited for.
struct Hurry<'h> {
    word: &'h Receiver<()>,
    /// Connections are cut: it was said, or nobody is left to say it.
    cut: bool,
    /// It was said.
    told: bool,
}

impl Hurry<'_> {
    /// Listens for so long.
    fn wait(&mut self, time: Duration) {
        match self.word.recv_timeout(time) {
            Ok(()) => (self.cut, self.told) = (true, true),
            Err(RecvTimeoutError::Disconnected) => self.cut = true,
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

/// One core: takes connections and serves them until it is stopped.
async fn run_core<F: Face>(
    core: usize,
    mut accepted: mpsc::Receiver<Accepted<F>>,
    shared: &Arc<Shared>,
    mut stopped: watch::Receiver<bool>,
    felt: watch::Receiver<()>,
) {
    tokio::spawn(leash::keep_watch(felt));
    let mut tidy = tokio::time::interval(TIDY_EVERY);
    let mut closed = false;
    loop {
        tokio::select! {
            biased;
            _ = stopped.wait_for(|stopped| *stopped) => break,
            _ = tidy.tick() => Core::with(Core::tidy_up),
            next = accepted.recv(), if !closed => match next {
                Some(connection) => take(connection, core, shared),
                None => closed = true,
            },
        }
    }
}

fn take<F: Face>(accepted: Accepted<F>, core: usize, shared: &Arc<Shared>) {
    let open = Open::new(core, shared, accepted.of_listener);
    let Ok(stream) = tokio::net::TcpStream::from_std(accepted.stream) else { return };
    let link = Link::new(Io::plain(stream), accepted.peer, Arc::clone(shared), accepted.crowd);
    tokio::spawn(async move {
        connection::serve(link, accepted.face).await;
        drop(open);
    });
}

/// Counts a connection as long as it is open, however it ends.
struct Open {
    core: usize,
    shared: Arc<Shared>,
    of_listener: Arc<AtomicUsize>,
    slab: Arc<Slab>,
}

impl Open {
    fn new(core: usize, shared: &Arc<Shared>, of_listener: Arc<AtomicUsize>) -> Self {
        let slab = Core::with(|core| Arc::clone(&core.slab));
        slab.add(Counter::Connections, 1);
        Self { core, shared: Arc::clone(shared), of_listener, slab }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.slab.add(Counter::ConnectionsClosed, 1);
        self.shared.open[self.core].fetch_sub(1, Ordering::Relaxed);
        self.of_listener.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
