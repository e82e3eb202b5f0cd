//! The stores that are compared: each server started by us, filled once, and opened in the ways that promise more or less.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::task::JoinError;
use vestibule_ports::clock::{Clock as _, SystemClock};
use vestibule_ports::session_store::SessionStore;
use vestibule_store_embedded::EmbeddedStore;

use super::fill;
use super::report::{Footprint, LeftOut};
use super::work::Stock;
use crate::cpu::{self, Account};
use crate::fault::Fault;
use crate::progress::{Progress, about};
use crate::server::{Kind, Server, bytes_below};
use crate::stopwatch::Stopwatch;

/// How long a caller waits for a connection: as long as it takes.
const PATIENCE: Duration = Duration::from_secs(5);
/// Name of the place in each server.
pub(super) const PLACE: &str = "bench";
/// A store that takes longer to fill is left out.
const FILL_MAX: Duration = Duration::from_mins(5);

/// One way to keep sessions.
pub(super) struct Candidate {
    pub(super) name: &'static str,
    pub(super) store: Arc<dyn SessionStore>,
    pub(super) stock: Arc<Stock>,
    /// Which of the houses.
    house: usize,
    /// What the server is told before this one's turn: when a commit reaches the disk.
    flush: Option<&'static str>,
}

/// A way into a store: its name, when a commit reaches the disk, and the store.
type Way = (&'static str, Option<&'static str>, Arc<dyn SessionStore>);

/// A server with its files, and what it takes.
struct House {
    server: Server,
    footprint: Footprint,
    /// Of the embedded store.
    _folder: Option<TempDir>,
}

/// All servers, which end with this value, and the ways into them.
pub(super) struct Houses {
    houses: Vec<House>,
    pub(super) candidates: Vec<Candidate>,
}

/// Starts and fills every store that is wanted. One that cannot be had is left out.
pub(super) async fn open(only: &[String], sessions: u64, progress: Progress) -> (Houses, Vec<LeftOut>) {
    let mut houses = Houses { houses: Vec::new(), candidates: Vec::new() };
    let mut left_out = Vec::new();
    for kind in Kind::ALL.into_iter().filter(|kind| kind.is_among(only)) {
        if let Err(why) = houses.add(kind, sessions, progress).await {
            progress.say(format_args!("{}: left out: {why}", kind.name()));
            left_out.push(LeftOut { name: kind.name(), why: why.to_string() });
        }
    }
    (houses, left_out)
}

impl Houses {
    async fn add(&mut self, kind: Kind, sessions: u64, progress: Progress) -> Result<(), Fault> {
        // It ends with a panic where it cannot be started.
        let starting = tokio::task::spawn_blocking(move || {
            let server = kind.start();
            let url = server.place(PLACE).unwrap_or_default();
            (server, url)
        });
        let (server, url) = starting.await.map_err(|why| broken(kind, &last_words(why)))?;
        let folder = match kind {
            Kind::Embedded => Some(tempfile::tempdir().map_err(Fault::at("making a folder"))?),
            _ => None,
        };
        let stock = Stock::new(sessions, SystemClock::new().wall());
        let before = memory_kib(&server)?;
        let ways = ways(kind, &url, folder.as_ref()).await?;
        // By the way that promises least: nothing is measured yet.
        let fastest = if kind == Kind::Redis { 0 } else { ways.len() - 1 };
        if let Some(when) = ways[fastest].1 {
            flush(&server, when)?;
        }
        progress.say(format_args!("{}: filling", kind.name()));
        let watch = Stopwatch::start();
        let filling = fill::fill(&stock, &ways[fastest].2, &server, &url, progress);
        let late = |_| broken(kind, &format!("not filled after {}", about(FILL_MAX)));
        tokio::time::timeout(FILL_MAX, filling).await.map_err(late)??;
        let fill = watch.elapsed();
        progress.say(format_args!("{}: {sessions} sessions written in {}", kind.name(), about(fill)));
        let files =
            server.files().or(folder.as_ref().map(TempDir::path)).map_or(PathBuf::new(), PathBuf::from);
        let step = Fault::at("measuring what a server takes");
        let disk_bytes = bytes_below(&files).map_err(&step)?;
        // The embedded store is a part of this program, and takes what has come since.
        let grown = memory_kib(&server)? - if kind == Kind::Embedded { before } else { 0 };
        let footprint = Footprint {
            name: kind.name(),
            memory_kib: grown,
            disk_bytes,
            log_bytes: server.logs().map_or(Ok(0), |logs| bytes_below(&logs)).map_err(&step)?,
            own_bytes: fill::own_bytes(&server, &url).await.unwrap_or(disk_bytes),
            fill,
        };
        let house = self.houses.len();
        self.candidates.extend(ways.into_iter().map(|(name, flush, store)| Candidate {
            name,
            store,
            stock: Arc::clone(&stock),
            house,
            flush,
        }));
        self.houses.push(House { server, footprint, _folder: folder });
        Ok(())
    }

