//! Makes connections: to the host that takes writes, with limits on everything that could wait.

use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, select_ok};
use tokio::time::timeout;
use tokio_postgres::config::TargetSessionAttrs;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Connection, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::config::{Config, place};
use crate::open::OpenError;
use crate::{failure, tls};

/// How long a host may take from the first packet to a connection that can be used.
pub const DIAL_MAX: Duration = Duration::from_secs(2);

/// How long the server works on a statement before it gives up. Its commit is not part of that: a wait for a standby has
/// no limit there.
pub const STATEMENT_MAX: Duration = Duration::from_secs(1);

/// How long a statement waits for a row that another one is writing.
pub const LOCK_MAX: Duration = Duration::from_millis(500);

/// How long sent bytes may stay unacknowledged before the system gives the connection up, and how long it may be idle
/// before the system asks whether the peer is there.
const SILENCE_MAX: Duration = Duration::from_secs(2);

/// The driver's half that moves bytes. The client works as long as somebody polls it.
pub(crate) type Link = Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>;

/// Makes connections that are alike.
#[derive(Clone)]
pub(crate) struct Dialer {
    hosts: Vec<Host>,
    tls: MakeRustlsConnect,
}

#[derive(Clone)]
struct Host {
    place: String,
    driver: tokio_postgres::Config,
}

impl Dialer {
    pub(crate) fn new(config: &Config) -> Result<Self, OpenError> {
        let tls = tls::connector(config)?;
        let host = |(host, port): &(tokio_postgres::config::Host, u16)| {
            let mut driver = config.driver(host, *port);
            driver
                .target_session_attrs(TargetSessionAttrs::ReadWrite)
                .connect_timeout(DIAL_MAX)
                .tcp_user_timeout(SILENCE_MAX)
                .keepalives_idle(SILENCE_MAX)
                .keepalives_interval(Duration::from_secs(1))
                .keepalives_retries(3);
            Host { place: place(host, *port), driver }
        };
        Ok(Self { hosts: config.hosts.iter().map(host).collect(), tls })
    }

    /// A connection to a host that takes writes. All are asked at once: one that is frozen must not hold up the others.
    pub(crate) async fn dial(&self, limit: Duration) -> Result<(Client, Link), OpenError> {
        let dials = self.hosts.iter().map(|host| self.dial_one(host, limit).boxed());
        let dials: Vec<BoxFuture<'_, _>> = dials.collect();
        select_ok(dials).await.map(|(dialed, _slower)| dialed)
    }

    /// For a second connection that stops what the first one does.
    pub(crate) fn tls(&self) -> MakeRustlsConnect {
        self.tls.clone()
    }

    async fn dial_one(&self, host: &Host, limit: Duration) -> Result<(Client, Link), OpenError> {
        match timeout(limit, host.driver.connect(self.tls.clone())).await {
            Ok(Ok(dialed)) => Ok(dialed),
            Ok(Err(e)) => Err(failure::of_dial(&e, &host.place, &host.driver)),
            Err(_) => {
                let why = format!("no answer within {} s; is it a PostgreSQL?", limit.as_secs());
                Err(OpenError::Unreachable { place: host.place.clone(), why })
            }
        }
    }
}

/// What every session sets for itself: limits, and the isolation that our statements are written for.
pub(crate) fn session_settings() -> String {
    format!(
        "SET statement_timeout = {}; SET lock_timeout = {}; SET idle_in_transaction_session_timeout = {}; \
         SET default_transaction_isolation = 'read committed'",
        STATEMENT_MAX.as_millis(),
        LOCK_MAX.as_millis(),
        STATEMENT_MAX.as_millis() * 5,
    )
}
