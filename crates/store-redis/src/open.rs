//! Opening the store: is this the server that the URL says, may we do all that we need, and will it keep what it takes?

use std::cmp::Ordering;
use std::sync::Arc;

use futures_util::future::join_all;
use redis::aio::MultiplexedConnection;
use redis::{Cmd, Value, cmd};
use tokio::time::timeout;
use vestibule_domain::identity::Timestamp;
use vestibule_ports::session_store::{Beat, StoreError};

use crate::config::{Arrangement, COMMAND_MAX, Config, OPEN_MAX, Place};
use crate::description::Description;
use crate::dial::{DialFault, Dialer, Login, NoConnection, fault};
use crate::entry;
use crate::event;
use crate::keys::Keys;
use crate::refusal::{Failure, answer, of_read};
use crate::scout::{NotFound, Scout};
use crate::script::{Run, Scripts};
use crate::servers::Servers;
use crate::store::RedisStore;
use crate::topology::{Order, Reach};
use crate::warnings;

/// The format of keys and entries that this program reads and writes.
pub const FORMAT: u32 = 1;

/// The oldest version whose commands and scripts suffice.
const VERSION_MIN: (u32, u32) = (6, 2);

/// Why the store cannot be used, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Nobody answers there, or not in time.
    #[error("redis at {place} cannot be reached: {why}; is it running, and is this its host and port?")]
    Unreachable {
        /// `host:port`.
        place: String,
        /// As the operating system says it.
        why: String,
    },
    /// User or password are not accepted.
    #[error(
        "redis at {place} refuses the user or password ({why}): check the user in the URL and store_password_file"
    )]
    WrongPassword {
        /// `host:port`.
        place: String,
        /// As the server says it.
        why: String,
    },
    /// The user may not do something that we need.
    #[error(
        "redis at {place} does not let its user do all that sessions need ({why}): see docs/examples/redis.toml"
    )]
    MissingPrivilege {
        /// `host:port`.
        place: String,
        /// As the server says it.
        why: String,
    },
    /// Something else listens there.
    #[error("what listens at {place} is no Redis for sessions: {why}")]
    WrongServer {
        /// `host:port`.
        place: String,
        /// What it is, as far as we can tell.
        why: String,
    },
    /// It lacks commands that we need.
    #[error("redis at {place} is version {version}: 6.2 or newer is needed, or Valkey")]
    TooOld {
        /// `host:port`.
        place: String,
        /// As the server says it.
        version: String,
    },
    /// A newer program has written here.
    #[error(
        "the sessions in redis have format {found} and this program knows {FORMAT}: run the newer program"
    )]
    NewerFormat {
        /// What stands there.
        found: String,
    },
    /// An older program has written here, in a way that this one does not read.
    #[error(
        "the sessions in redis have format {found} and this program reads {FORMAT} only: name another prefix in the URL \
         (?prefix=NAME), where everybody begins logged out"
    )]
    OlderFormat {
        /// What stands there.
        found: String,
    },
    /// Somebody else uses our keys.
    #[error(
        "the key {key} in redis holds something else than the format of sessions: name another prefix in the URL \
         (?prefix=NAME)"
    )]
    ForeignFormat {
        /// Its name.
        key: String,
    },
    /// No secure connection.
    #[error(
        "TLS with redis at {place} failed: {why}; check rediss in the URL, the host's name and store_ca_file"
    )]
    Tls {
        /// `host:port`.
        place: String,
        /// As the library says it.
        why: String,
    },
    /// It cannot be written to.
    #[error(
        "redis at {place} is a replica and takes no writes: name the master, or the sentinels (redis+sentinel://)"
    )]
    Replica {
        /// `host:port`.
        place: String,
    },
    /// It would throw sessions away.
    #[error(
        "redis at {place} may delete sessions when its memory is full (maxmemory-policy {policy}), which logs \
         visitors out: set maxmemory-policy noeviction"
    )]
    Evicts {
        /// `host:port`.
        place: String,
        /// The policy it has.
        policy: String,
    },
    /// It has no database of that number.
    #[error("redis at {place} has no database {database} ({why}): name another behind the host in the URL")]
    NoDatabase {
        /// `host:port`.
        place: String,
        /// The number in the URL.
        database: i64,
        /// As the server says it.
        why: String,
    },
    /// The sentinels know no such master.
    #[error(
        "the sentinels know no master named {name}: check the name in the URL (sentinel monitor NAME ...)"
    )]
    NoSuchMaster {
        /// The name in the URL.
        name: String,
    },
}

