//! The proxy's port, its orders and its connections, on one thread.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::carry::{self, Call};
use super::weather::Weather;
use super::{Counts, Done};

/// Connections that wait to be taken.
const BACKLOG: i32 = 1_024;

/// A change of the weather, and whom to tell when it has changed.
pub(super) struct Order {
    pub(super) change: Box<dyn FnOnce(&mut Weather) + Send>,
    /// Told by being dropped.
    pub(super) done: Done,
}

/// A port of our own. It is held by a socket that never listens, so that nobody else gets it while we refuse.
pub(super) struct Line {
    address: SocketAddr,
    _holder: Socket,
}

impl Line {
    pub(super) fn reserve() -> io::Result<Self> {
        let holder = socket((Ipv4Addr::LOCALHOST, 0).into())?;
        let address = holder.local_addr()?.as_socket().ok_or(io::ErrorKind::AddrNotAvailable)?;
        Ok(Self { address, _holder: holder })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    fn listen(&self) -> io::Result<TcpListener> {
        let socket = socket(self.address)?;
        socket.listen(BACKLOG)?;
        TcpListener::from_std(StdListener::from(socket))
    }
}

fn socket(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

/// Until nobody gives orders any more.
pub(super) async fn run(
    line: Line,
    target: SocketAddr,
    marks: &'static [&'static [u8]],
    counts: Arc<Counts>,
    mut orders: UnboundedReceiver<Order>,
) {
    let (weather, _) = watch::channel(Weather { refuses: true, ..Weather::default() });
    let mut listener = None;
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            order = orders.recv() => {
                let Some(Order { change, done }) = order else { return };
                weather.send_modify(change);
                let refuses = weather.borrow().refuses;
                if refuses {
                    listener = None;
                } else if listener.is_none() {
                    listener = Some(line.listen().expect("the port is ours"));
                }
                drop(done);
            }
            client = accept(listener.as_ref()) => {
                let Ok(client) = client else { continue };
                weather.send_modify(|weather| weather.newest += 1);
                let number = weather.borrow().newest;
                counts.taken.fetch_add(1, Ordering::SeqCst);
                let counts = Arc::clone(&counts);
                let open = Open::new(&counts);
                let call = Call { number, target, marks, weather: weather.subscribe(), counts };
                connections.spawn(async move {
                    carry::carry(client, call).await;
                    drop(open);
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// The next connection; none while nobody listens.
async fn accept(listener: Option<&TcpListener>) -> io::Result<TcpStream> {
    match listener {
        Some(listener) => Ok(listener.accept().await?.0),
        None => std::future::pending().await,
    }
}

/// Counts a connection while it is open, however it ends.
struct Open(Arc<Counts>);

impl Open {
    fn new(counts: &Arc<Counts>) -> Self {
        counts.open.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(counts))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}
