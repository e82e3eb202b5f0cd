//! The registry itself: opened on a file or in memory, then asked through the methods that the other files add.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::watch;

use crate::file;
use crate::outbox;
use crate::schema::{self, NotMigrated, SCHEMA_VERSION};
use crate::sql::postgres::{self, ConnectError, Postgres, Server};
use crate::sql::{Database, RegistryError, Snapshot, Tx};

/// How many of one kind there may be. With one more, the oldest goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caps {
    /// Sign-on sessions of a user: browsers in which he is logged in.
    pub sign_ons_per_user: u32,
    /// Grants of a user: sites in browsers.
    pub grants_per_user: u32,
    /// Families of tokens of a user: apps on devices.
    pub families_per_user: u32,
    /// Access tokens that a client holds for itself, without a user.
    pub tokens_per_client: u32,
    /// Browsers of a user that are remembered as having logged in.
    pub devices_per_user: u32,
    /// Counters of failures, of everybody together. Beyond it, those with the fewest failures are forgotten first:
    /// whoever tries a million names once cannot wash out the counter of the one that he really wants.
    pub failure_counters: u32,
}

impl Default for Caps {
    fn default() -> Self {
        Self {
            sign_ons_per_user: 20,
            grants_per_user: 50,
            families_per_user: 50,
            tokens_per_client: 10_000,
            devices_per_user: 20,
            failure_counters: 1_000_000,
        }
    }
}

/// Why the registry cannot be opened. Each says what to do about which file.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A newer version has written the file.
    #[error("{path}: schema {found}, this version knows up to {SCHEMA_VERSION}; start the newer version", path = .path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// The file's schema.
        found: i64,
    },
    /// The database of another program.
    #[error("{path}: holds tables, but not ours; choose another file", path = .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Another process holds the database and did not let go in time.
    #[error("{path}: locked by another process; stop it or wait for it", path = .path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// Not a database, damaged, or not to be reached.
    #[error("{path}: not a usable registry: {reason}", path = .path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Nothing is in the file, and a registry that was begun has something in it.
    #[error(
        "{path}: is empty, and no registry ever is: something has cut it; put a copy back, or remove it to begin with no \
         users and new keys",
        path = .path.display()
    )]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The file system said no.
    #[error("{path}: {source}", path = .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

impl OpenError {
    fn of(path: &Path, fault: NotMigrated) -> Self {
        let path = path.to_owned();
        match fault {
            NotMigrated::Newer(found) => Self::Newer { path, found },
            NotMigrated::Foreign => Self::Foreign { path },
            NotMigrated::Registry(RegistryError::Busy) => Self::Locked { path },
            NotMigrated::Registry(
                RegistryError::Unavailable(reason) | RegistryError::Inconsistent(reason),
            ) => Self::Unusable { path, reason },
        }
    }
}

/// The relational store of the identity provider. Calls block; share it and bring threads.
pub struct Registry {
    database: Database,
    pub(crate) caps: Caps,
    newest: Arc<watch::Sender<u64>>,
}

impl Registry {
    /// Opens a file, or creates it for its owner only, and brings its schema up to date.
    pub fn open(path: &Path, caps: Caps) -> Result<Self, OpenError> {
        let said_no = |source| OpenError::Io { path: path.to_owned(), source };
        match file::look(path).map_err(said_no)? {
            file::Seen::Something => {}
            file::Seen::Empty => return Err(OpenError::Empty { path: path.to_owned() }),
            file::Seen::Nothing => {
                let begun = Self::begin(path, caps);
                // Another process that was faster has removed what was begun here.
                if !matches!(file::look(path), Ok(file::Seen::Something)) {
                    begun?;
                }
            }
        }
        file::remove_drafts(path).map_err(said_no)?;
        Self::open_file(path, caps)
    }

    /// Begins a file under another name, so that a crash leaves a whole registry or none.
    fn begin(path: &Path, caps: Caps) -> Result<(), OpenError> {
        let draft = file::draft(path);
        drop(Self::open_file(draft.path(), caps)?);
        draft.put(path).map_err(|source| OpenError::Io { path: path.to_owned(), source })
    }

