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

use crate::server::{Listener, Shared};

/// Connections the kernel may keep waiting for us.
const BACKLOG: i32 = 1024;
/// How long to wait when no more connections can be opened.
const PAUSE: Duration = Duration::from_millis(20);

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
    let open = Arc::new(AtomicUsize::new(0));
    loop {
        let accepted = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => return,
            // EMFILE and ENFILE pass when a connection ends; ECONNABORTED is the client's own doing.
            accepted = socket.accept(), if open.load(Ordering::Relaxed) < listener.connections_max => accepted.ok(),
            () = tokio::time::sleep(PAUSE) => continue,
        };
        let stream = accepted.and_then(|(stream, peer)| Some((stream.into_std().ok()?, peer)));
        let Some((stream, peer)) = stream else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        open.fetch_add(1, Ordering::Relaxed);
        let (face, of_listener) = (Arc::clone(&listener.face), Arc::clone(&open));
        hand_over(Accepted { stream, peer, face, of_listener }, &cores, &shared);
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
