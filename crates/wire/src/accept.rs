//! Accepting connections: one thread for all listeners, which hands each connection to the core with the fewest. Limits
//! and pauses live here; what is not accepted waits in the kernel's queue.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
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
    loop {
        let accepted = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => return,
            accepted = accept(&socket, &shared) => accepted,
        };
        let Some((stream, peer)) = accepted else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let core = shared.least_loaded();
        shared.open[core].fetch_add(1, Ordering::Relaxed);
        let face = Arc::clone(&listener.face);
        if cores[core].send(Accepted { stream, peer, face }).await.is_err() {
            return;
        }
    }
}

/// The next connection; `None` when it cannot be taken now: too many are open, or the system has no more descriptors.
async fn accept(socket: &tokio::net::TcpListener, shared: &Shared) -> Option<(TcpStream, SocketAddr)> {
    if shared.open_connections() >= shared.limits.connections_max {
        return None;
    }
    // EMFILE and ENFILE pass when a connection ends; ECONNABORTED is the client's own doing.
    let (stream, peer) = socket.accept().await.ok()?;
    Some((stream.into_std().ok()?, peer))
}
