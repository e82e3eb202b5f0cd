//! Opening the store: who is there, may we do what we have to, is the schema ours. Every refusal says what to change.

use std::time::Duration;

use mongodb::Client;
use mongodb::bson::{Document, doc};
use mongodb::error::{Error, ErrorKind, WriteFailure};
use tempfile::NamedTempFile;
use tokio::time::{Instant, sleep, timeout};

use crate::collections::Collections;
use crate::config::Config;
use crate::ear::Ear;
use crate::fault::{self, code};
use crate::schema::{self, Found, SCHEMA};
use crate::store::MongoStore;
use crate::{roots, warnings, watch};

/// How long opening may take.
pub const OPEN_MAX: Duration = Duration::from_secs(5);

/// How much of that is left when another process that makes the collections is waited for no longer.
const LEFT_TO_SAY: Duration = Duration::from_secs(1);

/// The oldest server that is taken: its replica sets acknowledge by majority unless told otherwise.
pub const SERVER_MIN: &str = "5.0";

/// What servers of that version say of the protocol they speak.
const WIRE_VERSION_MIN: i32 = 13;

/// How long to wait before a broken connection is tried again.
const AGAIN_AFTER: Duration = Duration::from_millis(100);

/// Why the store cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// No primary answered in time.
    #[error("no MongoDB primary can be reached at {hosts}: {why}")]
    Unreachable {
        /// Hosts as the URL has them.
        hosts: String,
        /// What was heard.
        why: String,
    },
    /// The server does not take user and password.
    #[error(
        "MongoDB does not accept the password of {user:?}: check it, and name the database that the user was made in \
         (?authSource=admin) if it is not {source_database:?}"
    )]
    Password {
        /// Who wanted in.
        user: String,
        /// Where the server looked for the user.
        source_database: String,
    },
    /// The server wants to know who we are.
    #[error(
        "MongoDB wants a user: put it into the URL, as in mongodb://user@host/, and its password into a file"
    )]
    NoUser,
    /// The user may not do what has to be done.
    #[error(
        "the user {user:?} may not {action} in the database {database:?}: grant it the role readWrite there"
    )]
    Privilege {
        /// Who.
        user: String,
        /// What.
        action: &'static str,
        /// Where.
        database: String,
    },
    /// Something else listens there.
    #[error("{server} does not behave like a MongoDB server: {why}")]
    NotMongo {
        /// Which one.
        server: String,
        /// What it did.
        why: String,
    },
    /// A server alone has no change streams.
    #[error(
        "{server} is a standalone server, which cannot tell other nodes of changes: start it with --replSet NAME and \
         run rs.initiate() once; a replica set of one is enough"
    )]
    Standalone {
        /// Which one.
        server: String,
    },
    /// It was started for a replica set that does not exist yet.
    #[error("{server} waits for its replica set to be founded: run rs.initiate() there once")]
    NotFounded {
        /// Which one.
        server: String,
    },
    /// The URL names another replica set.
    #[error("{server} belongs to the replica set {found:?}, and the URL says replicaSet={named}")]
    OtherSet {
        /// Which one.
        server: String,
        /// Its set.
        found: String,
        /// The URL's.
        named: String,
    },
    /// Writes are refused there.
    #[error(
        "{hosts} is a secondary and takes no writes: remove directConnection from the URL, so that the primary is found"
    )]
    ReadOnly {
        /// Hosts as the URL has them.
        hosts: String,
    },
    /// The server lacks what we need.
    #[error("MongoDB {version} is too old: {SERVER_MIN} is needed")]
    TooOld {
        /// What it says it is.
        version: String,
    },
    /// A newer program has changed the database.
    #[error(
        "the database {database:?} has schema {found} and this program knows {SCHEMA}: run the newer program, or name \
         another database"
    )]
    NewerSchema {
        /// Which one.
        database: String,
        /// Its schema.
        found: i32,
    },
    /// Another process makes what we need, or died over it a moment ago.
    #[error(
        "another node is making the collections of the database {database:?}, and has until {until} by the server's clock: \
         start again then"
    )]
    BeingMade {
        /// Which one.
        database: String,
        /// When it has to be ready.
        until: String,
    },
    /// No connection that can be trusted.
    #[error("no TLS connection to {server}: {why}")]
    Tls {
        /// Which one.
        server: String,
        /// What went wrong.
        why: String,
    },
    /// Too few members are there.
    #[error("more than half of the replica set's members have to agree, and did not in time: {0}")]
    NoMajority(String),
    /// The server refused something else.
    #[error("MongoDB refuses to work: {0}")]
    Refused(String),
}

