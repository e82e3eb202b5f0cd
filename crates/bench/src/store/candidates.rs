//! The stores that are compared: each server started by us, filled once, and opened in the ways that promise more or less.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use vestibule_ports::clock::{Clock as _, SystemClock};
use vestibule_ports::session_store::SessionStore;
use vestibule_store_embedded::EmbeddedStore;

use super::report::Footprint;
use super::work::Stock;
use crate::cpu::{self, Account};
use crate::fault::Fault;
use crate::server::{Kind, Server, bytes_below};
use crate::stopwatch::Stopwatch;

/// How long a caller waits for a connection: as long as it takes.
const PATIENCE: Duration = Duration::from_secs(5);
/// Name of the place in each server.
const PLACE: &str = "bench";

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

/// A server with its files, and how long it took to fill it.
struct House {
    kind: Kind,
    server: Server,
    files: PathBuf,
    /// Of the embedded store.
    _folder: Option<TempDir>,
    fill: Duration,
}

/// All servers, which end with this value, and the ways into them.
pub(super) struct Houses {
    houses: Vec<House>,
    pub(super) candidates: Vec<Candidate>,
}

/// Starts and fills every store that is wanted.
pub(super) async fn open(only: &[String], sessions: u64) -> Result<Houses, Fault> {
    let mut houses = Houses { houses: Vec::new(), candidates: Vec::new() };
    for kind in Kind::ALL.into_iter().filter(|kind| kind.is_among(only)) {
        houses.add(kind, sessions).await?;
    }
    Ok(houses)
}

impl Houses {
    async fn add(&mut self, kind: Kind, sessions: u64) -> Result<(), Fault> {
        let server = kind.start();
        let url = server.place(PLACE).unwrap_or_default();
        let folder = match kind {
            Kind::Embedded => Some(tempfile::tempdir().map_err(Fault::at("making a folder"))?),
            _ => None,
        };
        let ways: Vec<(&str, Option<&str>, Arc<dyn SessionStore>)> = match kind {
            Kind::Embedded => {
                let folder = folder.as_ref().map_or(".".as_ref(), TempDir::path);
                let config = vestibule_store_embedded::Config::new(folder.join("sessions.redb"));
                let store = EmbeddedStore::open(&config).map_err(|why| broken(kind, &why))?;
                vec![("embedded", None, Arc::new(store))]
            }
            Kind::Postgres => {
                let store = postgres(&url).await?;
                vec![
                    ("postgres, synchronous", Some("on"), Arc::clone(&store)),
                    ("postgres, asynchronous", Some("off"), store),
                ]
            }
            Kind::Redis => {
                let store = redis(&url).await?;
                vec![
                    ("redis, everysec", Some("everysec"), Arc::clone(&store)),
                    ("redis, always", Some("always"), store),
                ]
            }
            Kind::Mongo => {
                let lax = format!("{url}{}w=1", if url.contains('?') { '&' } else { '?' });
                vec![("mongo, majority", None, mongo(&url).await?), ("mongo, w:1", None, mongo(&lax).await?)]
            }
        };
        let stock = Stock::new(sessions, SystemClock::new().wall());
        let watch = Stopwatch::start();
        // By the way that promises least: nothing is measured yet.
        let fastest = if kind == Kind::Redis { 0 } else { ways.len() - 1 };
        if let Some(when) = ways[fastest].1 {
            flush(&server, when)?;
        }
        stock.fill(&ways[fastest].2).await.map_err(|why| broken(kind, &why))?;
        let fill = watch.elapsed();
        let files =
            server.files().or(folder.as_ref().map(TempDir::path)).map_or(PathBuf::new(), PathBuf::from);
        let house = self.houses.len();
        self.candidates.extend(ways.into_iter().map(|(name, flush, store)| Candidate {
            name,
            store,
            stock: Arc::clone(&stock),
            house,
            flush,
        }));
        self.houses.push(House { kind, server, files, _folder: folder, fill });
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

    /// What each server takes now. The embedded store is a part of this program, whose memory it is.
    pub(super) fn footprints(&self) -> Result<Vec<Footprint>, Fault> {
        let step = Fault::at("measuring what a server takes");
        let footprint = |house: &House| {
            Ok(Footprint {
                name: house.kind.name(),
                memory_kib: cpu::proportional_kib(house.server.pid().unwrap_or_else(std::process::id))
                    .map_err(&step)?,
                disk_bytes: bytes_below(&house.files).map_err(&step)?,
                fill: house.fill,
            })
        };
        self.houses.iter().map(footprint).collect()
    }
}

/// Says when a commit reaches the server's disk.
fn flush(server: &Server, when: &str) -> Result<(), Fault> {
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
