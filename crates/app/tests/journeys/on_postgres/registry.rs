//! Where a house keeps users and tokens: in a PostgreSQL of this process, in a schema of its own.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use vestibule_testkit::server::postgres::{Postgres, SUPERUSER};

pub(super) static SERVER: LazyLock<Postgres> =
    LazyLock::new(|| Postgres::start_with(&["fsync=off", "max_connections=300"]));

static NEXT: AtomicU32 = AtomicU32::new(0);

/// Lines of `[idp]`.
pub(super) fn lines() -> String {
    let schema = format!("house_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let url = SERVER.url(SUPERUSER, "postgres");
    format!("registry = \"{url}\"\nregistry_schema = \"{schema}\"\n")
}