/// Connects, checks every master, and takes the format.
pub async fn open(config: Config) -> Result<RedisStore, OpenError> {
    let place = config.places.first().map(ToString::to_string).unwrap_or_default();
    let late = || OpenError::Unreachable { place, why: format!("not ready in {} s", OPEN_MAX.as_secs()) };
    let opened = async {
        let store = reach(config).await?;
        store.take_format().await?;
        Ok(store)
    };
    timeout(OPEN_MAX, opened).await.unwrap_or_else(|_| Err(late()))
}

/// What a look has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// What the settings of the live servers may lose, in words for an operator.
    pub warnings: Vec<String>,
    /// Whether no store has been opened there yet.
    pub is_new: bool,
}

/// Says whether [`open`] would succeed. No key is written.
pub async fn examine(config: Config) -> Result<Examined, OpenError> {
    let place = config.places.first().map(ToString::to_string).unwrap_or_default();
    let late = || OpenError::Unreachable { place, why: format!("no answer in {} s", OPEN_MAX.as_secs()) };
    let examined = async {
        let store = reach(config).await?;
        let is_new = !store.has_format().await?;
        Ok(Examined { warnings: store.warnings().await, is_new })
    };
    timeout(OPEN_MAX, examined).await.unwrap_or_else(|_| Err(late()))
}

/// A store at these servers, which have been checked and let us do what we need.
async fn reach(config: Config) -> Result<RedisStore, OpenError> {
    let config = Arc::new(config);
    let keys = Keys::new(&config.prefix);
    let place = config.places.first().map(ToString::to_string).unwrap_or_default();
    let dialer = Dialer::new(Arc::clone(&config)).map_err(|why| OpenError::Tls { place, why })?;
    let dialer = Arc::new(dialer);
    let scripts = Arc::new(Scripts::new());
    let scout = Scout::new(&dialer, &scripts);
    let layout = scout.find().await.map_err(not_found)?;
    let checks = layout.masters.iter().map(|master| check(&dialer, &scripts, &master.place));
    let found = join_all(checks).await.into_iter().collect::<Result<Vec<_>, _>>()?;
    let durable = found.iter().all(|found| found.durable);
    let servers = Servers::start(layout, &dialer, &scripts, scout);
    servers.up().await;
    let store = RedisStore { servers, keys, durable };
    store.try_privileges().await?;
    Ok(store)
}

/// What a check has found out.
struct Found {
    durable: bool,
}

/// Asks one server who it is, before anything else is asked of it.
async fn check(dialer: &Dialer, scripts: &Scripts, place: &Place) -> Result<Found, OpenError> {
    let mut connection = dialer.commands(place, Login::Own).await.map_err(no_connection)?;
    let mut config = cmd("CONFIG");
    config.arg("GET").arg("appendfsync");
    let info = ask(&mut connection, place, &cmd("INFO")).await?.map_err(|failure| refused(place, failure))?;
    let info = Description::read(&info).unwrap_or_default();
    judge(&info, &dialer.config.arrangement, place)?;
    // Without this right no connection would ever be up, and nobody would know why.
    let loaded = ask(&mut connection, place, &scripts.create.load()).await?;
    loaded.map_err(|failure| refused(place, failure))?;
    let fsync = ask(&mut connection, place, &config).await?;
    let fsync = fsync.ok().as_ref().and_then(warnings::setting);
    let durable = info.has_append_only_file() && fsync.as_deref() != Some("no");
    Ok(Found { durable })
}

