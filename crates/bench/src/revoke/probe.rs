//! One request, sent again and again until it is refused. A connection each, so that none waits for another.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::fault::Fault;
use crate::stopwatch::Stopwatch;

/// How long one answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// How long a revocation may stay unnoticed before the run is broken off.
const NOTICED_MAX: Duration = Duration::from_secs(15);

/// A node of the cluster, and what is asked of it.
pub(super) struct Probe {
    /// Where, for a message.
    pub(super) name: &'static str,
    pub(super) address: SocketAddr,
    /// As it is sent; it ends the connection.
    pub(super) request: String,
    /// The status of its answer after the end.
    pub(super) refused: u16,
}

impl Probe {
    /// The status of one answer.
    pub(super) fn ask(&self) -> Result<u16, Fault> {
        exchange(self.address, &self.request)
            .map(|(status, _)| status)
            .map_err(|error| Fault::Answer(self.name, error))
    }

    /// It is still served: the copy of the node is warm.
    pub(super) fn is_served(&self) -> Result<(), Fault> {
        match self.ask()? {
            200 => Ok(()),
            status => Err(Fault::Step(self.name, format!("answered {status} before anything had ended"))),
        }
    }

    /// How long after the acknowledgement the first refusal was there.
    pub(super) fn until_refused(&self, acknowledged: Stopwatch) -> Result<Duration, Fault> {
        loop {
            match self.ask()? {
                status if status == self.refused => return Ok(acknowledged.elapsed()),
                200 if acknowledged.elapsed() < NOTICED_MAX => {}
                status => {
                    let waited = acknowledged.elapsed();
                    return Err(Fault::Step(
                        self.name,
                        format!("answered {status} {waited:?} after the acknowledgement"),
                    ));
                }
            }
        }
    }
}

/// Sends a request that ends the connection: status and text of the answer.
pub(super) fn exchange(address: SocketAddr, request: &str) -> io::Result<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&address, ANSWER_MAX)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(ANSWER_MAX))?;
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let status = answer.get(9..12).and_then(|digits| digits.parse().ok());
    Ok((status.ok_or(io::ErrorKind::InvalidData)?, answer))
}
