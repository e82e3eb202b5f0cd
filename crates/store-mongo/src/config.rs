//! Where the database is and how we speak to it. What a URL may say passes to the driver, except what would break a
//! promise: that is refused with the reason. Nothing here prints a password.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use mongodb::error::{Error, ErrorKind};
use mongodb::options::{
    Acknowledgment, ClientOptions, ConnectionString, HostInfo, ReadConcernLevel, ReadPreference,
    ServerAddress, Tls, TlsOptions,
};

/// The database, where the URL names none.
pub const DATABASE: &str = "vestibule";

/// Calls to the store that are under way at once, where the URL has no `maxPoolSize`. Each takes a connection.
pub const CONNECTIONS_MAX: u32 = 64;

/// Connections beside those of calls: for the beat, touches, sweeps, and one for each watch.
const CONNECTIONS_STANDING: u32 = 8;

/// Connections that are made at once. After an outage all of them have to be.
const CONNECTING_MAX: u32 = 8;

/// How long one connection may take to be made. A frozen server is noticed after this and [`HEARTBEAT_EVERY`].
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// How often each server is asked whether it lives. The driver takes nothing shorter.
pub const HEARTBEAT_EVERY: Duration = Duration::from_millis(500);

/// How long a caller waits for an answer, unless he says otherwise.
pub const DEADLINE: Duration = Duration::from_millis(300);

/// How long a call waits for a server that can take it: an outage is told before what a deadline leaves to a write.
pub const SELECT_MAX: Duration = Duration::from_millis(120);

/// Databases that belong to the server.
const RESERVED: [&str; 3] = ["admin", "config", "local"];

/// The URL cannot be used; says why, and what to write.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadUrl(String);

/// How many members have a write when it is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// More than half, on disk: no failover loses it.
    Majority,
    /// The primary alone. For comparisons, and without the contract: a failover may undo what was acknowledged, an end
    /// too, whether it was `Ended` or `Already`. Watchers hear only what a majority has, readers see what the primary
    /// has: no event tells of what was undone, and a cache keeps it until it is too old.
    PrimaryAlone,
}

/// A database, and who we are there.
#[derive(Clone)]
pub struct Config {
    connection: ConnectionString,
    pub(crate) database: String,
    pub(crate) durability: Durability,
    pub(crate) ca: Option<Vec<u8>>,
    pub(crate) deadline: Duration,
}

impl Config {
    /// Reads `mongodb://user@host:port,host:port/database?replicaSet=name`, or `mongodb+srv://user@name/database`.
    pub fn parse(url: &str) -> Result<Self, BadUrl> {
        let connection = ConnectionString::parse(url).map_err(|error| explain(url, &error))?;
        check_promises(&connection)?;
        let database = connection.default_database.clone().unwrap_or_else(|| DATABASE.to_owned());
        if RESERVED.contains(&database.as_str()) {
            return Err(BadUrl(format!(
                "the database {database:?} is MongoDB's own: name another after the host, such as /{DATABASE}"
            )));
        }
        let durability = durability(&connection)?;
        Ok(Self { connection, database, durability, ca: None, deadline: DEADLINE })
    }

    /// Logs in with this password, which then need not stand in the URL.
    pub fn with_password(mut self, password: String) -> Self {
        self.connection.credential.get_or_insert_default().password = Some(password);
        self
    }

    /// Trusts these roots too, beside the system's: certificates in PEM. Turns TLS on, unless the URL turns it off.
    pub fn with_ca(mut self, pem: Vec<u8>) -> Self {
        self.ca = Some(pem);
        self.connection.tls.get_or_insert_with(|| Tls::Enabled(TlsOptions::default()));
        self
    }

    /// For callers that wait for so long, in place of [`DEADLINE`].
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// What the URL alone shows to be risky.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.durability == Durability::PrimaryAlone {
            warnings.push(
                "w=1: an acknowledged log-on, log-out or patch may be lost when another member becomes primary; \
                 leave w out, and more than half of the members have it first"
                    .to_owned(),
            );
        }
        if self.connection.direct_connection == Some(true) {
            warnings.push(
                "directConnection=true: when another member becomes primary, this node does not follow"
                    .to_owned(),
            );
        }
        match &self.connection.tls {
            Some(Tls::Enabled(tls)) if tls.allow_invalid_certificates == Some(true) => warnings.push(
                "tlsAllowInvalidCertificates=true: whoever is in between may pose as the database".to_owned(),
            ),
            Some(Tls::Enabled(_)) => {}
            _ if self.is_of_this_machine() => {}
            _ => warnings.push("without tls=true sessions cross the network in the clear".to_owned()),
        }
        warnings
    }

    /// The user that logs in.
    pub(crate) fn user(&self) -> Option<&str> {
        self.connection.credential.as_ref()?.username.as_deref()
    }

    /// Where the server looks for that user.
    pub(crate) fn source_database(&self) -> String {
        let named = self.connection.credential.as_ref().and_then(|credential| credential.source.clone());
        named.or_else(|| self.connection.default_database.clone()).unwrap_or_else(|| "admin".to_owned())
    }

    /// The name that the URL gives to the replica set.
    pub(crate) fn set(&self) -> Option<&str> {
        self.connection.replica_set.as_deref()
    }

    pub(crate) fn uses_tls(&self) -> bool {
        matches!(self.connection.tls, Some(Tls::Enabled(_)))
    }

    /// How many calls may be under way.
    pub(crate) fn calls_max(&self) -> u32 {
        self.connection.max_pool_size.unwrap_or(CONNECTIONS_MAX).max(1)
    }

    /// The hosts as the URL names them.
    pub(crate) fn hosts(&self) -> String {
        match &self.connection.host_info {
            HostInfo::HostIdentifiers(hosts) => {
                hosts.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
            }
            HostInfo::DnsRecord(name) => name.clone(),
            _ => "the host of the URL".to_owned(),
        }
    }

    /// What the driver is started with. Asks the name server for `mongodb+srv`.
    pub(crate) async fn client_options(&self) -> Result<ClientOptions, Error> {
        let mut options = ClientOptions::parse(self.connection.clone()).await?;
        options.app_name.get_or_insert_with(|| "vestibule".to_owned());
        options.connect_timeout = Some(CONNECT_TIMEOUT);
        options.heartbeat_freq = Some(HEARTBEAT_EVERY);
        options.server_selection_timeout = Some(SELECT_MAX);
        options.max_pool_size = Some(self.calls_max().saturating_add(CONNECTIONS_STANDING));
        options.max_connecting.get_or_insert(CONNECTING_MAX);
        // A server that refuses connections is not waited for: the caller has a deadline.
        options.max_adaptive_retries = Some(0);
        // Each call states its own.
        options.write_concern = None;
        options.read_concern = None;
        Ok(options)
    }

    fn is_of_this_machine(&self) -> bool {
        let HostInfo::HostIdentifiers(hosts) = &self.connection.host_info else { return false };
        hosts.iter().all(|host| match host {
            ServerAddress::Tcp { host, .. } => {
                host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
            }
            _ => true,
        })
    }
}

