//! The databases that sessions are kept in, each started by us with settings as in real life, its files and processes told.

use std::path::{Path, PathBuf};

use vestibule_testkit::server::mongo::ReplicaSet;
use vestibule_testkit::server::postgres::{Postgres, SUPERUSER};
use vestibule_testkit::server::redis::Redis;

use crate::cpu::Account;
use crate::fault::Fault;

/// A kind of session store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Embedded,
    Postgres,
    Redis,
    Mongo,
}

/// A server that runs; none for the embedded store.
pub(crate) enum Server {
    None,
    Postgres(Box<Postgres>),
    Redis(Box<Redis>),
    Mongo(Box<ReplicaSet>),
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Embedded, Self::Postgres, Self::Redis, Self::Mongo];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Postgres => "postgres",
            Self::Redis => "redis",
            Self::Mongo => "mongo",
        }
    }

    /// Whether one of these is the beginning of the name; everything is wanted when there are none.
    pub(crate) fn is_among(self, only: &[String]) -> bool {
        only.is_empty() || only.iter().any(|wanted| self.name().starts_with(wanted.as_str()))
    }

    /// Starts a server of this kind. Ends the program where that is not possible: the message says what is missing.
    pub(crate) fn start(self) -> Server {
        match self {
            Self::Embedded => Server::None,
            // A quarter of the memory that such a machine has, as its makers advise.
            Self::Postgres => Server::Postgres(Box::new(Postgres::start_with(&[
                "fsync=on",
                "shared_buffers=1GB",
                "max_wal_size=4GB",
                "max_connections=200",
            ]))),
            Self::Redis => Server::Redis(Box::new(Redis::start(&[]))),
            Self::Mongo => Server::Mongo(Box::new(ReplicaSet::of_one())),
        }
    }
}

impl Server {
    /// Makes an empty place for sessions and says its URL.
    pub(crate) fn place(&self, name: &str) -> Option<String> {
        match self {
            Self::None => None,
            Self::Postgres(server) => {
                server.database(name);
                Some(server.url(SUPERUSER, name))
            }
            Self::Redis(server) => Some(format!("redis://{}/0?prefix={name}", server.place())),
            Self::Mongo(server) => Some(server.url(name)),
        }
    }

    /// The first process of the server.
    pub(crate) fn pid(&self) -> Option<u32> {
        match self {
            Self::None => None,
            Self::Postgres(server) => Some(server.pid()),
            Self::Redis(server) => Some(server.server.pid()),
            Self::Mongo(server) => server.members().first().map(vestibule_testkit::server::Server::pid),
        }
    }

    /// Where its files are.
    pub(crate) fn files(&self) -> Option<&Path> {
        match self {
            Self::None => None,
            Self::Postgres(server) => Some(server.files()),
            Self::Redis(server) => Some(server.files()),
            Self::Mongo(server) => Some(server.files()),
        }
    }

    /// Where it keeps what it has done lately, to do it again after a crash. Part of its files.
    pub(crate) fn logs(&self) -> Option<PathBuf> {
        match self {
            // The log of Redis is all there is.
            Self::None | Self::Redis(_) => None,
            Self::Postgres(server) => Some(server.files().join("data/pg_wal")),
            Self::Mongo(server) => Some(server.files().join("0/journal")),
        }
    }

    /// The processor time that the server has used.
    pub(crate) fn account(&self) -> Result<Account, Fault> {
        let account = self.pid().map_or_else(|| Ok(Account::empty()), Account::of_family);
        account.map_err(Fault::at("reading processor time"))
    }

    /// The program's own word on its version.
    pub(crate) fn version(&self) -> Option<String> {
        let program = match self {
            Self::None => return None,
            // One program under several names; it is the name that decides what it is.
            Self::Redis(_) => PathBuf::from("redis-server"),
            Self::Postgres(_) | Self::Mongo(_) => {
                std::fs::read_link(format!("/proc/{}/exe", self.pid()?)).ok()?
            }
        };
        Some(crate::machine::said(&program, "--version"))
    }
}

/// Bytes of all files below a folder.
pub(crate) fn bytes_below(folder: &Path) -> std::io::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        // A server removes files while we look.
        let Ok(metadata) = entry.metadata() else { continue };
        bytes += if metadata.is_dir() { bytes_below(&entry.path()).unwrap_or(0) } else { metadata.len() };
    }
    Ok(bytes)
}
