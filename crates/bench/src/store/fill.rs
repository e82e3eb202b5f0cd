//! Filling a store before anything is measured, by the quickest way that each has: a million sessions one by one take too
//! long. Whatever was written past the store is then read through it.

use std::fs;
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use mongodb::bson::{Binary, Bson, DateTime, Document, doc, spec::BinarySubtype};
use mongodb::options::{Acknowledgment, WriteConcern};
use mongodb::{Client, Collection};
use tokio::task::JoinSet;
use vestibule_ports::session_store::{FIRST_VERSION, SessionStore};
use vestibule_testkit::server::postgres::Postgres;

use super::candidates::PLACE;
use super::dice::Dice;
use super::work::{Stock, handle};
use crate::fault::Fault;
use crate::progress::Progress;
use crate::server::Server;

/// Calls under way at once where a store is filled as it is used.
const CALLS: u64 = 1_024;
/// Sessions of one `COPY`.
const COPIED: u64 = 200_000;
/// Documents of one insertion, and insertions under way.
const INSERTED: u64 = 1_000;
const INSERTERS: u64 = 4;
/// Sessions that are read through the store afterwards.
const READ: u64 = 200;
/// What MongoDB may keep in memory, as much as PostgreSQL.
const CACHE: &str = "cache_size=1G";

/// Writes every session of the stock.
pub(super) async fn fill(
    stock: &Arc<Stock>,
    store: &Arc<dyn SessionStore>,
    server: &Server,
    url: &str,
    progress: Progress,
) -> Result<(), Fault> {
    match server {
        Server::Postgres(server) => tokio::task::block_in_place(|| copy(server, stock, progress))?,
        Server::Mongo(_) => insert(url, stock).await.map_err(|why| failed(&why))?,
        Server::None | Server::Redis(_) => stock.fill(store, CALLS).await.map_err(|why| failed(&why))?,
    }
    let mut dice = Dice::new(stock.sessions());
    for _ in 0..READ {
        stock.read(store, dice.below(stock.sessions())).await.map_err(|why| failed(&why))?;
    }
    Ok(())
}

fn failed(why: &impl ToString) -> Fault {
    Fault::Step("filling", why.to_string())
}

/// PostgreSQL reads files of its own binary format, some hundred thousand rows each. Then it counts and tidies them, as
/// it has done with every table that is a day old.
fn copy(server: &Postgres, stock: &Stock, progress: Progress) -> Result<(), Fault> {
    let (sessions, seen) = (server.files().join("session.rows"), server.files().join("seen.rows"));
    let mut first = 0;
    while first < stock.sessions() {
        let end = stock.sessions().min(first + COPIED);
        write_rows(&sessions, &seen, stock, first..end).map_err(Fault::at("writing rows"))?;
        for (table, file) in [
            ("vestibule.session (handle, version, expires_at, sweep_at, body)", &sessions),
            ("vestibule.seen (handle)", &seen),
        ] {
            server.sql(PLACE, &format!("COPY {table} FROM '{}' (FORMAT binary)", file.display()));
        }
        progress.say(format_args!("postgres: {end} sessions"));
        first = end;
    }
    for file in [sessions, seen] {
        fs::remove_file(file).map_err(Fault::at("removing rows"))?;
    }
    server.sql(PLACE, "VACUUM ANALYZE");
    server.sql(PLACE, "CHECKPOINT");
    Ok(())
}

fn write_rows(
    sessions: &Path,
    seen: &Path,
    stock: &Stock,
    numbers: std::ops::Range<u64>,
) -> std::io::Result<()> {
    const HEAD: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
    const END: [u8; 2] = (-1_i16).to_be_bytes();
    let create = |path: &Path| {
        let file = fs::File::create(path)?;
        // The server runs as somebody else.
        file.set_permissions(fs::Permissions::from_mode(0o644))?;
        let mut file = BufWriter::with_capacity(1 << 20, file);
        file.write_all(HEAD)?;
        std::io::Result::Ok(file)
    };
    let (mut session_rows, mut seen_rows) = (create(sessions)?, create(seen)?);
    let version = FIRST_VERSION.to_be_bytes();
    let mut dice = Dice::new(numbers.start);
    for number in numbers {
        let (handle, record) = (handle(number), stock.record(None, &mut dice));
        let expiry = record.expires_at.as_millis().to_be_bytes();
        let id = &handle.as_bytes()[..];
        row(&mut session_rows, &[id, &version, &expiry, &expiry, &record.body])?;
        row(&mut seen_rows, &[id])?;
    }
    for mut file in [session_rows, seen_rows] {
        file.write_all(&END)?;
        file.flush()?;
    }
    Ok(())
}

