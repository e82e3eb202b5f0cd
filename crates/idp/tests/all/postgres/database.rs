//! One server for this process, a schema for each house, and a way to keep everybody from it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, mpsc};
use std::thread;

use vestibule_domain::identity::Timestamp;
use vestibule_registry::{Caps, Registry, Server};
use vestibule_testkit::patience::{PATIENCE, Patience};
use vestibule_testkit::server::postgres::{Postgres, SUPERUSER};

/// Nothing here is about surviving the loss of power.
static SERVER: LazyLock<Postgres> =
    LazyLock::new(|| Postgres::start_with(&["fsync=off", "max_connections=300"]));

static NEXT: AtomicU32 = AtomicU32::new(0);

/// What a house needs besides its registry to keep others from it.
pub(crate) struct Door(Server);

/// An empty registry.
pub(crate) fn fresh(caps: Caps) -> (Arc<Registry>, Door) {
    let schema = format!("house_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let door = Door(Server { schema, ..Server::at(&SERVER.url(SUPERUSER, "postgres")) });
    (door.open(caps), door)
}

/// Keeps everybody else from the registry.
pub(crate) struct Hold {
    release: mpsc::Sender<()>,
    thread: thread::JoinHandle<()>,
}

impl Door {
    pub(crate) fn to(server: Server) -> Self {
        Self(server)
    }

    /// The same door once more.
    pub(crate) fn again(&self) -> Self {
        Self(self.0.clone())
    }

    /// The same registry once more, as another process has it.
    pub(crate) fn registry(&self) -> Arc<Registry> {
        self.open(Caps::default())
    }

    fn open(&self, caps: Caps) -> Arc<Registry> {
        Arc::new(Registry::connect(&self.0, caps).unwrap())
    }

    /// Lets everybody read and nobody change a family, until so many wait for that.
    pub(crate) fn hold_writers(&self, waiting: i64) -> thread::JoinHandle<()> {
        let lock =
            format!("SET search_path TO {}; BEGIN; LOCK TABLE families IN EXCLUSIVE MODE", self.0.schema);
        let behind = "WITH RECURSIVE behind (pid) AS (SELECT pg_backend_pid() UNION SELECT activity.pid \
                      FROM pg_stat_activity activity JOIN behind ON behind.pid = ANY (pg_blocking_pids(activity.pid))) \
                      SELECT count(*) - 1 FROM behind";
        let url = self.0.url.clone();
        let (held, is_held) = mpsc::channel();
        let thread = thread::spawn(move || {
            let mut client = postgres::Client::connect(&url, postgres::NoTls).unwrap();
            client.batch_execute(&lock).unwrap();
            held.send(()).unwrap();
            let patience = Patience::new(PATIENCE);
            while client.query_one(behind, &[]).unwrap().get::<_, i64>(0) < waiting {
                assert!(!patience.left().is_zero(), "they do not wait for each other");
            }
            client.batch_execute("ROLLBACK").unwrap();
        });
        is_held.recv().unwrap();
        thread
    }

    pub(crate) fn hold(&self, _: Timestamp) -> Hold {
        let tables =
            "users, clients, sign_ons, codes, grants, families, access_tokens, ended_sessions, outbox_head";
        let lock = format!("SET search_path TO {}; BEGIN; LOCK TABLE {tables}", self.0.schema);
        let url = self.0.url.clone();
        let (held, is_held) = mpsc::channel();
        let (release, released) = mpsc::channel();
        let thread = thread::spawn(move || {
            let mut client = postgres::Client::connect(&url, postgres::NoTls).unwrap();
            client.batch_execute(&lock).unwrap();
            held.send(()).unwrap();
            released.recv().unwrap();
            client.batch_execute("ROLLBACK").unwrap();
        });
        is_held.recv().unwrap();
        Hold { release, thread }
    }
}

impl Hold {
    pub(crate) fn release(self) {
        self.release.send(()).unwrap();
        self.thread.join().unwrap();
    }
}
