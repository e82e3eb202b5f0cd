//! A real server, and the troubles that begin inside it, which no network shows.

pub(super) mod mongo_account;
mod postgres_full;

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};

use vestibule_testkit::fault::FaultProxy;
use vestibule_testkit::patience::PATIENCE;
use vestibule_testkit::server::disk::limit_files;
use vestibule_testkit::server::mongo::{Manner, ReplicaSet};
use vestibule_testkit::server::postgres::Postgres;
use vestibule_testkit::server::redis::Redis;

use super::nodes::Cluster;
use super::store::{Kind, Place};

/// The account that nodes use at PostgreSQL, and at a MongoDB with users. It may do less than everything, so that limits are its limits too.
pub(super) const ACCOUNT: &str = "vestibule";

/// How many connections a MongoDB takes that has none left later: enough for two nodes.
const CONNECTIONS_MAX: u16 = 150;

/// What a server suffers from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It answers who reads and refuses who writes.
    ReadOnly,
    /// It ends all connections and takes no new one.
    Crowded,
    /// There is no memory for anything new.
    MemoryFull,
    /// There is no room on its disk for anything new.
    DiskFull,
    /// Nor for its log, without which it can do nothing.
    LogFull,
    /// The account of the nodes may look and no longer change.
    LookOnly,
    /// The one that took writes has stepped down, and no other has taken its place.
    Leaderless,
}

/// A server.
pub(super) enum OwnServer {
    Postgres(Box<Postgres>),
    Redis(Box<Redis>),
    Mongo(Box<ReplicaSet>),
}

impl OwnServer {
    pub(super) fn start(kind: Kind) -> Self {
        match kind {
            Kind::Postgres => {
                let postgres = Postgres::start_with(&["max_connections=400"]);
                postgres.account(ACCOUNT);
                Self::Postgres(Box::new(postgres))
            }
            Kind::Redis => Self::Redis(Box::new(Redis::start(&[]))),
            Kind::Mongo => Self::Mongo(Box::new(ReplicaSet::of_one())),
        }
    }

    /// One that can suffer from this.
    pub(super) fn to_suffer(kind: Kind, trouble: Trouble) -> Self {
        let mongo = |manner| Self::Mongo(Box::new(ReplicaSet::start(1, manner)));
        match (kind, trouble) {
            (Kind::Mongo, Trouble::LookOnly) => mongo(Manner { users: true, ..Manner::default() }),
            (Kind::Mongo, Trouble::Crowded) => {
                mongo(Manner { connections_max: CONNECTIONS_MAX, ..Manner::default() })
            }
            (Kind::Redis, Trouble::LogFull) => Self::Redis(Box::new(Redis::start(&["appendfsync always"]))),
            _ => Self::start(kind),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Postgres(_) => Kind::Postgres,
            Self::Redis(_) => Kind::Redis,
            Self::Mongo(_) => Kind::Mongo,
        }
    }

    /// A new place for sessions.
    pub(super) fn place(&self) -> Place {
        let place = Place::new(self.kind(), self.address());
        match self {
            Self::Postgres(postgres) => {
                postgres.database(place.name());
                postgres
                    .sql("postgres", &format!("ALTER DATABASE \"{}\" OWNER TO \"{ACCOUNT}\"", place.name()));
                place
            }
            Self::Mongo(set) if set.has_users() => {
                mongo_account::make(set, place.name());
                place.by_account()
            }
            Self::Redis(_) | Self::Mongo(_) => place,
        }
    }

    fn address(&self) -> SocketAddr {
        match self {
            Self::Postgres(postgres) => (Ipv4Addr::LOCALHOST, postgres.port()).into(),
            Self::Redis(redis) => redis.server.address(),
            Self::Mongo(set) => set.members()[0].address(),
        }
    }

    /// Ends it as the loss of power does.
    pub(super) fn kill(&mut self) {
        match self {
            Self::Postgres(postgres) => postgres.kill(),
            Self::Redis(redis) => redis.server.kill(),
            Self::Mongo(set) => set.member(0).kill(),
        }
    }

    /// Starts it again over what it has kept.
    pub(super) fn restart(&mut self) {
        match self {
            Self::Postgres(postgres) => postgres.restart(),
            Self::Redis(redis) => redis.server.restart(),
            Self::Mongo(set) => {
                set.member(0).restart();
                set.primary();
            }
        }
    }

    /// Begins a trouble in the place of one story; what is returned ends it.
    pub(super) fn suffer<'s>(
        &'s mut self,
        trouble: Trouble,
        place: &'s Place,
        cluster: &Cluster,
    ) -> Box<dyn FnOnce() + 's> {
        match self {
            Self::Postgres(postgres) => postgres_suffers(postgres, trouble, place.name()),
            Self::Redis(redis) => redis_suffers(redis, trouble),
            Self::Mongo(set) => mongo_suffers(set, trouble, place.name(), cluster),
        }
    }
}