impl MongoStore {
    /// Connects, checks the server, and makes or migrates the collections.
    pub async fn open(config: Config) -> Result<Self, OpenError> {
        let ear = Ear::default();
        match timeout(OPEN_MAX, open(&config, &ear)).await {
            Ok(opened) => opened,
            Err(_) => Err(ear.last_words(&config)),
        }
    }
}

/// What a look has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// What the live server's settings may lose or delay. Empty where it cannot be asked.
    pub warnings: Vec<String>,
    /// Whether our collections are not there yet.
    pub is_new: bool,
}

/// Says whether [`MongoStore::open`] would succeed, as far as that can be seen without writing anything.
pub async fn examine(config: Config) -> Result<Examined, OpenError> {
    let ear = Ear::default();
    let look = async {
        let (collections, _roots) = reach(&config, &ear).await?;
        let is_new = look_at_rights(&collections, &config).await?;
        Ok(Examined { warnings: warnings::of(&collections).await, is_new })
    };
    match timeout(OPEN_MAX, look).await {
        Ok(examined) => examined,
        Err(_) => Err(ear.last_words(&config)),
    }
}

async fn open(config: &Config, ear: &Ear) -> Result<MongoStore, OpenError> {
    let late = Instant::now() + OPEN_MAX.saturating_sub(LEFT_TO_SAY);
    let (collections, roots) = reach(config, ear).await?;
    check_rights(&collections, config, late).await?;
    Ok(MongoStore::new(collections, config.calls_max(), roots))
}

/// The collections at a server that can be used, and the roots that it is trusted by.
async fn reach(config: &Config, ear: &Ear) -> Result<(Collections, Option<NamedTempFile>), OpenError> {
    let resolved = config.client_options().await;
    let mut options = resolved.map_err(|error| refusal(&error, "look up servers", config))?;
    let tls = |why: String| OpenError::Tls { server: config.hosts(), why };
    let roots = roots::trust(config, &mut options).map_err(|error| tls(error.to_string()))?;
    options.sdam_event_handler = Some(ear.handler());
    let client = Client::with_options(options).map_err(|error| refusal(&error, "connect", config))?;
    check_server(&client, &greet(&client, config, ear).await?, config).await?;
    Ok((Collections::new(&client, config), roots))
}

/// The first answer of a primary. Waits for one, unless what the servers say makes it hopeless.
async fn greet(client: &Client, config: &Config, ear: &Ear) -> Result<Document, OpenError> {
    loop {
        let error = match client.database("admin").run_command(doc! { "hello": 1 }).await {
            Ok(hello) => return Ok(hello),
            Err(error) => error,
        };
        match &*error.kind {
            ErrorKind::ServerSelection { .. }
            | ErrorKind::Io(_)
            | ErrorKind::ConnectionPoolCleared { .. } => {
                if let Some(verdict) = ear.verdict(config) {
                    return Err(verdict);
                }
                sleep(AGAIN_AFTER).await;
            }
            _ => return Err(refusal(&error, "log in", config)),
        }
    }
}

async fn check_server(client: &Client, hello: &Document, config: &Config) -> Result<(), OpenError> {
    judge(hello, config)?;
    if is_too_old(hello) {
        let info = client.database("admin").run_command(doc! { "buildInfo": 1 }).await;
        let version = info.ok().and_then(|info| info.get_str("version").map(str::to_owned).ok());
        return Err(OpenError::TooOld { version: version.unwrap_or_else(|| "of this version".to_owned()) });
    }
    Ok(())
}

/// Whether what says this of itself is a server for us, whatever its age.
fn judge(hello: &Document, config: &Config) -> Result<(), OpenError> {
    if !is_mongos(hello) && hello.get_str("setName").is_err() {
        return Err(OpenError::Standalone { server: config.hosts() });
    }
    if !is_primary(hello) {
        return Err(OpenError::ReadOnly { hosts: config.hosts() });
    }
    Ok(())
}

