//! Stores of several servers, of which one takes writes: how that one is lost, and how another takes its place.

use std::net::{Ipv4Addr, SocketAddr};

use vestibule_testkit::server::mongo::ReplicaSet;
use vestibule_testkit::server::postgres::{PASSWORD, Postgres};
use vestibule_testkit::server::redis::{Cluster as RedisCluster, MASTER, Redis, SentinelSet};

use super::own_server::ACCOUNT;
use super::store::{Kind, Place};

/// More sentinels than there are: no majority of them agrees.
const NO_QUORUM: &str = "9";
const QUORUM: &str = "2";

/// A set of servers.
pub(super) enum Set {
    /// A primary and a synchronous standby.
    Postgres { primary: Box<Postgres>, standby: Box<Postgres> },
    /// A master and a replica, and three sentinels that see to them.
    Redis(Box<SentinelSet>),
    /// Three masters, each with a replica, that choose among themselves.
    RedisCluster { cluster: Box<RedisCluster>, dead: Option<usize> },
    /// Three members that choose among themselves.
    Mongo { set: Box<ReplicaSet>, dead: Option<usize> },
}

impl Set {
    pub(super) fn start(kind: Kind) -> Self {
        match kind {
            Kind::Postgres => {
                let primary = Postgres::start_with(&["max_connections=400"]);
                primary.account(ACCOUNT);
                let standby = Box::new(primary.standby());
                Self::Postgres { primary: Box::new(primary), standby }
            }
            Kind::Redis => Self::Redis(Box::new(SentinelSet::start(&[]))),
            Kind::Mongo => Self::Mongo { set: Box::new(ReplicaSet::of_three()), dead: None },
        }
    }

    /// Another one of Redis.
    pub(super) fn redis_cluster() -> Self {
        Self::RedisCluster { cluster: Box::new(RedisCluster::start(3, 3)), dead: None }
    }

    /// A new place for sessions. Its URL names all servers; acknowledged is what more than one of them has.
    pub(super) fn place(&self) -> Place {
        let local = |port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        match self {
            Self::Postgres { primary, standby } => {
                let hosts = format!("{},{}", local(primary.port()), local(standby.port()));
                let place = Place::new(Kind::Postgres, local(primary.port())).directly(|name| {
                    format!("postgres://{ACCOUNT}:{}@{hosts}/{name}", PASSWORD.replace(' ', "%20"))
                });
                primary.database(place.name());
                let owned = format!("ALTER DATABASE \"{}\" OWNER TO \"{ACCOUNT}\"", place.name());
                primary.sql("postgres", &owned);
                place
            }
            Self::Redis(set) => {
                let sentinels = set.places();
                Place::new(Kind::Redis, set.servers[0].server.address()).directly(|name| {
                    format!("redis+sentinel://{sentinels}/{MASTER}?prefix={name}&wait_replicas=1")
                })
            }
            Self::RedisCluster { cluster, .. } => {
                let (first, places) = (cluster.masters[0].server.address(), cluster.places());
                Place::new(Kind::Redis, first)
                    .directly(|name| format!("redis+cluster://{places}?prefix={name}&wait_replicas=1"))
            }
            Self::Mongo { set, .. } => {
                Place::new(Kind::Mongo, set.members()[0].address()).directly(|name| set.url(name))
            }
        }
    }

    /// Another is to take writes from now on, as an administrator orders it, or the manager of a set.
    pub(super) fn switch(&mut self) {
        match self {
            // Nobody here hands over in order.
            Self::Postgres { primary, standby } => {
                primary.kill();
                standby.promote();
            }
            Self::Redis(set) => assert_eq!(sentinel(set, 0, &["FAILOVER", MASTER]), "OK"),
            Self::Mongo { set, .. } => set.step_down(),
            Self::RedisCluster { .. } => panic!("no story has a switch in a Redis Cluster"),
        }
    }

