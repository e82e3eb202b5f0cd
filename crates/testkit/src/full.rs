//! An address that takes no connection and refuses none: a listener whose queue is full. Who connects waits, as for a
//! host that is away.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

/// A connection that is not taken by then, on this machine, never will be.
const TAKEN_WITHIN: Duration = Duration::from_millis(300);
/// More than any kernel takes beyond what it was told.
const QUEUE_MAX: usize = 16;

/// Such a listener. Whoever waits is refused when it is dropped.
#[derive(Debug)]
pub struct Full {
    address: SocketAddr,
    _listener: Socket,
    _waiting: Vec<TcpStream>,
}

impl Full {
    /// Starts on a free port of the loopback address.
    #[track_caller]
    pub fn start() -> Self {
        Self::try_start().unwrap_or_else(|e| panic!("no full listener: {e}"))
    }

    fn try_start() -> io::Result<Self> {
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        listener.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
        listener.listen(0)?;
        let address = listener.local_addr()?.as_socket().ok_or(io::ErrorKind::AddrNotAvailable)?;
        let mut waiting = Vec::new();
        loop {
            match TcpStream::connect_timeout(&address, TAKEN_WITHIN) {
                Ok(_) if waiting.len() == QUEUE_MAX => return Err(io::Error::other("the queue never fills")),
                Ok(stream) => waiting.push(stream),
                Err(error) if error.kind() == io::ErrorKind::TimedOut => break,
                Err(error) => return Err(error),
            }
        }
        Ok(Self { address, _listener: listener, _waiting: waiting })
    }

    /// Where it is, as a configuration names it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}
