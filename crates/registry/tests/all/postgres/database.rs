//! One server for this process, a schema for each story.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use vestibule_registry::{Caps, Registry, Server};
use vestibule_testkit::server::postgres::{Postgres, SUPERUSER};

/// Nothing here is about surviving the loss of power.
pub(crate) static SERVER: LazyLock<Postgres> =
    LazyLock::new(|| Postgres::start_with(&["fsync=off", "max_connections=300"]));

static NEXT: AtomicU32 = AtomicU32::new(0);

/// Where a registry is kept that can be opened more than once.
pub(crate) struct Place(String);

impl Place {
    pub(crate) fn new() -> Self {
        Self(format!("story_{}", NEXT.fetch_add(1, Ordering::Relaxed)))
    }

    pub(crate) fn open(&self, caps: Caps) -> Registry {
        Registry::connect(&self.server(), caps).unwrap()
    }

    pub(crate) fn server(&self) -> Server {
        Server { schema: self.0.clone(), ..Server::at(&SERVER.url(SUPERUSER, "postgres")) }
    }

    /// Runs SQL in the schema, as the superuser.
    pub(crate) fn sql(&self, sql: &str) -> String {
        SERVER.sql("postgres", &format!("SET search_path TO {}; {sql}", self.0))
    }

    /// Every byte that a thief of it would have: bytes as they are, which SQL shows in hexadecimal.
    pub(crate) fn content(&self) -> Vec<u8> {
        let tables = self.sql("SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'");
        let mut content = Vec::new();
        for table in tables.lines() {
            let rows = self.sql(&format!("SELECT * FROM {table}"));
            for field in rows.split(['|', '\n']) {
                match field.strip_prefix("\\x") {
                    Some(hex) => content.extend(unhex(hex)),
                    None => content.extend_from_slice(field.as_bytes()),
                }
            }
        }
        content
    }
}

/// An empty registry that is never opened again.
pub(crate) fn passing(caps: Caps) -> Registry {
    Place::new().open(caps)
}

fn unhex(text: &str) -> impl Iterator<Item = u8> + '_ {
    (0..text.len() / 2).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
}
