//! A recording upstream: a server on a port of its own that keeps every byte it was sent, reads it strictly, and
//! answers as its scripts say, misbehaviour included. It must not know what stands in front of it.

mod connection;
mod script;

use std::collections::{HashMap, HashSet};
use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

pub use script::{Step, answer};

use crate::patience::{PATIENCE, Patience};
use crate::strict::Request;

/// What one connection brought.
#[derive(Clone, Debug, Default)]
pub struct Connection {
    /// All bytes, as they came.
    pub raw: Vec<u8>,
    /// Whole requests among them.
    pub requests: usize,
    /// Why the bytes are not a plain sequence of requests. A connection that ended early is no fault.
    pub fault: Option<String>,
    /// It has ended.
    pub ended: bool,
}

/// All that was recorded.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The connections, oldest first.
    pub connections: Vec<Connection>,
    /// The whole requests of all connections, in the order of their ends.
    pub requests: Vec<Request>,
    /// The heads read, those of requests that were never finished too.
    pub heads: Vec<Request>,
}

impl Seen {
    /// The bytes of all connections, one after the other.
    pub fn raw(&self) -> Vec<u8> {
        self.connections.iter().flat_map(|c| c.raw.iter().copied()).collect()
    }

    /// The faults of all connections.
    pub fn faults(&self) -> Vec<&str> {
        self.connections.iter().filter_map(|c| c.fault.as_deref()).collect()
    }

    /// The whole requests for this target.
    pub fn of_target<'s>(&'s self, target: &str) -> Vec<&'s Request> {
        self.requests.iter().filter(|request| request.target == target).collect()
    }
}

/// A running recording upstream. It stops when dropped.
#[derive(Debug)]
pub struct Upstream {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    seen: Seen,
    scripts: HashMap<String, Vec<Step>>,
    released: HashSet<&'static str>,
    streams: HashMap<usize, TcpStream>,
    stopped: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, f: impl FnOnce(&mut State)) {
        f(&mut self.lock());
        self.changed.notify_all();
    }

    /// Waits until `holds` or the time is over; tells which.
    fn wait(&self, time: Duration, holds: impl Fn(&State) -> bool) -> bool {
        let patience = Patience::new(time);
        let mut state = self.lock();
        while !holds(&state) {
            let left = patience.left();
            if left.is_zero() {
                return false;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

impl Upstream {
    /// Starts on a free port of the loopback address.
    #[track_caller]
    pub fn start() -> Self {
        Self::try_start().unwrap_or_else(|e| panic!("no recording upstream: {e}"))
    }

    fn try_start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let accepting = Arc::clone(&shared);
        let acceptor = std::thread::Builder::new()
            .name("upstream".to_owned())
            .spawn(move || connection::accept_all(&listener, &accepting))?;
        Ok(Self { address, shared, acceptor: Some(acceptor) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens, as a configuration names it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Requests for this path (the target up to a `?`) are answered by this script, from the next one on. Without a
    /// script the body is read and the nonce echoed.
    pub fn on(&self, path: &str, script: impl Into<Vec<Step>>) {
        let script = script.into();
        self.shared.change(|state| {
            state.scripts.insert(path.to_owned(), script);
        });
    }

    /// Lets go on what waits, or will wait, in [`Step::Hold`] with this name.
    pub fn release(&self, name: &'static str) {
        self.shared.change(|state| {
            state.released.insert(name);
        });
    }

    /// All that was recorded so far.
    pub fn seen(&self) -> Seen {
        self.shared.lock().seen.clone()
    }

    /// The whole requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.lock().seen.requests.clone()
    }

    /// All that was recorded so far; the record begins anew, and open connections stay open.
    pub fn take(&self) -> Seen {
        let mut state = self.shared.lock();
        let connections =
            state.seen.connections.iter().map(|c| Connection { ended: c.ended, ..Connection::default() });
        let fresh = Seen { connections: connections.collect(), ..Seen::default() };
        std::mem::replace(&mut state.seen, fresh)
    }

    /// Waits until `holds` of the record; `what` is told when it never does.
    #[track_caller]
    pub fn wait_until(&self, what: &str, holds: impl Fn(&Seen) -> bool) {
        let held = self.shared.wait(PATIENCE, |state| holds(&state.seen));
        assert!(held, "the upstream never saw {what}: {:?}", self.seen().heads);
    }

    /// Ends all connections that are open now. New ones are taken as before.
    pub fn drop_connections(&self) {
        self.shared.change(|state| {
            for (_, stream) in state.streams.drain() {
                // The peer may have closed it first.
                let _ = stream.shutdown(Shutdown::Both);
            }
        });
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.shared.change(|state| state.stopped = true);
        self.drop_connections();
        // The acceptor looks at `stopped` when somebody connects.
        let _ = TcpStream::connect_timeout(&self.address, PATIENCE);
        if let Some(acceptor) = self.acceptor.take() {
            // A panic in there has shown as a failed test already.
            let _ = acceptor.join();
        }
    }
}

#[cfg(test)]
mod tests;