    /// Whether the one that took writes before [`Set::switch`] does so no more.
    pub(super) fn has_switched(&self) -> bool {
        match self {
            Self::Postgres { .. } | Self::Mongo { .. } | Self::RedisCluster { .. } => true,
            Self::Redis(set) => set.servers[0].command(&["INFO", "replication"]).contains("role:slave"),
        }
    }

    /// The one that takes writes dies as by a loss of power. None takes its place until [`Set::succeed`].
    pub(super) fn lose(&mut self) {
        match self {
            Self::Postgres { primary, .. } => primary.kill(),
            Self::Redis(set) => {
                quorum(set, NO_QUORUM);
                set.servers[0].server.kill();
            }
            Self::Mongo { set, dead } => {
                let primary = set.primary();
                set.member(primary).kill();
                // The one that is left is no majority.
                set.members()[next_to(primary)].freeze();
                *dead = Some(primary);
            }
            Self::RedisCluster { .. } => panic!("which master is lost is part of the story"),
        }
    }

    /// The master of a Redis Cluster dies that has a session. None takes its place until [`Set::succeed`].
    pub(super) fn lose_master_of(&mut self, handle: &str) {
        let Self::RedisCluster { cluster, dead } = self else {
            panic!("a Redis Cluster has several masters")
        };
        for replica in &cluster.replicas {
            replica.command(&["CONFIG", "SET", "cluster-replica-no-failover", "yes"]);
        }
        let pattern = format!("*{handle}*");
        let has_it = |master: &Redis| !master.command(&["KEYS", &pattern]).is_empty();
        let lost = cluster.masters.iter().position(has_it).expect("one of them has the session");
        cluster.masters[lost].server.kill();
        *dead = Some(lost);
    }

    /// Another takes its place, and what the place promises is promised again when this returns.
    pub(super) fn succeed(&mut self) {
        match self {
            Self::Postgres { standby, .. } => standby.promote(),
            Self::Redis(set) => {
                quorum(set, QUORUM);
                set.servers[1].until(&["INFO", "replication"], "role:master");
                // The old one comes back, and learns from the sentinels that it is a replica now.
                set.servers[0].server.restart();
                set.servers[1].until(&["INFO", "replication"], "state=online");
            }
            Self::RedisCluster { cluster, dead } => {
                let dead = dead.take().expect("it was lost before");
                for replica in &cluster.replicas {
                    replica.command(&["CONFIG", "SET", "cluster-replica-no-failover", "no"]);
                }
                let next = &cluster.replicas[dead];
                next.until(&["INFO", "replication"], "role:master");
                // The old one comes back, and learns from the others that it is a replica now.
                cluster.masters[dead].server.restart();
                next.until(&["INFO", "replication"], "state=online");
                for node in cluster.masters.iter().chain(&cluster.replicas) {
                    node.until(&["CLUSTER", "INFO"], "cluster_state:ok");
                }
            }
            Self::Mongo { set, dead } => {
                let dead = dead.take().expect("it was lost before");
                set.members()[next_to(dead)].thaw();
                set.primary();
                set.member(dead).restart();
                set.until_whole();
            }
        }
    }
}

/// Another of three members.
fn next_to(member: usize) -> usize {
    (member + 1) % 3
}

/// How many sentinels have to agree that the master is gone.
fn quorum(set: &SentinelSet, sentinels: &str) {
    for number in 0..set.places().split(',').count() {
        assert_eq!(sentinel(set, number, &["SET", MASTER, "quorum", sentinels]), "OK");
    }
}

/// What a sentinel says to a command.
fn sentinel(set: &SentinelSet, number: usize, command: &[&str]) -> String {
    let places = set.places();
    let place = places.split(',').nth(number).expect("there are so many");
    let (_, port) = place.rsplit_once(':').expect("a place has a port");
    // Any server lends its `redis-cli`.
    set.servers[1].command(&[&["-p", port, "SENTINEL"], command].concat())
}
