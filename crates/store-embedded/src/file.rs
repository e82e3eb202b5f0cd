//! The file: created for its owner only, held by one process, refused when a newer version wrote it.

use std::fs::{File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use redb::backends::FileBackend;
use redb::{Database, DatabaseError, StorageBackend, StorageError};

use crate::tables::{self, FORMAT};

/// Only the owner reads session bodies.
const MODE: u32 = 0o600;

/// Why the store cannot be opened. Each says what to do about which file.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process, or another store of this one, has the file.
    #[error("{path}: another process holds the session store; one file serves one process")]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// A newer version has written the file.
    #[error("{path}: written in format {found}, this version reads up to {FORMAT}; start the newer version")]
    Newer {
        /// The file.
        path: PathBuf,
        /// The file's format.
        found: u64,
    },
    /// Not a session store, or damaged beyond what a crash leaves behind.
    #[error("{path}: not a readable session store ({reason}); restore it or move it away")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file system said no.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// The writer's thread could not be started.
    #[error("cannot start the session writer: {0}")]
    Thread(io::Error),
}

/// What the database lies on.
pub(crate) trait Volume: Send + Sync {
    /// Opens the database or creates it. Repairs what a crash has left.
    fn open(&self) -> Result<Database, OpenError>;
    /// How much more can be written.
    fn free_bytes(&self) -> io::Result<u64>;
}

/// A file of the machine.
pub(crate) struct FileVolume {
    pub(crate) path: PathBuf,
    pub(crate) cache_bytes: usize,
}

impl Volume for FileVolume {
    fn open(&self) -> Result<Database, OpenError> {
        let Self { path, cache_bytes } = self;
        let file = owned_file(path).map_err(|source| OpenError::Io { path: path.clone(), source })?;
        let backend = FileBackend::new(file).map_err(|error| refused(path, error))?;
        open_on(path, backend, *cache_bytes)
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let volume = rustix::fs::statvfs(&self.path)?;
        Ok(volume.f_bavail.saturating_mul(volume.f_frsize))
    }
}

/// Opens the database on what stands for its file, creates the tables that are missing and checks the format.
pub(crate) fn open_on(
    path: &Path,
    backend: impl StorageBackend,
    cache_bytes: usize,
) -> Result<Database, OpenError> {
    let database = Database::builder().set_cache_size(cache_bytes).create_with_backend(backend);
    let database = database.map_err(|error| refused(path, error))?;
    let unreadable =
        |error: redb::Error| OpenError::Unreadable { path: path.to_owned(), reason: error.to_string() };
    match tables::prepare(&database).map_err(unreadable)? {
        FORMAT => Ok(database),
        found => Err(OpenError::Newer { path: path.to_owned(), found }),
    }
}

/// The file itself, readable by its owner only.
pub(crate) fn owned_file(path: &Path) -> io::Result<File> {
    let file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(MODE).open(path)?;
    file.set_permissions(Permissions::from_mode(MODE))?;
    // The name of a new file is durable only with its directory.
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory)?.sync_all()?;
    Ok(file)
}

fn refused(path: &Path, error: DatabaseError) -> OpenError {
    let path = path.to_owned();
    match error {
        DatabaseError::DatabaseAlreadyOpen => OpenError::InUse { path },
        DatabaseError::Storage(StorageError::Io(source)) if source.kind() != io::ErrorKind::InvalidData => {
            OpenError::Io { path, source }
        }
        other => OpenError::Unreadable { path, reason: other.to_string() },
    }
}
