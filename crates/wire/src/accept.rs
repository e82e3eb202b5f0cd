//! Accepting connections: one thread for all listeners, which hands each connection to the core with the fewest. Limits
//! and pauses live here; what is not accepted waits in the kernel's queue.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};

use crate::crowd::{Crowd, Round};
use crate::notice::Notice;
use crate::server::{Listener, Shared};

/// Connections the kernel may keep waiting for us.
const BACKLOG: i32 = 1024;
/// How long to wait when no more connections can be opened.
const PAUSE: Duration = Duration::from_millis(20);

/// How often a full listener asks connections that say nothing to make room, in pauses.
const PAUSES_A_ROUND: u32 = 5;
/// The same while there is nobody who may go: to ask wakes everybody.
const PAUSES_A_VAIN_ROUND: u32 = 50;

static NO_FILES: Notice = Notice::new();

/// Says that the process has come to the limit of its open files, if that is what an error says.
pub(crate) fn note_lack_of_files(error: &io::Error) {
    // EMFILE and ENFILE are these two on every Unix.
    if matches!(error.raw_os_error(), Some(23 | 24)) {
        NO_FILES.give(|| {
            format!("no more connections can be opened: {error}; raise the limit of open files (ulimit -n)")
        });
    }
}

/// Opens a listening socket. Two processes on one address is an error, at once.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    // A restart must not wait for old connections to be forgotten.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// A connection on its way to its core.
pub(crate) struct Accepted<F> {
    pub(crate) stream: TcpStream,
    pub(crate) peer: SocketAddr,
    pub(crate) face: Arc<F>,
    /// Counts the open connections of its listener.
    pub(crate) of_listener: Arc<AtomicUsize>,
    /// Who came by its listener.
    pub(crate) crowd: Arc<Crowd>,
}

/// One core as the acceptor sees it.
pub(crate) type Inlet<F> = mpsc::Sender<Accepted<F>>;

/// Accepts on all listeners until told to stop, then closes them.
pub(crate) async fn run<F: Send + Sync + 'static>(
    listeners: Vec<Listener<F>>,
    cores: Vec<Inlet<F>>,
    shared: Arc<Shared>,
    stop: watch::Receiver<bool>,
) {
    let cores: Arc<[Inlet<F>]> = cores.into();
    let tasks = listeners.into_iter().map(|listener| {
        tokio::spawn(run_one(listener, Arc::clone(&cores), Arc::clone(&shared), stop.clone()))
    });
    for task in tasks.collect::<Vec<_>>() {
        // A task ends only by its own return.
        let _ = task.await;
    }
}

async fn run_one<F>(
    listener: Listener<F>,
    cores: Arc<[Inlet<F>]>,
    shared: Arc<Shared>,
    mut stop: watch::Receiver<bool>,
) {
    let Ok(socket) = tokio::net::TcpListener::from_std(listener.socket) else { return };
    let gate = Gate { face: listener.face, open: Arc::default(), crowd: Arc::default() };
    let mut room = Room::default();
    loop {
        let is_full = gate.open.load(Ordering::Relaxed) >= listener.connections_max;
        room = if is_full { room.make(&gate.crowd, &shared) } else { room.leave(&gate.crowd) };
        let accepted = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => break,
            // EMFILE and ENFILE pass when a connection ends; ECONNABORTED is the client's own doing.
            accepted = socket.accept(), if !is_full => accepted.inspect_err(note_lack_of_files).ok(),
            () = tokio::time::sleep(PAUSE) => continue,
        };
        let stream = accepted.and_then(|(stream, peer)| Some((stream.into_std().ok()?, peer)));
        let Some((stream, peer)) = stream else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        hand_over(gate.pass(stream, peer), &cores, &shared);
    }
    for (stream, peer) in waiting(socket) {
        hand_over(gate.pass(stream, peer), &cores, &shared);
    }
}

/// What the connections of one listener have in common.
struct Gate<F> {
    face: Arc<F>,
    open: Arc<AtomicUsize>,
    crowd: Arc<Crowd>,
}

impl<F> Gate<F> {
    fn pass(&self, stream: TcpStream, peer: SocketAddr) -> Accepted<F> {
        self.open.fetch_add(1, Ordering::Relaxed);
        let (of_listener, crowd) = (Arc::clone(&self.open), Arc::clone(&self.crowd));
        Accepted { stream, peer, face: Arc::clone(&self.face), of_listener, crowd }
    }
}

/// What waits in the kernel's queue as its listener closes: for these clients we have been here, so they are served, even
/// beyond the limit. Never more than the queue can hold, or new ones could keep the listener open for ever.
fn waiting(socket: tokio::net::TcpListener) -> impl Iterator<Item = (TcpStream, SocketAddr)> {
    let socket = socket.into_std().ok();
    let accept = move || socket.as_ref().map(TcpListener::accept);
    let has_gone = |error: &io::Error| {
        matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted)
    };
    std::iter::from_fn(accept)
        .take(BACKLOG as usize + 1)
        .take_while(move |accepted| accepted.as_ref().err().is_none_or(has_gone))
        .flatten()
        .filter(|(stream, _)| stream.set_nonblocking(true).is_ok())
}

/// How a listener gets room when it is full.
#[derive(Clone, Copy, Default)]
enum Room {
    /// It has room.
    #[default]
    Left,
    /// It is full: the number of the next round, and the pauses until then.
    Wanted { round: u32, pauses: u32 },
}

impl Room {
    /// Full for one more pause. Every few of them some go who have waited long for a request.
    fn make(self, crowd: &Crowd, shared: &Shared) -> Self {
        match self {
            // Not at once: most often somebody leaves by himself.
            Self::Left => Self::Wanted { round: 0, pauses: PAUSES_A_ROUND - 1 },
            Self::Wanted { round, pauses: pauses @ 1.. } => Self::Wanted { round, pauses: pauses - 1 },
            Self::Wanted { round, pauses: 0 } => {
                let before = crowd.begin_round(round, shared.limits.idle_timeout);
                shared.ticker.wake_all();
                let pauses = if before == Round::Vain { PAUSES_A_VAIN_ROUND } else { PAUSES_A_ROUND };
                Self::Wanted { round: round.saturating_add(1), pauses: pauses - 1 }
            }
        }
    }

    /// Not full, or not any more.
    fn leave(self, crowd: &Crowd) -> Self {
        if matches!(self, Self::Wanted { .. }) {
            crowd.disperse();
        }
        Self::Left
    }
}

/// Gives a connection to the core with the fewest that has room for it; if none has, the connection closes.
fn hand_over<F>(mut accepted: Accepted<F>, cores: &[Inlet<F>], shared: &Shared) {
    for core in shared.by_load() {
        shared.open[core].fetch_add(1, Ordering::Relaxed);
        match cores[core].try_send(accepted) {
            Ok(()) => return,
            Err(TrySendError::Full(back) | TrySendError::Closed(back)) => {
                shared.open[core].fetch_sub(1, Ordering::Relaxed);
                accepted = back;
            }
        }
    }
    accepted.of_listener.fetch_sub(1, Ordering::Relaxed);
}
