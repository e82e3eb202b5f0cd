//! HTTP on sockets: listeners, cores, limits, deadlines, connections, the relay to upstreams, drain.
//! Knows no session and no token. A face decides what an exchange becomes; only this crate writes to sockets, so
//! every request has exactly one answer and one access line.

mod accept;
mod answer;
mod audience;
mod buffer;
mod connection;
mod core;
mod crowd;
mod edit;
mod exchange;
mod host;
mod io;
mod leash;
mod line;
mod link;
mod metrics;
mod notice;
mod page;
mod peers;
mod pool;
mod relay;
mod reply;
mod resolve;
mod server;
mod tick;
mod upstream;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use vestibule_message::head::HeadLimits;
use vestibule_message::lines::Lines;

pub use crate::accept::bind;
pub use crate::answer::Answer;
pub use crate::audience::Audience;
pub use crate::core::{RequestId, TRACEPARENT_BYTES};
pub use crate::edit::{Edit, Strip};
pub use crate::exchange::{BodyFault, Exchange, Served};
pub use crate::host::HostFault;
pub use crate::leash::{Anchor, Grip, Leash, Slip, Tug};
pub use crate::line::Line;
pub use crate::metrics::{Happening, Tally};
pub use crate::notice::{Notice, tell};
pub use crate::page::{guarded, page};
pub use crate::peers::{AddressText, TrustedPeers};
pub use crate::relay::{Refused, RelayFault, Relayed};
pub use crate::server::{Drained, Listener, Monitor, Server, Settings};

/// The time of day: milliseconds since 1970-01-01 UTC. Given by whoever starts the server.
pub type WallClock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// What serves the requests of a listener.
pub trait Face: Send + Sync + 'static {
    /// What the log wants to know of a request, filled in while it is served.
    type Note: Default + Send + 'static;

    /// Serves one request. A [`Served`] comes only from answering the exchange or relaying it.
    fn serve<'c>(&'c self, exchange: Exchange<'c, Self::Note>) -> impl Future<Output = Served> + Send + 'c;

    /// Adds the face's fields to the access line. Called exactly once for each request, also when it was refused,
    /// cut short, or died of a panic; wire has written its own fields before.
    fn log(&self, note: &Self::Note, served: &Served, line: &mut Line<'_>);

    /// What is added to a refusal that this face has not seen the request of.
    fn refusal_lines(&self, _audience: &Audience) -> Lines {
        Lines::default()
    }

    /// Counts what happened to a request. Called as often as [`Face::log`], and where nothing is logged too.
    fn tally(&self, _note: &Self::Note, _tally: &mut Tally<'_>) {}
}

/// Limits and times of connections with clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Size of request heads. Answers' heads have the same limits.
    pub head: HeadLimits,
    /// Memory that heads which have begun and not ended may hold in the whole process, beyond the 16 KiB that each
    /// connection may have. What goes beyond is refused; a head that comes in one piece never counts.
    pub head_bytes_in_flight_max: usize,
    /// Time for a whole head, from its first byte, or from the connection's start.
    pub head_timeout: Duration,
    /// Time a connection may wait for its next request.
    pub idle_timeout: Duration,
    /// Time a request's body may stand still.
    pub body_timeout: Duration,
    /// Bytes a second that a body must come with on average, once `body_timeout` has passed.
    pub body_bytes_per_second_min: u64,
    /// Time a client may take to read an answer that we made.
    pub write_timeout: Duration,
    /// Pooled connections to upstreams.
    pub upstream: UpstreamLimits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: HeadLimits::default(),
            head_bytes_in_flight_max: 64 * 1024 * 1024,
            head_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            body_timeout: Duration::from_secs(30),
            body_bytes_per_second_min: 256,
            write_timeout: Duration::from_secs(30),
            upstream: UpstreamLimits::default(),
        }
    }
}

/// Limits of idle connections to upstreams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamLimits {
    /// Idle connections a core keeps to one upstream.
    pub idle_per_upstream_max: usize,
    /// Connections that all cores keep to all upstreams from one request to the next.
    pub idle_total_max: usize,
    /// How long an idle connection is kept.
    pub idle_max: Duration,
    /// How long one may have been idle to carry a request that must not be sent twice.
    pub unsafe_idle_max: Duration,
}

impl Default for UpstreamLimits {
    fn default() -> Self {
        Self {
            idle_per_upstream_max: 64,
            idle_total_max: 4096,
            idle_max: Duration::from_secs(4),
            unsafe_idle_max: Duration::from_secs(1),
        }
    }
}