/// Whether a server that says this of itself can be used.
fn judge(info: &Description, arrangement: &Arrangement, place: &Place) -> Result<(), OpenError> {
    let place = place.to_string();
    let wrong = |why: &str| Err(OpenError::WrongServer { place: place.clone(), why: why.to_owned() });
    if *info == Description::default() {
        return wrong("it does not say what it is");
    }
    if info.is_sentinel() {
        return wrong("it is a sentinel: write redis+sentinel://HOST:PORT/MASTER-NAME");
    }
    match (info.is_cluster(), arrangement) {
        (true, Arrangement::Single | Arrangement::Sentinel { .. }) => {
            return wrong("it is a node of a cluster: write redis+cluster://");
        }
        (false, Arrangement::Cluster) => return wrong("it is no node of a cluster: write redis://"),
        _ => {}
    }
    if info.version().is_none_or(|version| version < VERSION_MIN) {
        return Err(OpenError::TooOld { place, version: info.version_text().to_owned() });
    }
    if info.is_replica() {
        return Err(OpenError::Replica { place });
    }
    match info.eviction() {
        Some(policy) => Err(OpenError::Evicts { place, policy: policy.to_owned() }),
        None => Ok(()),
    }
}

/// The first words: whoever does not speak the protocol shows it here.
async fn ask(
    connection: &mut MultiplexedConnection,
    place: &Place,
    command: &Cmd,
) -> Result<Result<Value, Failure>, OpenError> {
    let no = |fault| no_connection(NoConnection { place: place.clone(), fault });
    match timeout(COMMAND_MAX, connection.send_packed_command(command)).await {
        Err(_) => Err(no(DialFault::Silent)),
        Ok(Err(error)) if error.code().is_none() => Err(no(fault(&error))),
        Ok(answered) => Ok(answer(answered)),
    }
}

impl RedisStore {
    /// Does everything once that will be done later, where it does no harm: a right that is missing shows now, and
    /// not when the first visitor logs out.
    async fn try_privileges(&self) -> Result<(), OpenError> {
        let beat = event::beat(Beat { watcher: 0, sent: vestibule_ports::clock::Mono::default() });
        for node in &self.servers.topology().nodes {
            let place = &node.master.place;
            let mut trials = trials(&node.beat_key, &node.channel, &beat);
            // For no replica, so that it does not wait.
            let mut wait = cmd("WAIT");
            wait.arg(0).arg(1);
            trials.extend((self.servers.dialer.config.wait_replicas > 0).then_some(wait));
            let clustered = self.servers.dialer.config.arrangement == Arrangement::Cluster;
            trials.extend(clustered.then(|| cmd("ASKING")));
            let answers = node.link.send_all(&trials).await;
            for answered in answers.map_err(|failure| refused(place, failure))? {
                answered.map_err(|failure| refused(place, failure))?;
            }
            let touch = Run::on(&self.servers.scripts.touch, node.beat_key.clone());
            let touch = Order::Script(touch.arg(entry::time(Timestamp::from_millis(0))));
            let ran = node.carry_out(&touch, false, Reach::Master).await;
            ran.map_err(|failure| refused(place, failure))?;
            let listener = self.servers.dialer.subscribed(place, &node.channel).await;
            listener.map(drop).map_err(no_connection)?;
        }
        Ok(())
    }

    /// Writes the format if there is none yet, and refuses one that is not ours. Of many who come at once one writes, and
    /// all read what it wrote.
    async fn take_format(&self) -> Result<(), OpenError> {
        let mut set = cmd("SET");
        set.arg(self.keys.format()).arg(FORMAT).arg("NX");
        self.ask_of_format(set).await?;
        self.has_format().await.map(drop)
    }

    /// Whether the format is there. Refuses one that is not ours.
    async fn has_format(&self) -> Result<bool, OpenError> {
        let mut get = cmd("GET");
        get.arg(self.keys.format());
        match self.ask_of_format(get).await? {
            Value::BulkString(found) => judge_format(&found, &self.keys.format()).map(|()| true),
            _ => Ok(false),
        }
    }

    async fn ask_of_format(&self, command: Cmd) -> Result<Value, OpenError> {
        let key = self.keys.format();
        let answered = self.servers.ask(&key, &Order::Plain(command), Reach::Master).await;
        answered.map_err(|failure| match of_read(&key, failure) {
            StoreError::Corrupt(_) => foreign(&key),
            other => OpenError::Unreachable { place: "its master".to_owned(), why: other.to_string() },
        })
    }

    /// What the settings of the live servers may lose, in words for an operator.
    pub async fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        for node in &self.servers.topology().nodes {
            warnings.extend(warnings::of(&node.link, &node.master.place, &self.servers.dialer.config).await);
        }
        warnings
    }
}

