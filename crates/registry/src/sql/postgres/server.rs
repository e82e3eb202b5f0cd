//! Which PostgreSQL, who we are there, and how far its certificate is checked. Faults at the start say what to change.
//! TLS is what leaves this machine, unless the URL says `sslmode=disable`; a certificate is always checked, its name too.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, Error};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::session::whole;
use crate::sql::RegistryError;

/// Longest wait for a connection to a server.
pub const CONNECT_MAX: Duration = Duration::from_secs(2);

/// How long a connection may be silent before the system asks whether anybody is there.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(10);

/// The schema that holds our tables if nothing else is said.
pub const DEFAULT_SCHEMA: &str = "vestibule_registry";

/// Longest name of a schema: PostgreSQL would cut a longer one.
const NAME_BYTES_MAX: usize = 63;

/// What `application_name` says unless the URL does.
const APPLICATION: &str = "vestibule-registry";

/// Where the registry is, when it is in PostgreSQL.
#[derive(Clone)]
pub struct Server {
    /// `postgres://user@host:port/database`.
    pub url: String,
    /// The account's password, if the URL has none.
    pub password: Option<String>,
    /// Certificates (PEM) of who vouches for the server, besides those whom this machine trusts.
    pub ca: Option<Vec<u8>>,
    /// The schema that holds our tables. Made if it is not there.
    pub schema: String,
}

impl Server {
    /// The server behind a URL, in the schema that is ours by default.
    pub fn at(url: &str) -> Self {
        Self { url: url.to_owned(), password: None, ca: None, schema: DEFAULT_SCHEMA.to_owned() }
    }

    /// Whether it could be connected to, as far as one can tell without trying.
    pub fn check(&self) -> Result<(), ConnectError> {
        Address::read(self).map(drop)
    }
}

/// The URL may hold a password.
impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("schema", &self.schema).finish_non_exhaustive()
    }
}

/// Why a server cannot hold the registry. None of them shows the password.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The URL says nothing that could be connected to.
    #[error("not a usable URL: {0}; it looks like postgres://user@host:5432/database")]
    Url(String),
    /// The schema's name is none.
    #[error("the schema must be named by 1 to 63 small letters, digits and underscores, a letter first")]
    SchemaName,
    /// No certificate in the file, or one that cannot be read.
    #[error("not usable as certificates: {0}")]
    Certificates(String),
    /// Nobody is there, or nobody answers.
    #[error("{place} cannot be reached: {reason}")]
    Unreachable {
        /// Which hosts.
        place: String,
        /// What happened.
        reason: String,
    },
    /// The certificate is not to be trusted, or there is no TLS to be had.
    #[error("{place}: no TLS that could be trusted: {reason}; sslmode=disable in the URL goes without")]
    Tls {
        /// Which hosts.
        place: String,
        /// What happened.
        reason: String,
    },
    /// Whoever answers speaks no PostgreSQL.
    #[error("{place} does not answer as PostgreSQL does: {reason}")]
    NotPostgres {
        /// Which hosts.
        place: String,
        /// What it did instead.
        reason: String,
    },
    /// The server is older than what we can use, or another product.
    #[error("{place}: {found} is not PostgreSQL 13 or newer")]
    Version {
        /// Which hosts.
        place: String,
        /// What the server calls itself.
        found: String,
    },
    /// The server does not let us in as whom we say we are.
    #[error("{place} refuses the account: {reason}")]
    Refused {
        /// Which hosts.
        place: String,
        /// What it said.
        reason: String,
    },
    /// There is no such database.
    #[error("{place}: {reason}; create it, UTF-8, for this account")]
    NoDatabase {
        /// Which hosts.
        place: String,
        /// What the server said.
        reason: String,
    },
    /// The database's texts are not UTF-8.
    #[error("{place}: the database keeps its texts in {encoding}; create one in UTF8")]
    Encoding {
        /// Which hosts.
        place: String,
        /// What it keeps them in.
        encoding: String,
    },
    /// The account may not do what the registry does.
    #[error("the account may not use or make schema {schema}: {reason}")]
    Privilege {
        /// Which schema.
        schema: String,
        /// What the server said.
        reason: String,
    },
    /// The server takes no changes, as a standby does.
    #[error(
        "{place} takes no changes: is it a standby? name all hosts, and the one that takes them is found"
    )]
    ReadOnly {
        /// Which hosts.
        place: String,
    },
    /// A newer version has migrated the schema.
    #[error("schema {schema}: version {found}, this program knows up to {known}; start the newer program")]
    Newer {
        /// Which schema.
        schema: String,
        /// Its version.
        found: i64,
        /// The newest that we know.
        known: i64,
    },
    /// The schema has tables that are not ours.
    #[error("schema {schema}: holds tables, but not ours; choose another schema")]
    Foreign {
        /// Which schema.
        schema: String,
    },
    /// Anything else that the server said.
    #[error("{place}: {reason}")]
    Other {
        /// Which hosts, or which schema there.
        place: String,
        /// What it said.
        reason: String,
    },
}