    fn open_file(path: &Path, caps: Caps) -> Result<Self, OpenError> {
        file::owned(path).map_err(|source| OpenError::Io { path: path.to_owned(), source })?;
        let started = Database::open(path).map_err(NotMigrated::from);
        started.and_then(|database| Self::start(database, caps)).map_err(|fault| OpenError::of(path, fault))
    }

    /// An empty registry that is gone when this value is.
    pub fn in_memory(caps: Caps) -> Result<Self, OpenError> {
        let started = Database::in_memory().map_err(NotMigrated::from);
        started
            .and_then(|database| Self::start(database, caps))
            .map_err(|fault| OpenError::of(Path::new(":memory:"), fault))
    }

    /// Connects to PostgreSQL and brings the schema there up to date, making it where there is none. Several
    /// processes may share it: their changes run one after another, and each hears of the others'.
    pub fn connect(server: &Server, caps: Caps) -> Result<Self, ConnectError> {
        let database = Database::Postgres(Postgres::connect(server)?);
        let registry = Self::start(database, caps).map_err(|fault| not_migrated(server, fault))?;
        if let Database::Postgres(postgres) = &registry.database {
            postgres.follow(Arc::clone(&registry.newest));
        }
        Ok(registry)
    }

    /// Says whether `connect` would succeed: who is there, which schema, what this account may do. Everything that
    /// `connect` does is done and taken back, so a database of an older version stays as it is.
    pub fn examine(server: &Server) -> Result<(), ConnectError> {
        let database = Database::Postgres(Postgres::connect(server)?);
        let tried = database.write(
            |tx| -> Result<(), Tried> {
                database.prepare(tx)?;
                schema::migrate(tx)?;
                // A lock that writers share. Whoever may not write gets none.
                tx.batch(&format!("LOCK TABLE {} IN ROW EXCLUSIVE MODE", tx.tables()?.join(", ")))?;
                Err(Tried::Well)
            },
            |_| {},
        );
        match tried {
            Ok(()) | Err(Tried::Well) => Ok(()),
            Err(Tried::Fault(fault)) => Err(not_migrated(server, fault)),
        }
    }

    fn start(database: Database, caps: Caps) -> Result<Self, NotMigrated> {
        database.write(
            |tx| database.prepare(tx).map_err(NotMigrated::from).and_then(|()| schema::migrate(tx)),
            |_| {},
        )?;
        let newest = database.read(outbox::newest)?;
        Ok(Self { database, caps, newest: Arc::new(watch::Sender::new(newest)) })
    }

    /// The sequence number of the newest row of the outbox, and a wake-up with each commit of this process that
    /// adds one. A commit of another process, on PostgreSQL, wakes within [`postgres::LOOK_EVERY`].
    pub fn announced(&self) -> watch::Receiver<u64> {
        self.newest.subscribe()
    }

    pub(crate) fn read<T>(
        &self,
        work: impl FnOnce(&Snapshot<'_>) -> Result<T, RegistryError>,
    ) -> Result<T, RegistryError> {
        self.database.read(work)
    }

    pub(crate) fn write<T>(
        &self,
        work: impl FnOnce(&Tx<'_>) -> Result<T, RegistryError>,
    ) -> Result<T, RegistryError> {
        self.database.write(work, |seq| postgres::raise(&self.newest, seq))
    }
}

/// How a change ends that is to be taken back in any case.
enum Tried {
    Well,
    Fault(NotMigrated),
}

impl From<NotMigrated> for Tried {
    fn from(fault: NotMigrated) -> Self {
        Self::Fault(fault)
    }
}

impl From<RegistryError> for Tried {
    fn from(fault: RegistryError) -> Self {
        Self::Fault(fault.into())
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").field("caps", &self.caps).finish_non_exhaustive()
    }
}

fn not_migrated(server: &Server, fault: NotMigrated) -> ConnectError {
    let schema = server.schema.clone();
    match fault {
        NotMigrated::Newer(found) => ConnectError::Newer { schema, found, known: SCHEMA_VERSION },
        NotMigrated::Foreign => ConnectError::Foreign { schema },
        NotMigrated::Registry(fault) => ConnectError::of_use(schema, &fault),
    }
}