/// Without the password, which the driver's own `Debug` would show.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("hosts", &self.hosts())
            .field("database", &self.database)
            .field("user", &self.user())
            .field("durability", &self.durability)
            .finish_non_exhaustive()
    }
}

fn durability(connection: &ConnectionString) -> Result<Durability, BadUrl> {
    let Some(concern) = &connection.write_concern else { return Ok(Durability::Majority) };
    if concern.journal == Some(false) {
        return Err(refused("journal=false", "an acknowledged write has to survive a crash"));
    }
    match &concern.w {
        None | Some(Acknowledgment::Majority) => Ok(Durability::Majority),
        Some(Acknowledgment::Nodes(1)) => Ok(Durability::PrimaryAlone),
        Some(_) => Err(BadUrl(
            "w may be \"majority\", which it is when it is left out, or 1: no other number of members \
             promises anything more"
                .to_owned(),
        )),
    }
}

/// Refuses what the rest of the store could not keep its word with.
fn check_promises(connection: &ConnectionString) -> Result<(), BadUrl> {
    if connection.read_preference.as_ref().is_some_and(|read| *read != ReadPreference::Primary) {
        return Err(refused("readPreference", "secondaries may not know yet that a session has ended"));
    }
    let read_concern = connection.read_concern.as_ref().map(|concern| &concern.level);
    if read_concern.is_some_and(|level| *level != ReadConcernLevel::Majority) {
        return Err(refused("readConcernLevel", "each read states the one it needs"));
    }
    if connection.load_balanced == Some(true) {
        return Err(refused(
            "loadBalanced=true",
            "the members have to be seen, or no failover can be followed",
        ));
    }
    #[expect(deprecated, reason = "the driver ignores it; whoever writes it expects otherwise")]
    let socket_timeout = connection.socket_timeout;
    let times = [
        ("connectTimeoutMS", connection.connect_timeout),
        ("serverSelectionTimeoutMS", connection.server_selection_timeout),
        ("heartbeatFrequencyMS", connection.heartbeat_frequency),
        ("socketTimeoutMS", socket_timeout),
        ("wTimeoutMS", connection.write_concern.as_ref().and_then(|concern| concern.w_timeout)),
    ];
    match times.iter().find(|(_, time)| time.is_some()) {
        Some((name, _)) => Err(refused(name, "Vestibule sets it, so that an outage is answered in time")),
        None => Ok(()),
    }
}

fn refused(option: &str, reason: &str) -> BadUrl {
    BadUrl(format!("{option} cannot be used here: {reason}. Remove it from the URL"))
}

/// Why the driver cannot read the URL. A password with a slash or a question mark ends up in the middle of other
/// parts, and would be in the driver's words.
fn explain(url: &str, error: &Error) -> BadUrl {
    let Some((scheme, rest)) = url.split_once("://") else {
        return BadUrl(
            "this is no URL: write mongodb://host:port/database or mongodb+srv://name/database".to_owned(),
        );
    };
    if !matches!(scheme, "mongodb" | "mongodb+srv") {
        return BadUrl("a URL of MongoDB begins with mongodb:// or mongodb+srv://".to_owned());
    }
    let password =
        rest.rsplit_once('@').and_then(|(user, _)| user.split_once(':')).map(|(_, password)| password);
    if password.is_some_and(|password| !is_encoded(password)) {
        return BadUrl(
            "the password has characters that mean something in a URL: write them as %XX (@ is %40, / is %2F, \
             : is %3A, % is %25), or keep it in a file"
                .to_owned(),
        );
    }
    match &*error.kind {
        ErrorKind::InvalidArgument { message, .. } => BadUrl(format!("the URL cannot be used: {message}")),
        _ => BadUrl("the URL cannot be used".to_owned()),
    }
}

/// Whether only characters stand there that RFC 3986 allows a password without being encoded.
fn is_encoded(password: &str) -> bool {
    password.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=%".contains(&byte))
        && password
            .split('%')
            .skip(1)
            .all(|rest| rest.len() >= 2 && rest.bytes().take(2).all(|digit| digit.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests;