impl ConnectError {
    /// The setting to look at first.
    pub const fn setting(&self) -> &'static str {
        match self {
            Self::SchemaName | Self::Foreign { .. } => "registry_schema",
            Self::Certificates(_) => "registry_ca_file",
            Self::Refused { .. } => "registry_password_file",
            _ => "registry",
        }
    }

    /// A server that lets us in, and a schema that cannot be used.
    pub(crate) fn of_use(schema: String, fault: &RegistryError) -> Self {
        match fault.to_string() {
            // A schema that one may not use is one that one cannot see.
            reason
                if [SqlState::INSUFFICIENT_PRIVILEGE, SqlState::INVALID_SCHEMA_NAME]
                    .iter()
                    .any(|code| reason.contains(code.code())) =>
            {
                Self::Privilege { schema, reason }
            }
            reason => Self::Other { place: format!("schema {schema}"), reason },
        }
    }
}

/// A server's address, read and checked.
pub(super) struct Address {
    config: Config,
    tls: MakeRustlsConnect,
    pub(super) schema: String,
    /// The hosts, for messages.
    pub(super) place: String,
}

/// Whether the path goes on behind the database, which the server would only find out when asked.
fn names_more(url: &str) -> bool {
    let address = url.split('?').next().unwrap_or_default();
    let behind_scheme = address.split_once("//").map_or(address, |(_, rest)| rest);
    let behind_account = behind_scheme.rsplit_once('@').map_or(behind_scheme, |(_, rest)| rest);
    behind_account.matches('/').count() > 1
}

impl Address {
    pub(super) fn read(server: &Server) -> Result<Self, ConnectError> {
        let schema = server.schema.clone();
        if !is_name(&schema) {
            return Err(ConnectError::SchemaName);
        }
        if !["postgres://", "postgresql://"].iter().any(|scheme| server.url.starts_with(scheme)) {
            return Err(ConnectError::Url("it does not begin with postgres://".to_owned()));
        }
        let (url, mode) = without_mode(&server.url)?;
        if names_more(&url) {
            return Err(ConnectError::Url(
                "what follows the host is more than the name of a database".to_owned(),
            ));
        }
        let mut config: Config = url.parse().map_err(|error: Error| ConnectError::Url(cause(&error)))?;
        if config.get_hosts().is_empty() {
            return Err(ConnectError::Url("it names no host".to_owned()));
        }
        if config.get_user().is_none() {
            return Err(ConnectError::Url("it names no user".to_owned()));
        }
        if config.get_dbname().is_none() {
            return Err(ConnectError::Url("it names no database".to_owned()));
        }
        if let Some(password) = &server.password {
            config.password(password);
        }
        let with_tls = mode.unwrap_or_else(|| !config.get_hosts().iter().all(is_here));
        config.ssl_mode(if with_tls { SslMode::Require } else { SslMode::Disable });
        config.connect_timeout(CONNECT_MAX).keepalives_idle(KEEPALIVE_IDLE);
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        if config.get_application_name().is_none() {
            config.application_name(APPLICATION);
        }
        let tls = MakeRustlsConnect::new(tls(with_tls, server.ca.as_deref())?);
        let place = place(&config);
        Ok(Self { config, tls, schema, place })
    }

    /// A new connection, with the task that serves it on the runtime that this runs on.
    pub(super) async fn connect(&self) -> Result<Client, Error> {
        let (client, connection) = self.config.connect(self.tls.clone()).await?;
        // It ends with the client, or when the server goes away.
        tokio::spawn(async move {
            let _told_to_whoever_asks_next = connection.await;
        });
        Ok(client)
    }

