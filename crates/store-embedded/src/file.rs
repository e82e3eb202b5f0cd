//! The file: created for its owner only, held by one process, checked whole when the process opens it first, refused when
//! a newer version wrote it.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use redb::backends::FileBackend;
use redb::{Database, DatabaseError, StorageBackend, StorageError};
use vestibule_draft::{Drafts, directory_of};
use vestibule_ports::entropy::{SystemEntropy, random};

use crate::guard::guard;
use crate::shared::FREE_BYTES_MIN;
use crate::tables::{self, FORMAT};

/// Only the owner reads session bodies.
const MODE: u32 = 0o600;

/// redb keeps nothing beside its file.
const DRAFTS: Drafts = Drafts(&[]);

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
    #[error(
        "{path}: damaged, or not a session store ({reason}); restore it from a copy, or move it away and lose the \
         sessions in it"
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Nothing is in the file, and a store that was begun has something in it.
    #[error(
        "{path}: is empty, and no session store ever is: something has cut it; put a copy back, or remove it to begin \
         with no sessions"
    )]
    Empty {
        /// The file.
        path: PathBuf,
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
    /// Opens the database or creates it, and checks it whole. Repairs what a crash has left.
    fn open(&self) -> Result<Database, OpenError>;
    /// Opens a database again that this process has had open. One that is not there any more is never created: its volume
    /// may be away, and an empty store would log everybody out.
    fn reopen(&self) -> Result<Database, OpenError>;
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
        let said_no = |source| OpenError::Io { path: path.clone(), source };
        match fs::metadata(path) {
            Ok(there) if there.len() == 0 => return Err(OpenError::Empty { path: path.clone() }),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let begun = begin(path, *cache_bytes);
                // Another process that was faster has removed what was begun here.
                if !fs::metadata(path).is_ok_and(|there| there.len() > 0) {
                    begun?;
                }
            }
            Err(error) => return Err(said_no(error)),
        }
        DRAFTS.remove_all(path).map_err(said_no)?;
        open_file(path, *cache_bytes, Opening::First)
    }

    fn reopen(&self) -> Result<Database, OpenError> {
        let Self { path, cache_bytes } = self;
        match fs::metadata(path) {
            Ok(there) if there.len() == 0 => Err(OpenError::Empty { path: path.clone() }),
            Ok(_) => open_file(path, *cache_bytes, Opening::Again),
            Err(source) => Err(OpenError::Io { path: path.clone(), source }),
        }
    }

    fn free_bytes(&self) -> io::Result<u64> {
        free_bytes(&self.path)
    }
}

fn free_bytes(path: &Path) -> io::Result<u64> {
    let volume = rustix::fs::statvfs(path)?;
    Ok(volume.f_bavail.saturating_mul(volume.f_frsize))
}

/// What a store with its file in this directory, which need not be there yet, cannot do as it is now: a sentence each.
pub fn warnings(directory: &Path) -> Vec<String> {
    let existing = directory.ancestors().find(|ancestor| ancestor.is_dir()).unwrap_or(Path::new("."));
    free_bytes(existing).ok().and_then(|free| too_little_room(directory, free)).into_iter().collect()
}

fn too_little_room(directory: &Path, free_bytes: u64) -> Option<String> {
    let (free, least) = (free_bytes >> 20, FREE_BYTES_MIN >> 20);
    let warning = format!(
        "{}: {free} MiB are free on this disk; below {least} MiB the embedded store saves nothing: no log-in, no log-out, \
         no change",
        directory.display()
    );
    (free_bytes < FREE_BYTES_MIN).then_some(warning)
}

/// Which time this process opens the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opening {
    /// Everything in it is checked.
    First,
    /// It was checked, and readers wait for it. After a failed commit redb reads everything all the same, to repair it.
    Again,
}

/// Opens the database on what stands for its file, creates the tables that are missing and checks the format.
pub(crate) fn open_on(
    path: &Path,
    backend: impl StorageBackend,
    cache_bytes: usize,
    opening: Opening,
) -> Result<Database, OpenError> {
    let opened = guard(|| {
        // All checksums: a damaged page is found now, and not by the visitor whose session it holds.
        let database = Database::builder()
            .set_cache_size(cache_bytes)
            .set_check_integrity_on_open(opening == Opening::First)
            .create_with_backend(backend)
            .map_err(|error| refused(path, error))?;
        match tables::prepare(&database).map_err(|error| unreadable(path, &error))? {
            FORMAT => Ok(database),
            found => Err(OpenError::Newer { path: path.to_owned(), found }),
        }
    });
    opened.unwrap_or_else(|damaged| Err(unreadable(path, &damaged)))
}

fn unreadable(path: &Path, reason: &dyn ToString) -> OpenError {
    OpenError::Unreadable { path: path.to_owned(), reason: reason.to_string() }
}

fn open_file(path: &Path, cache_bytes: usize, opening: Opening) -> Result<Database, OpenError> {
    let file = owned_file(path, opening).map_err(|source| OpenError::Io { path: path.to_owned(), source })?;
    let backend = FileBackend::new(file).map_err(|error| refused(path, error))?;
    open_on(path, backend, cache_bytes, opening)
}

/// Begins a file under another name, so that a crash leaves a whole store or none.
fn begin(path: &Path, cache_bytes: usize) -> Result<(), OpenError> {
    let draft = DRAFTS.beside(path, u64::from_ne_bytes(random(&SystemEntropy)));
    drop(open_file(draft.path(), cache_bytes, Opening::First)?);
    draft.put(path).map_err(|source| OpenError::Io { path: path.to_owned(), source })
}

/// The file itself, readable by its owner only.
pub(crate) fn owned_file(path: &Path, opening: Opening) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(opening == Opening::First).truncate(false).mode(MODE);
    let file = options.open(path)?;
    file.set_permissions(Permissions::from_mode(MODE))?;
    // The name of a new file is durable only with its directory.
    File::open(directory_of(path))?.sync_all()?;
    Ok(file)
}

fn refused(path: &Path, error: DatabaseError) -> OpenError {
    let path = path.to_owned();
    match error {
        DatabaseError::DatabaseAlreadyOpen => OpenError::InUse { path },
        DatabaseError::Storage(StorageError::Io(source)) if source.kind() != io::ErrorKind::InvalidData => {
            OpenError::Io { path, source }
        }
        other => unreadable(&path, &other),
    }
}

#[cfg(test)]
mod tests;
