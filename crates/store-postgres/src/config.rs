//! Where the database is and how to get in, read from a URL. Pure; what it says never holds the password.

mod url;

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use tokio_postgres::config::{Host, SslMode as Negotiate};

pub use url::BadUrl;

/// The SQL schema that holds our tables, unless the URL says `schema=`.
pub const SCHEMA: &str = "vestibule";

/// Connections that a process holds, unless the URL says `connections_max=`.
pub const CONNECTIONS: usize = 16;

/// The fewest that do: one listens, one tells, one does the chores, and two answer.
pub const CONNECTIONS_MIN: usize = 5;

/// How a connection is kept from being read and from ending at the wrong server. The names are libpq's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SslMode {
    /// In the clear.
    Disable,
    /// Encrypted if the server offers it; nobody looks at its certificate.
    Prefer,
    /// Encrypted; nobody looks at the certificate.
    Require,
    /// Encrypted, with a certificate of a known authority, whatever name it bears.
    VerifyCa,
    /// Encrypted, with a certificate of a known authority for the host of the URL.
    VerifyFull,
}

impl SslMode {
    pub(crate) fn verifies(self) -> bool {
        matches!(self, Self::VerifyCa | Self::VerifyFull)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }
}

/// A database and an account in it.
#[derive(Clone)]
pub struct Config {
    /// The hosts, of which one must take writes.
    pub(crate) hosts: Vec<(Host, u16)>,
    pub(crate) user: String,
    pub(crate) password: Option<String>,
    pub(crate) database: String,
    pub(crate) sslmode: SslMode,
    pub(crate) ca: Option<Vec<u8>>,
    pub(crate) schema: String,
    pub(crate) connections_max: usize,
    pub(crate) wait_max: Duration,
}

impl Config {
    /// Reads `postgres://USER[:PASSWORD]@HOST[:PORT][,HOST[:PORT]...]/DATABASE[?KEY=VALUE&...]`.
    ///
    /// Keys: `sslmode` (as in libpq; `prefer` on this machine and `verify-full` elsewhere), `schema` and
    /// `connections_max`. Of several hosts the one that takes writes is used.
    pub fn parse(url: &str) -> Result<Self, BadUrl> {
        url::parse(url)
    }

    /// With a password that does not stand in the URL.
    pub fn with_password(self, password: String) -> Self {
        Self { password: Some(password), ..self }
    }

    /// With authorities (PEM) besides the system's, for servers whose certificates they signed.
    pub fn with_ca(self, pem: Vec<u8>) -> Self {
        Self { ca: Some(pem), ..self }
    }

    /// With another limit for how long a call waits for a free connection than [`WAIT_MAX`](crate::WAIT_MAX): for callers without a
    /// deadline of their own.
    pub fn with_wait_max(self, wait_max: Duration) -> Self {
        Self { wait_max, ..self }
    }

    /// What the URL alone shows to be risky.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if !self.sslmode.verifies() && !self.is_local() {
            warnings.push(format!(
                "sslmode={} does not prove which server answers, so sessions may be read and changed on the \
                 way; write sslmode=verify-full",
                self.sslmode.name()
            ));
        }
        if self.is_local() && self.hosts.len() > 1 {
            warnings.push("several hosts on this machine fail together".to_owned());
        }
        warnings
    }

    /// The channel on which events are told: one for each schema of a database.
    pub(crate) fn channel(&self) -> &str {
        &self.schema
    }

    /// The schema as SQL writes it: a word of SQL is a name when it is quoted.
    pub(crate) fn quoted_schema(&self) -> String {
        format!("\"{}\"", self.schema)
    }

    pub(crate) fn is_local(&self) -> bool {
        self.hosts.iter().all(|(host, _)| is_local(host))
    }

    /// The hosts as a reader knows them.
    pub(crate) fn place(&self) -> String {
        let places: Vec<_> = self.hosts.iter().map(|(host, port)| place(host, *port)).collect();
        places.join(", ")
    }

    /// What the driver needs to reach one of the hosts.
    pub(crate) fn driver(&self, host: &Host, port: u16) -> tokio_postgres::Config {
        let mut driver = tokio_postgres::Config::new();
        driver.user(&self.user).dbname(&self.database).application_name("vestibule").port(port);
        match host {
            Host::Tcp(name) => driver.host(name),
            Host::Unix(path) => driver.host_path(path),
        };
        if let Some(password) = &self.password {
            driver.password(password);
        }
        driver.ssl_mode(match self.sslmode {
            SslMode::Disable => Negotiate::Disable,
            SslMode::Prefer => Negotiate::Prefer,
            SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => Negotiate::Require,
        });
        driver
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("place", &self.place())
            .field("user", &self.user)
            .field("database", &self.database)
            .field("sslmode", &self.sslmode.name())
            .field("schema", &self.schema)
            .field("connections_max", &self.connections_max)
            .finish_non_exhaustive()
    }
}

pub(crate) fn place(host: &Host, port: u16) -> String {
    match host {
        Host::Tcp(name) if name.contains(':') => format!("[{name}]:{port}"),
        Host::Tcp(name) => format!("{name}:{port}"),
        Host::Unix(path) => format!("{}:{port}", path.display()),
    }
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        Host::Unix(_) => true,
    }
}

#[cfg(test)]
mod tests;