/// Fields of a row, none as long as its length could not tell.
fn row<const FIELDS: usize>(file: &mut impl std::io::Write, fields: &[&[u8]; FIELDS]) -> std::io::Result<()> {
    file.write_all(&(FIELDS as u16).to_be_bytes())?;
    for field in fields {
        file.write_all(&(field.len() as u32).to_be_bytes())?;
        file.write_all(field)?;
    }
    Ok(())
}

/// MongoDB takes documents by the thousand. Reads wait until a majority has them; then they are written to their files.
async fn insert(url: &str, stock: &Arc<Stock>) -> mongodb::error::Result<()> {
    let client = Client::with_uri_str(url).await?;
    let admin = client.database("admin");
    admin.run_command(doc! { "setParameter": 1, "wiredTigerEngineRuntimeConfig": CACHE }).await?;
    let sessions: Collection<Document> = client.database(PLACE).collection("sessions");
    let mut inserters = JoinSet::new();
    for inserter in 0..INSERTERS {
        let (stock, sessions) = (Arc::clone(stock), sessions.clone());
        inserters.spawn(async move {
            let mut dice = Dice::new(inserter);
            let firsts = (inserter * INSERTED..stock.sessions()).step_by((INSERTERS * INSERTED) as usize);
            for first in firsts {
                let numbers = first..stock.sessions().min(first + INSERTED);
                let documents: Vec<_> = numbers.map(|number| document(&stock, number, &mut dice)).collect();
                let concern = WriteConcern::builder().w(Acknowledgment::Nodes(1)).build();
                sessions.insert_many(documents).ordered(false).write_concern(concern).await?;
            }
            mongodb::error::Result::Ok(())
        });
    }
    for done in inserters.join_all().await {
        done?;
    }
    admin.run_command(doc! { "fsync": 1 }).await.map(drop)
}

fn document(stock: &Stock, number: u64, dice: &mut Dice) -> Document {
    let record = stock.record(None, dice);
    let binary = |bytes: &[u8]| Binary { subtype: BinarySubtype::Generic, bytes: bytes.to_vec() };
    doc! {
        "_id": binary(handle(number).as_bytes()),
        "version": FIRST_VERSION.cast_signed(),
        "body": binary(&record.body),
        "expires_at": DateTime::from_millis(record.expires_at.as_millis()),
    }
}

/// Bytes that the sessions take by the store's own word, indexes and unused room included: on disk, and in memory for
/// Redis. `None` for the embedded store, which has nobody to ask: it is one file.
pub(super) async fn own_bytes(server: &Server, url: &str) -> Option<u64> {
    match server {
        Server::None => None,
        Server::Postgres(server) => {
            let ask = "SELECT sum(pg_total_relation_size(oid)) FROM pg_class
                WHERE relnamespace = 'vestibule'::regnamespace AND relkind = 'r'";
            tokio::task::block_in_place(|| server.sql(PLACE, ask)).parse().ok()
        }
        Server::Redis(server) => {
            let said = tokio::task::block_in_place(|| server.command(&["INFO", "memory"]));
            said.lines().find_map(|line| line.trim().strip_prefix("used_memory:")?.parse().ok())
        }
        Server::Mongo(_) => {
            let client = Client::with_uri_str(url).await.ok()?;
            let counted = client.database(PLACE).run_command(doc! { "collStats": "sessions" }).await.ok()?;
            counted.get("totalSize").and_then(whole)
        }
    }
}

/// MongoDB counts in whichever number is large enough.
fn whole(number: &Bson) -> Option<u64> {
    match number {
        Bson::Int32(number) => u64::try_from(*number).ok(),
        Bson::Int64(number) => u64::try_from(*number).ok(),
        Bson::Double(number) => Some(*number as u64),
        _ => None,
    }
}
