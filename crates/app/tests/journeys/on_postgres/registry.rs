//! Where a house keeps users and tokens: in a PostgreSQL of this process, in a schema of its own.

use std::io::{self, Read as _};
use std::path::Path;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use postgres::{Client, NoTls};
use vestibule_testkit::patience::PATIENCE;
use vestibule_testkit::server::postgres::{Postgres, SUPERUSER};

use super::house::eventually;

pub(super) static SERVER: LazyLock<Postgres> =
    LazyLock::new(|| Postgres::start_with(&["fsync=off", "max_connections=300"]));

static NEXT: AtomicU32 = AtomicU32::new(0);

/// Lines of `[idp]`.
pub(super) fn lines() -> String {
    let schema = format!("house_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let url = SERVER.url(SUPERUSER, "postgres");
    format!("registry = \"{url}\"\nregistry_schema = \"{schema}\"\n")
}

/// The registry of a log-in in another process, as anybody sees it who may read its schema.
pub(super) struct Sight(Client, String);

impl Sight {
    /// Of the log-in that was told these lines.
    #[track_caller]
    pub(super) fn of(_data_dir: &Path, lines: &str) -> Self {
        let schema =
            lines.split('"').find(|text| text.starts_with("house_")).expect("the lines name a schema");
        Self(Self::connect(schema), schema.to_owned())
    }

    #[track_caller]
    fn connect(schema: &str) -> Client {
        let connected = Client::connect(&SERVER.url(SUPERUSER, "postgres"), NoTls).and_then(|mut client| {
            client.batch_execute(&format!("SET search_path TO {schema}"))?;
            Ok(client)
        });
        connected.unwrap_or_else(|e| panic!("no registry: {e}"))
    }

    /// The one number that a query gives.
    #[track_caller]
    pub(super) fn number(&mut self, sql: &str) -> i64 {
        let read = self.0.query_one(sql, &[]).and_then(|row| row.try_get(0));
        read.unwrap_or_else(|e| panic!("{sql}: {e}"))
    }

    /// What it keeps outside the files of the log-in: all of its tables, by name.
    #[track_caller]
    pub(super) fn kept(&mut self) -> Vec<(String, Vec<u8>)> {
        let tables = "SELECT tablename FROM pg_tables WHERE schemaname = $1";
        let tables = self.0.query(tables, &[&self.1]).unwrap_or_else(|e| panic!("no tables: {e}"));
        assert!(!tables.is_empty(), "nothing is there");
        let mut kept = Vec::new();
        for table in tables.iter().map(|row| row.get::<_, String>(0)) {
            let mut bytes = Vec::new();
            let rows = self.0.copy_out(&format!("COPY {table} TO STDOUT (FORMAT binary)"));
            let read = rows.map_err(io::Error::other).and_then(|mut rows| rows.read_to_end(&mut bytes));
            read.unwrap_or_else(|e| panic!("{table}: {e}"));
            kept.push((format!("table {table}"), bytes));
        }
        kept
    }

    /// Lets no change of the registry be finished while what this gives lives: all is changed but the audit, which comes
    /// last.
    #[track_caller]
    pub(super) fn stall(&self) -> Stall {
        let mut other = Self::connect(&self.1);
        let locked = other.batch_execute("BEGIN; LOCK TABLE audit IN ACCESS EXCLUSIVE MODE");
        locked.unwrap_or_else(|e| panic!("the registry cannot be stalled: {e}"));
        Stall(other)
    }

    /// Waits for what a process that was killed has left under way: the server carries it out, or takes it back.
    #[track_caller]
    pub(super) fn settle(&mut self) {
        let waited = self.0.batch_execute("BEGIN; LOCK TABLE users IN EXCLUSIVE MODE; COMMIT");
        waited.unwrap_or_else(|e| panic!("the registry does not settle: {e}"));
    }
}

/// A registry that is stalled. It goes on when this is dropped.
pub(super) struct Stall(Client);

impl Stall {
    /// Waits until a change has come as far as it can.
    #[track_caller]
    pub(super) fn is_reached(&mut self, _sight: &mut Sight) {
        let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'audit'::regclass";
        eventually(PATIENCE, "a change that waits for its audit", || {
            let count = self.0.query_one(waiting, &[]).and_then(|row| row.try_get::<_, i64>(0));
            count.unwrap_or_else(|e| panic!("no answer from the registry: {e}")) > 0
        });
    }
}