    /// What a refused connection means for whoever wrote the configuration.
    pub(super) fn refusal(&self, error: &Error) -> ConnectError {
        let place = self.place.clone();
        let Some(fault) = error.as_db_error() else {
            let reason = whole(error);
            return match error.to_string() {
                text if text.contains("TLS") => ConnectError::Tls { place, reason },
                text if text.contains("message") || text.contains("parsing") => {
                    ConnectError::NotPostgres { place, reason }
                }
                text if text.contains("authentication") || text.contains("configuration") => {
                    ConnectError::Refused { place, reason }
                }
                _ if reason.contains("does not allow writes") => ConnectError::ReadOnly { place },
                _ if is_gibberish(error) => ConnectError::NotPostgres { place, reason },
                _ => ConnectError::Unreachable { place, reason },
            };
        };
        let reason = fault.message().to_owned();
        match fault.code() {
            code if code.code().starts_with("28") => ConnectError::Refused { place, reason },
            code if *code == SqlState::INVALID_CATALOG_NAME => ConnectError::NoDatabase { place, reason },
            code if *code == SqlState::INSUFFICIENT_PRIVILEGE => {
                ConnectError::Privilege { schema: self.schema.clone(), reason }
            }
            _ => ConnectError::Other { place, reason },
        }
    }
}

/// Whether an answer came that is none, as the driver's reader of messages says it.
fn is_gibberish(error: &Error) -> bool {
    let fault = std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<io::Error>());
    fault.is_some_and(|fault| fault.raw_os_error().is_none() && fault.kind() == io::ErrorKind::Other)
}

/// The URL without its `sslmode`, which knows fewer words in the driver, and whether it asks for TLS.
fn without_mode(url: &str) -> Result<(String, Option<bool>), ConnectError> {
    let Some((before, query)) = url.split_once('?') else { return Ok((url.to_owned(), None)) };
    let mut mode = None;
    let mut rest = Vec::new();
    for pair in query.split('&') {
        match pair.split_once('=') {
            Some(("sslmode", "disable")) => mode = Some(false),
            Some(("sslmode", "require" | "verify-ca" | "verify-full")) => mode = Some(true),
            Some(("sslmode", _)) => {
                return Err(ConnectError::Url("sslmode is disable or verify-full".to_owned()));
            }
            _ => rest.push(pair),
        }
    }
    Ok((format!("{before}?{}", rest.join("&")), mode))
}

fn tls(with_tls: bool, ca: Option<&[u8]>) -> Result<ClientConfig, ConnectError> {
    let mut roots = RootCertStore::empty();
    if let Some(ca) = ca {
        for certificate in CertificateDer::pem_slice_iter(ca) {
            let certificate = certificate.map_err(|fault| ConnectError::Certificates(fault.to_string()))?;
            roots.add(certificate).map_err(|fault| ConnectError::Certificates(fault.to_string()))?;
        }
        if roots.is_empty() {
            return Err(ConnectError::Certificates("there is none in it".to_owned()));
        }
    }
    if with_tls {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            return Err(ConnectError::Certificates(
                "there is no file, and this machine trusts none".to_owned(),
            ));
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|fault| ConnectError::Certificates(fault.to_string()))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

fn is_name(schema: &str) -> bool {
    schema.len() <= NAME_BYTES_MAX
        && schema.starts_with(|first: char| first.is_ascii_lowercase())
        && schema.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        && !schema.starts_with("pg_")
}

/// Whether what is sent to it does not leave this machine.
fn is_here(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
    }
}

fn place(config: &Config) -> String {
    let ports = config.get_ports();
    let name = |(at, host): (usize, &Host)| {
        let port = ports.get(at).or(ports.first()).copied().unwrap_or(5432);
        match host {
            Host::Tcp(name) => format!("{name}:{port}"),
            Host::Unix(path) => format!("{}:{port}", path.display()),
        }
    };
    let hosts: Vec<_> = config.get_hosts().iter().enumerate().map(name).collect();
    format!("PostgreSQL at {}", hosts.join(", "))
}

fn cause(error: &Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

#[cfg(test)]
mod tests;