    /// Sets the server to what this candidate promises.
    pub(super) fn prepare(&self, candidate: &Candidate) -> Result<(), Fault> {
        let Some(when) = candidate.flush else { return Ok(()) };
        flush(&self.houses[candidate.house].server, when)
    }

    /// The processor time of the server so far.
    pub(super) fn account(&self, candidate: &Candidate) -> Result<Account, Fault> {
        self.houses[candidate.house].server.account()
    }

    pub(super) fn versions(&self) -> Vec<String> {
        self.houses.iter().filter_map(|house| house.server.version()).collect()
    }

    /// What each server took when it was full.
    pub(super) fn footprints(&self) -> Vec<Footprint> {
        self.houses.iter().map(|house| house.footprint.clone()).collect()
    }
}

/// What a thread said when it panicked.
fn last_words(why: JoinError) -> String {
    let Ok(said) = why.try_into_panic() else { return "it was stopped".to_owned() };
    said.downcast::<String>().map_or_else(|_| "it cannot be started".to_owned(), |said| *said)
}

/// Memory of the server, or of this program where there is none.
fn memory_kib(server: &Server) -> Result<u64, Fault> {
    let pid = server.pid().unwrap_or_else(std::process::id);
    cpu::proportional_kib(pid).map_err(Fault::at("reading memory"))
}

async fn ways(kind: Kind, url: &str, folder: Option<&TempDir>) -> Result<Vec<Way>, Fault> {
    Ok(match kind {
        Kind::Embedded => {
            let folder = folder.map_or(".".as_ref(), TempDir::path);
            let config = vestibule_store_embedded::Config::new(folder.join("sessions.redb"));
            let store = EmbeddedStore::open(&config).map_err(|why| broken(kind, &why))?;
            vec![("embedded", None, Arc::new(store))]
        }
        Kind::Postgres => {
            let store = postgres(url).await?;
            vec![
                ("postgres, synchronous", Some("on"), Arc::clone(&store)),
                ("postgres, asynchronous", Some("off"), store),
            ]
        }
        Kind::Redis => {
            let store = redis(url).await?;
            vec![
                ("redis, everysec", Some("everysec"), Arc::clone(&store)),
                ("redis, always", Some("always"), store),
            ]
        }
        Kind::Mongo => {
            let lax = format!("{url}{}w=1", if url.contains('?') { '&' } else { '?' });
            vec![("mongo, majority", None, mongo(url).await?), ("mongo, w:1", None, mongo(&lax).await?)]
        }
    })
}

/// Says when a commit reaches the server's disk.
fn flush(server: &Server, when: &str) -> Result<(), Fault> {
    // It ends with a panic where the server is gone. Others are still there to be measured.
    let told = catch_unwind(AssertUnwindSafe(|| tokio::task::block_in_place(|| tell(server, when))));
    told.unwrap_or_else(|_| Err(Fault::Step("telling the server when to flush", "it is gone".to_owned())))
}

fn tell(server: &Server, when: &str) -> Result<(), Fault> {
    match server {
        Server::Postgres(server) => {
            server.sql("postgres", &format!("ALTER SYSTEM SET synchronous_commit = '{when}'"));
            server.sql("postgres", "SELECT pg_reload_conf()");
            Ok(())
        }
        Server::Redis(server) => {
            let said = server.command(&["CONFIG", "SET", "appendfsync", when]);
            if said.starts_with("OK") { Ok(()) } else { Err(Fault::Step("setting appendfsync", said)) }
        }
        Server::None | Server::Mongo(_) => Ok(()),
    }
}

async fn postgres(url: &str) -> Result<Arc<dyn SessionStore>, Fault> {
    let config = vestibule_store_postgres::Config::parse(url).map_err(|why| broken(Kind::Postgres, &why))?;
    // A caller who waits for a connection is a caller whose latency counts.
    let config = config.with_wait_max(PATIENCE);
    let store = vestibule_store_postgres::PostgresStore::open(config)
        .await
        .map_err(|why| broken(Kind::Postgres, &why))?;
    Ok(Arc::new(store))
}

async fn redis(url: &str) -> Result<Arc<dyn SessionStore>, Fault> {
    let config = vestibule_store_redis::Config::parse(url).map_err(|why| broken(Kind::Redis, &why))?;
    let store = vestibule_store_redis::open(config).await.map_err(|why| broken(Kind::Redis, &why))?;
    Ok(Arc::new(store))
}

async fn mongo(url: &str) -> Result<Arc<dyn SessionStore>, Fault> {
    let config = vestibule_store_mongo::Config::parse(url).map_err(|why| broken(Kind::Mongo, &why))?;
    let store =
        vestibule_store_mongo::MongoStore::open(config).await.map_err(|why| broken(Kind::Mongo, &why))?;
    Ok(Arc::new(store))
}

fn broken(kind: Kind, why: &impl ToString) -> Fault {
    Fault::Step(kind.name(), why.to_string())
}
