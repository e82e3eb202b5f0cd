//! The kinds of stores that a cluster can stand on. One server of each kind serves all stories, each with a place of its
//! own there; stories that break the server itself have one to themselves.

use std::net::SocketAddr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use vestibule_testkit::server::postgres::PASSWORD;

use super::own_server::{ACCOUNT, OwnServer, mongo_account};

/// A kind of store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Postgres,
    Redis,
    Mongo,
}

/// Where one cluster keeps its sessions.
pub(super) struct Place {
    kind: Kind,
    server: SocketAddr,
    /// A name that no other story has: of a database, or before each key.
    name: String,
    /// What nodes use instead of an address of the network: servers that tell of one another cannot be behind it.
    directly: Option<String>,
    /// Whether a MongoDB wants to know who comes.
    by_account: bool,
}

/// Numbers the places of this process.
static PLACES: AtomicUsize = AtomicUsize::new(0);

impl Kind {
    /// A new place on the server that all stories share.
    pub(super) fn place(self) -> Place {
        static POSTGRES: OnceLock<OwnServer> = OnceLock::new();
        static REDIS: OnceLock<OwnServer> = OnceLock::new();
        static MONGO: OnceLock<OwnServer> = OnceLock::new();
        let server = match self {
            Self::Postgres => &POSTGRES,
            Self::Redis => &REDIS,
            Self::Mongo => &MONGO,
        };
        server.get_or_init(|| OwnServer::start(self)).place()
    }
}

impl Place {
    /// A new one on this server.
    pub(super) fn new(kind: Kind, server: SocketAddr) -> Self {
        let number = PLACES.fetch_add(1, Ordering::Relaxed);
        Self { kind, server, name: format!("vestibule_{number}"), directly: None, by_account: false }
    }

    /// Nodes reach it by the URL that this makes of its name, and past the network.
    pub(super) fn directly(mut self, url: impl FnOnce(&str) -> String) -> Self {
        self.directly = Some(url(&self.name));
        self
    }

    /// Nodes tell a MongoDB who they are.
    pub(super) fn by_account(mut self) -> Self {
        self.by_account = true;
        self
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.server
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// As a configuration names it, for a node that reaches the server through this address.
    pub(super) fn url(&self, through: SocketAddr) -> String {
        if let Some(url) = &self.directly {
            return url.clone();
        }
        let name = &self.name;
        match self.kind {
            Kind::Postgres => {
                let password = PASSWORD.replace(' ', "%20");
                format!("postgres://{ACCOUNT}:{password}@{through}/{name}")
            }
            Kind::Redis => format!("redis://{through}/0?prefix={name}"),
            Kind::Mongo if self.by_account => format!(
                "mongodb://{ACCOUNT}:{}@{through}/{name}?directConnection=true&authSource=admin",
                mongo_account::PASSWORD
            ),
            // Directly, or the driver would learn the server's own address and pass the network by.
            Kind::Mongo => format!("mongodb://{through}/{name}?directConnection=true"),
        }
    }

    /// What a client says on the connection by which it hears of changes, and on no other.
    pub(super) fn marks(&self) -> &'static [&'static [u8]] {
        match self.kind {
            Kind::Postgres => &[b"LISTEN "],
            Kind::Redis => &[b"SUBSCRIBE"],
            Kind::Mongo => &[b"$changeStream", b"getMore"],
        }
    }
}

/// Each of these stories is a test on every kind of store.
macro_rules! on_every_store {
    ($($story:ident,)+) => {
        on_every_store! { @ postgres Postgres $($story)+ }
        on_every_store! { @ redis Redis $($story)+ }
        on_every_store! { @ mongo Mongo $($story)+ }
    };
    (@ $module:ident $kind:ident $($story:ident)+) => {
        mod $module {
            use super::super::store::Kind;

            $(
                #[test]
                fn $story() {
                    super::$story(Kind::$kind);
                }
            )+
        }
    };
}
pub(super) use on_every_store;
