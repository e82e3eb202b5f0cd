//! A connection to an upstream: opened within a time, lent to one request at a time.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::net::TcpStream;
use vestibule_routes::Upstream;

use crate::accept::note_lack_of_files;
use crate::core::Core;
use crate::io::Io;
use crate::pool::Place;

/// Why an upstream could not be reached.
#[derive(Debug, Error)]
pub(crate) enum ConnectFault {
    /// It did not answer in time.
    #[error("no connection within {0:?}")]
    Slow(Duration),
    /// It refused, or its name has no address.
    #[error("no connection: {0}")]
    Refused(#[from] io::Error),
}

/// A connection to an upstream between requests.
#[derive(Debug)]
pub(crate) struct UpstreamLink {
    pub(crate) io: Io,
    /// Once it has been in the pool.
    pub(crate) place: Option<Place>,
}

impl UpstreamLink {
    /// Opens a connection, trying each address of the name in turn.
    pub(crate) async fn open(to: &Upstream, within: Duration) -> Result<Self, ConnectFault> {
        let resolver = Core::with(|core| Arc::clone(&core.resolver));
        let connect = async {
            let addresses = resolver.addresses(to.authority()).await?;
            TcpStream::connect(&addresses[..]).await
        };
        let connected = tokio::time::timeout(within, connect).await;
        // A service that has moved is found again at the next try.
        if !matches!(connected, Ok(Ok(_))) {
            resolver.doubt(to.authority());
        }
        let stream = connected.map_err(|_| ConnectFault::Slow(within))?.inspect_err(note_lack_of_files)?;
        Ok(Self { io: Io::plain(stream), place: None })
    }

    /// Whether it has said nothing since its last answer.
    pub(crate) fn is_quiet(&self) -> bool {
        self.io.is_quiet()
    }
}