fn is_too_old(hello: &Document) -> bool {
    hello.get_i32("maxWireVersion").unwrap_or(0) < WIRE_VERSION_MIN
}

/// Does once what the store does all the time, harmlessly, so that a missing right shows at the start.
async fn check_rights(collections: &Collections, config: &Config, late: Instant) -> Result<(), OpenError> {
    let may = |action: &'static str| move |error: Error| refusal(&error, action, config);
    version(collections, config).await?;
    match schema::prepare(collections, late).await.map_err(may("make collections and indexes"))? {
        Found::Ours => {}
        Found::BeingMade(until) => {
            let until = until.try_to_rfc3339_string().unwrap_or_else(|_| until.to_string());
            return Err(OpenError::BeingMade { database: config.database.clone(), until });
        }
        Found::Newer(found) => {
            return Err(OpenError::NewerSchema { database: config.database.clone(), found });
        }
    }
    schema::sign(collections).await.map_err(may("insert and update"))?;
    schema::remove_nothing(collections).await.map_err(may("remove"))?;
    watch::open(collections).await.map_err(may("open a change stream (the action changeStream)")).map(drop)
}

/// The same with what changes nothing, and whether our collections are not there yet. What may be inserted is not seen.
async fn look_at_rights(collections: &Collections, config: &Config) -> Result<bool, OpenError> {
    let may = |action: &'static str| move |error: Error| refusal(&error, action, config);
    let is_new = match version(collections, config).await? {
        found if found > SCHEMA => {
            return Err(OpenError::NewerSchema { database: config.database.clone(), found });
        }
        found => found == 0,
    };
    schema::change_nothing(collections).await.map_err(may("insert and update"))?;
    schema::remove_nothing(collections).await.map_err(may("remove"))?;
    if !is_new {
        watch::open(collections)
            .await
            .map_err(may("open a change stream (the action changeStream)"))
            .map(drop)?;
    }
    Ok(is_new)
}

async fn version(collections: &Collections, config: &Config) -> Result<i32, OpenError> {
    schema::version(collections).await.map_err(|error| refusal(&error, "find", config))
}

fn refusal(error: &Error, action: &'static str, config: &Config) -> OpenError {
    let user = || config.user().unwrap_or_default().to_owned();
    match (&*error.kind, fault::code(error)) {
        (ErrorKind::Authentication { .. }, _) | (_, Some(code::AUTHENTICATION_FAILED)) => {
            OpenError::Password { user: user(), source_database: config.source_database() }
        }
        (_, Some(code::UNAUTHORIZED)) if config.user().is_none() => OpenError::NoUser,
        (_, Some(code::UNAUTHORIZED)) => {
            OpenError::Privilege { user: user(), action, database: config.database.clone() }
        }
        (ErrorKind::DnsResolve { message, .. }, _) => {
            OpenError::Unreachable { hosts: config.hosts(), why: message.clone() }
        }
        (ErrorKind::InvalidTlsConfig { message, .. }, _) => {
            OpenError::Tls { server: config.hosts(), why: message.clone() }
        }
        (
            ErrorKind::Io(_) | ErrorKind::ServerSelection { .. } | ErrorKind::ConnectionPoolCleared { .. },
            _,
        ) => OpenError::Unreachable { hosts: config.hosts(), why: fault::text(error) },
        (ErrorKind::Write(WriteFailure::WriteConcernError(error)), _) => {
            OpenError::NoMajority(error.message.clone())
        }
        (_, Some(code::MAX_TIME_EXPIRED)) => OpenError::NoMajority(fault::text(error)),
        _ => OpenError::Refused(fault::text(error)),
    }
}

pub(crate) fn is_mongos(hello: &Document) -> bool {
    hello.get_str("msg").is_ok_and(|kind| kind == "isdbgrid")
}

pub(crate) fn is_primary(hello: &Document) -> bool {
    // The driver's first question is the old one, whose answer has the old word.
    ["isWritablePrimary", "ismaster"].iter().any(|word| hello.get_bool(word).unwrap_or(false))
}

#[cfg(test)]
mod tests;
