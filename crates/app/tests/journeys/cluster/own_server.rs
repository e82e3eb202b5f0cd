//! A real server, and the troubles that begin inside it, which no network shows.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};

use vestibule_testkit::patience::PATIENCE;
use vestibule_testkit::server::mongo::ReplicaSet;
use vestibule_testkit::server::postgres::Postgres;
use vestibule_testkit::server::redis::Redis;

use super::store::{Kind, Place};

/// The account that nodes use at PostgreSQL. It may do less than everything, so that limits are its limits too.
pub(super) const ACCOUNT: &str = "vestibule";

/// What a server suffers from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It answers who reads and refuses who writes.
    ReadOnly,
    /// It ends all connections and takes no new one.
    Crowded,
    /// There is no room for anything new.
    Full,
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
        if let Self::Postgres(postgres) = self {
            postgres.database(place.name());
            postgres.sql("postgres", &format!("ALTER DATABASE \"{}\" OWNER TO \"{ACCOUNT}\"", place.name()));
        }
        place
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
    pub(super) fn suffer<'s>(&'s self, trouble: Trouble, place: &'s Place) -> Box<dyn FnOnce() + 's> {
        match (self, trouble) {
            (Self::Postgres(postgres), Trouble::ReadOnly) => postgres_suffers(
                postgres,
                place.name(),
                "SET default_transaction_read_only = on",
                "RESET ALL",
            ),
            (Self::Postgres(postgres), Trouble::Crowded) => {
                postgres_suffers(postgres, place.name(), "CONNECTION LIMIT 0", "CONNECTION LIMIT -1")
            }
            (Self::Redis(redis), Trouble::ReadOnly) => {
                // The replica of a master that is not there shows what it has.
                redis.command(&["REPLICAOF", "127.0.0.1", "1"]);
                Box::new(|| drop(redis.command(&["REPLICAOF", "NO", "ONE"])))
            }
            (Self::Redis(redis), Trouble::Full) => {
                redis.command(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
                redis.command(&["CONFIG", "SET", "maxmemory", "1"]);
                Box::new(|| drop(redis.command(&["CONFIG", "SET", "maxmemory", "0"])))
            }
            (Self::Redis(redis), Trouble::Crowded) => redis_takes_nobody(redis.server.address()),
            (Self::Mongo(set), Trouble::Leaderless) => {
                set.step_down();
                Box::new(|| set.stand_again())
            }
            _ => panic!("no story has {trouble:?} of {:?}", self.kind()),
        }
    }
}

/// Connections keep what they began with, so all of them have to begin anew.
fn postgres_suffers<'s>(
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