fn postgres_suffers<'s>(
    postgres: &'s mut Postgres,
    trouble: Trouble,
    database: &'s str,
) -> Box<dyn FnOnce() + 's> {
    match trouble {
        Trouble::ReadOnly => {
            let (begin, end) = ("SET default_transaction_read_only = on", "RESET ALL");
            with_new_connections(postgres, database, begin, end)
        }
        Trouble::Crowded => {
            with_new_connections(postgres, database, "CONNECTION LIMIT 0", "CONNECTION LIMIT -1")
        }
        Trouble::DiskFull => {
            postgres_full::fill(postgres, database);
            Box::new(move || postgres_full::mend(postgres))
        }
        Trouble::LogFull => {
            postgres.limit_files(Some(0));
            postgres.until_ended();
            Box::new(|| postgres.restart())
        }
        Trouble::LookOnly => {
            let change = move |words: &str, account: &str| {
                let tables = "INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA vestibule";
                postgres.sql(database, &format!("{words} {tables} {account} \"{ACCOUNT}\""));
            };
            change("REVOKE", "FROM");
            Box::new(move || change("GRANT", "TO"))
        }
        Trouble::MemoryFull | Trouble::Leaderless => panic!("no story has {trouble:?} of PostgreSQL"),
    }
}

fn redis_suffers(redis: &mut Redis, trouble: Trouble) -> Box<dyn FnOnce() + '_> {
    if trouble == Trouble::LogFull {
        limit_files(redis.server.pid(), Some(0));
        redis.server.until_ended();
        return Box::new(|| redis.server.restart());
    }
    let redis: &Redis = redis;
    let order = |words: &'static [&'static str]| {
        redis.command(words);
        move |words: &[&str]| drop(redis.command(words))
    };
    match trouble {
        Trouble::ReadOnly => {
            // The replica of a master that is not there shows what it has.
            let end = order(&["REPLICAOF", "127.0.0.1", "1"]);
            Box::new(move || end(&["REPLICAOF", "NO", "ONE"]))
        }
        Trouble::MemoryFull => {
            redis.command(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
            let end = order(&["CONFIG", "SET", "maxmemory", "1"]);
            Box::new(move || end(&["CONFIG", "SET", "maxmemory", "0"]))
        }
        Trouble::DiskFull => {
            limit_files(redis.server.pid(), Some(0));
            // It learns that from its next write.
            redis.until(&["SET", "filler", "x"], "MISCONF");
            Box::new(|| limit_files(redis.server.pid(), None))
        }
        Trouble::LookOnly => {
            let end = order(&["ACL", "SETUSER", "default", "-@write"]);
            Box::new(move || end(&["ACL", "SETUSER", "default", "+@write"]))
        }
        Trouble::Crowded => redis_takes_nobody(redis.server.address()),
        Trouble::LogFull | Trouble::Leaderless => panic!("no story has {trouble:?} of Redis"),
    }
}

fn mongo_suffers<'s>(
    set: &'s mut ReplicaSet,
    trouble: Trouble,
    database: &'s str,
    cluster: &Cluster,
) -> Box<dyn FnOnce() + 's> {
    match trouble {
        Trouble::Leaderless => {
            set.step_down();
            Box::new(|| set.stand_again())
        }
        Trouble::Crowded => {
            // It cannot be told to close what it has taken.
            cluster.networks(FaultProxy::cut);
            let crowd = set.crowd();
            cluster.networks(FaultProxy::heal);
            Box::new(move || drop(crowd))
        }
        Trouble::LogFull => {
            limit_files(set.members()[0].pid(), Some(0));
            set.member(0).until_ended();
            Box::new(|| {
                set.member(0).restart();
                set.primary();
            })
        }
        Trouble::LookOnly => {
            mongo_account::take_writing(set, database);
            Box::new(|| mongo_account::give_writing(set, database))
        }
        Trouble::ReadOnly | Trouble::MemoryFull | Trouble::DiskFull => {
            panic!("no story has {trouble:?} of MongoDB")
        }
    }
}

/// Connections keep what they began with, so all of them have to begin anew.
fn with_new_connections<'s>(
    postgres: &'s Postgres,
    database: &'s str,
    begin: &'static str,
    end: &'static str,
) -> Box<dyn FnOnce() + 's> {
    let change = move |change: &str| {
        postgres.sql("postgres", &format!("ALTER DATABASE \"{database}\" {change}"));
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ";
        postgres.sql("postgres", &format!("{end}'{database}'"));
    };
    change(begin);
    Box::new(move || change(end))
}

/// The only connection that it takes is ours.
fn redis_takes_nobody(address: SocketAddr) -> Box<dyn FnOnce()> {
    let mut ours = TcpStream::connect(address).expect("it takes connections yet");
    ours.set_read_timeout(Some(PATIENCE)).expect("a socket takes a limit");
    let mut order = move |order: &str| {
        ours.write_all(format!("{order}\r\n").as_bytes()).expect("it hears us");
        let mut answer = [0; 64];
        let length = ours.read(&mut answer).expect("it answers us");
        assert!(!answer.starts_with(b"-"), "{order}: {}", answer[..length].escape_ascii());
    };
    order("CONFIG SET maxclients 1");
    order("CLIENT KILL TYPE normal SKIPME yes");
    order("CLIENT KILL TYPE pubsub");
    Box::new(move || order("CONFIG SET maxclients 10000"))
}
