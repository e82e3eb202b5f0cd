//! Makes connections: address, TLS, log-in. Must not know what is sent over them.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;

use redis::aio::{MultiplexedConnection, PubSub};
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ErrorKind, IntoConnectionInfo as _, RedisConnectionInfo,
    RedisError, RedisResult, TlsCertificates,
};
use tokio::time::timeout;

use crate::config::{Config, DIAL_MAX, Place, QUEUE_MAX};
use crate::roots;

/// As whom to log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Login {
    /// As the URL says, on its database.
    Own,
    /// As the URL says, without a database: sentinels have none.
    WithoutDatabase,
    /// As nobody: sentinels often know no users.
    Nobody,
}

/// Why there is no connection to a place.
#[derive(Debug, Clone)]
pub(crate) struct NoConnection {
    /// Where it should have gone.
    pub(crate) place: Place,
    /// What went wrong.
    pub(crate) fault: DialFault,
}

/// What can go wrong before the first command.
#[derive(Debug, Clone)]
pub(crate) enum DialFault {
    /// Nobody answered in time.
    Silent,
    /// The TLS handshake failed.
    Tls(String),
    /// It refuses user or password, or wants some.
    Refused(String),
    /// It answers, but not in Redis's protocol.
    Foreign,
    /// It has ended the connection before it said a word.
    HungUp,
    /// It has no database of this number.
    NoDatabase(i64, String),
    /// Everything else.
    Other(String),
}

impl fmt::Display for NoConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = &self.place;
        match &self.fault {
            DialFault::Silent => write!(f, "redis at {place} does not answer"),
            DialFault::Tls(why) => write!(f, "redis at {place}: TLS failed: {why}"),
            DialFault::Refused(why) => write!(f, "redis at {place} refuses our user or password: {why}"),
            DialFault::Foreign => write!(f, "what listens at {place} does not speak Redis's protocol"),
            DialFault::HungUp => write!(f, "redis at {place} ended the connection"),
            DialFault::NoDatabase(database, why) => {
                write!(f, "redis at {place} has no database {database}: {why}")
            }
            DialFault::Other(why) => write!(f, "redis at {place}: {why}"),
        }
    }
}

/// Connects to the servers of one store.
#[derive(Debug)]
pub(crate) struct Dialer {
    pub(crate) config: Arc<Config>,
    /// An address with the certificates to check against, where the configuration names some. The driver has no other
    /// place for them.
    trusting: Option<ConnectionAddr>,
}

impl Dialer {
    /// Readies TLS where the URL asks for it, or says what is wrong with the certificates to check against.
    pub(crate) fn new(config: Arc<Config>) -> Result<Self, String> {
        let mut trusting = None;
        if config.tls {
            // An error only says that the process has chosen already.
            let _chosen = rustls::crypto::aws_lc_rs::default_provider().install_default();
            if let Some(own) = &config.ca {
                trusting = Some(trust(own)?);
            }
        }
        Ok(Self { config, trusting })
    }

    /// A connection for commands.
    pub(crate) async fn commands(
        &self,
        place: &Place,
        login: Login,
    ) -> Result<MultiplexedConnection, NoConnection> {
        // Our own limits stand around each call; the driver's would only blur whose it was.
        let settings = AsyncConnectionConfig::new()
            .set_connection_timeout(None)
            .set_response_timeout(None)
            .set_pipeline_buffer_size(QUEUE_MAX);
        let client = self.client(place, login);
        self.in_time(place, async { client?.get_multiplexed_async_connection_with_config(&settings).await })
            .await
    }

    /// A connection that listens to a channel, which the server has confirmed.
    pub(crate) async fn subscribed(&self, place: &Place, channel: &[u8]) -> Result<PubSub, NoConnection> {
        let client = self.client(place, Login::Own);
        self.in_time(place, async {
            let mut listener = client?.get_async_pubsub().await?;
            listener.subscribe(channel).await?;
            Ok(listener)
        })
        .await
    }

    fn client(&self, place: &Place, login: Login) -> RedisResult<Client> {
        let Place { host, port } = place.clone();
        let address = match &self.trusting {
            Some(ConnectionAddr::TcpTls { tls_params, .. }) => {
                ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: tls_params.clone() }
            }
            _ if self.config.tls => ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None },
            _ => ConnectionAddr::Tcp(host, port),
        };
        Client::open(address.into_connection_info()?.set_redis_settings(self.settings(login)))
    }

    fn settings(&self, login: Login) -> RedisConnectionInfo {
        let mut settings = RedisConnectionInfo::default().set_skip_set_lib_name();
        if login == Login::Own {
            settings = settings.set_db(self.config.database);
        }
        if login == Login::Nobody {
            return settings;
        }
        if let Some(user) = &self.config.user {
            settings = settings.set_username(user);
        }
        if let Some(password) = &self.config.password {
            settings = settings.set_password(password);
        }
        settings
    }

    async fn in_time<T>(
        &self,
        place: &Place,
        dial: impl Future<Output = RedisResult<T>>,
    ) -> Result<T, NoConnection> {
        let fault = match timeout(DIAL_MAX, dial).await {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(error)) => match fault(&error) {
                DialFault::Other(why) if why.contains("DB index") => {
                    DialFault::NoDatabase(self.config.database, why)
                }
                fault => fault,
            },
            // To a server without TLS our first words are half a line, of which it awaits the rest.
            Err(_) if self.config.tls => {
                DialFault::Tls("no answer in 1 s, and a server without TLS gives none".to_owned())
            }
            Err(_) => DialFault::Silent,
        };
        Err(NoConnection { place: place.clone(), fault })
    }
}

/// An address that holds the system's certificates and these; where it leads does not matter.
fn trust(own: &[u8]) -> Result<ConnectionAddr, String> {
    let root_cert = Some(roots::beside_the_systems(own)?);
    let nowhere =
        ConnectionAddr::TcpTls { host: "localhost".to_owned(), port: 0, insecure: false, tls_params: None };
    let client = Client::build_with_tls(nowhere, TlsCertificates { client_tls: None, root_cert });
    Ok(client.map_err(|e| e.to_string())?.get_connection_info().addr().clone())
}

/// What an error of the driver says about the other end.
pub(crate) fn fault(error: &RedisError) -> DialFault {
    if let Some(why) = tls_error(error) {
        return DialFault::Tls(why);
    }
    match (error.code(), error.kind()) {
        (Some("NOAUTH" | "WRONGPASS" | "NOPERM"), _) | (_, ErrorKind::AuthenticationFailed) => {
            DialFault::Refused(error.detail().unwrap_or("no reason given").to_owned())
        }
        (Some(code), _) => DialFault::Other(format!("{code} {}", error.detail().unwrap_or_default())),
        (None, ErrorKind::Parse | ErrorKind::UnexpectedReturnType) => DialFault::Foreign,
        (None, _) if error.is_connection_dropped() && !error.is_connection_refusal() => DialFault::HungUp,
        (None, _) => DialFault::Other(error.to_string()),
    }
}

/// What rustls says, if it is rustls that says something.
fn tls_error(error: &RedisError) -> Option<String> {
    // The driver shares its sources, and calls the share the source.
    let shared: &Arc<dyn Error + Send + Sync> = error.source()?.downcast_ref()?;
    let io: &io::Error = shared.downcast_ref()?;
    let tls: &rustls::Error = io.get_ref()?.downcast_ref()?;
    Some(tls.to_string())
}