fn judge_format(found: &[u8], key: &[u8]) -> Result<(), OpenError> {
    let text = str::from_utf8(found).ok();
    let Some(number) = text.and_then(|text| text.parse::<u32>().ok()) else { return Err(foreign(key)) };
    let found = number.to_string();
    match number.cmp(&FORMAT) {
        Ordering::Equal => Ok(()),
        Ordering::Greater => Err(OpenError::NewerFormat { found }),
        Ordering::Less => Err(OpenError::OlderFormat { found }),
    }
}

fn foreign(key: &[u8]) -> OpenError {
    OpenError::ForeignFormat { key: String::from_utf8_lossy(key).into_owned() }
}

/// Commands of every kind that the store and its scripts use, on keys that are not there and do not come to be.
fn trials(key: &[u8], channel: &[u8], beat: &[u8]) -> Vec<Cmd> {
    let set = [key, b":trial"].concat();
    let trial = |name: &str, key: &[u8], arguments: &[&str]| {
        let mut trial = cmd(name);
        trial.arg(key).arg(arguments);
        trial
    };
    let mut publish = cmd("PUBLISH");
    publish.arg(channel).arg(beat);
    vec![
        trial("EXISTS", key, &[]),
        trial("GET", key, &[]),
        trial("GETRANGE", key, &["0", "1"]),
        trial("SETRANGE", key, &["0", ""]),
        trial("SET", key, &["trial", "XX", "PX", "1"]),
        trial("GETDEL", key, &[]),
        trial("ZADD", &set, &["XX", "GT", "1", "trial"]),
        trial("ZRANGEBYSCORE", &set, &["(1", "+inf", "LIMIT", "0", "1"]),
        trial("ZREMRANGEBYSCORE", &set, &["-inf", "0"]),
        trial("PTTL", &set, &[]),
        trial("PEXPIREAT", &set, &["1"]),
        trial("ZREM", &set, &["trial"]),
        cmd("TIME"),
        publish,
    ]
}

fn not_found(reason: NotFound) -> OpenError {
    match reason {
        NotFound::NoConnection(no) => no_connection(no),
        NotFound::NoSuchMaster(name) => OpenError::NoSuchMaster { name },
        NotFound::WrongAnswer(place, why) => {
            let place = place.to_string();
            if why.starts_with("NOAUTH") || why.starts_with("WRONGPASS") {
                OpenError::WrongPassword { place, why }
            } else if why.starts_with("NOPERM") {
                OpenError::MissingPrivilege { place, why }
            } else {
                OpenError::WrongServer { place, why }
            }
        }
    }
}

fn no_connection(no: NoConnection) -> OpenError {
    let place = no.place.to_string();
    match no.fault {
        DialFault::Silent => OpenError::Unreachable { place, why: "no answer in 1 s".to_owned() },
        DialFault::HungUp => OpenError::WrongServer {
            place,
            why:
                "it ends the connection without a word, as a server with TLS does, or another kind of server"
                    .to_owned(),
        },
        DialFault::Foreign => {
            OpenError::WrongServer { place, why: "it does not speak Redis's protocol".to_owned() }
        }
        DialFault::Tls(why) => OpenError::Tls { place, why },
        DialFault::Refused(why) if why.contains("permissions") => OpenError::MissingPrivilege { place, why },
        DialFault::Refused(why) => OpenError::WrongPassword { place, why },
        DialFault::NoDatabase(database, why) => OpenError::NoDatabase { place, database, why },
        DialFault::Other(why) => OpenError::Unreachable { place, why },
    }
}

fn refused(place: &Place, failure: Failure) -> OpenError {
    let place = place.to_string();
    match failure {
        Failure::Refused(refusal) => match &*refusal.code {
            "NOAUTH" | "WRONGPASS" => OpenError::WrongPassword { place, why: refusal.text() },
            "NOPERM" => OpenError::MissingPrivilege { place, why: refusal.text() },
            "READONLY" => OpenError::Replica { place },
            "ERR" => OpenError::WrongServer { place, why: refusal.text() },
            _ => OpenError::Unreachable { place, why: refusal.text() },
        },
        Failure::Lost(why) | Failure::Unsent(why) | Failure::Unsafe(why) => {
            OpenError::Unreachable { place, why }
        }
    }
}

#[cfg(test)]
mod tests;
