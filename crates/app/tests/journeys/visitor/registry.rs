//! Where a house keeps users and tokens: in a file among its others, which needs no setting.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

/// Looks at a registry, each of them some microseconds.
const LOOKS: usize = 20_000;

/// Lines of `[idp]`.
pub(super) fn lines() -> String {
    String::new()
}

/// The registry of a log-in in another process, as anybody sees it who reads its file.
pub(super) struct Sight(Connection);

impl Sight {
    /// Of the log-in that keeps its files here and was told these lines.
    #[track_caller]
    pub(super) fn of(data_dir: &Path, _lines: &str) -> Self {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(data_dir.join("registry.db"), flags);
        Self(connection.unwrap_or_else(|e| panic!("no registry: {e}")))
    }

    /// The one number that a query gives.
    #[track_caller]
    pub(super) fn number(&mut self, sql: &str) -> i64 {
        let read = self.0.prepare_cached(sql).and_then(|mut query| query.query_row((), |row| row.get(0)));
        read.unwrap_or_else(|e| panic!("{sql}: {e}"))
    }

    /// Lets no change of the registry be finished while what this gives lives: here none begins.
    #[track_caller]
    pub(super) fn stall(&self) -> Stall {
        let file = self.0.path().expect("the registry is a file");
        let stalled = Connection::open(file).and_then(|other| {
            other.execute_batch("BEGIN IMMEDIATE")?;
            Ok(other)
        });
        Stall(stalled.unwrap_or_else(|e| panic!("the registry cannot be stalled: {e}")))
    }

    /// What it keeps outside the files of the log-in, by name: nothing.
    #[expect(clippy::unused_self, reason = "another kind of registry keeps everything there")]
    pub(super) fn kept(&mut self) -> Vec<(String, Vec<u8>)> {
        Vec::new()
    }

    /// Waits for what a process that was killed has left under way: here nothing can be.
    #[expect(clippy::unused_self, reason = "another kind of registry has to wait")]
    pub(super) fn settle(&mut self) {}
}

/// A registry that is stalled. It goes on when this is dropped.
pub(super) struct Stall(#[expect(dead_code, reason = "held, not used")] Connection);

impl Stall {
    /// Waits until a change has come as far as it can.
    #[expect(clippy::unused_self, reason = "another kind of registry is asked")]
    pub(super) fn is_reached(&mut self, sight: &mut Sight) {
        // Who waits for SQLite's lock does not show. Looking takes longer than the way there.
        for _ in 0..LOOKS {
            sight.number("SELECT count(*) FROM users");
        }
    }
}
