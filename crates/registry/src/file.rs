//! The registry's file: begun beside its place, readable by its owner only, never taken over empty.
//! Must not know what is in it.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use vestibule_draft::{Draft, Drafts, directory_of};
use vestibule_ports::entropy::{SystemEntropy, random};

/// Only the owner reads what is kept of users.
const MODE: u32 = 0o600;

/// With what SQLite keeps beside a file.
const DRAFTS: Drafts = Drafts(&["-wal", "-shm", "-journal"]);

/// What there is at a path.
pub(crate) enum Seen {
    /// No file: a first start.
    Nothing,
    /// A file without a byte. No registry that was begun is one.
    Empty,
    /// Something.
    Something,
}

pub(crate) fn look(path: &Path) -> io::Result<Seen> {
    match fs::metadata(path) {
        Ok(there) if there.len() == 0 => Ok(Seen::Empty),
        Ok(_) => Ok(Seen::Something),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Seen::Nothing),
        Err(error) => Err(error),
    }
}

/// A new file, before it has its name.
pub(crate) fn draft(path: &Path) -> Draft {
    DRAFTS.beside(path, u64::from_ne_bytes(random(&SystemEntropy)))
}

/// Removes what crashes have left of such. For when the file is there.
pub(crate) fn remove_drafts(path: &Path) -> io::Result<()> {
    DRAFTS.remove_all(path)
}

/// Makes the file if it is not there, readable by its owner only. SQLite gives its log files the same mode.
pub(crate) fn owned(path: &Path) -> io::Result<()> {
    let file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(MODE).open(path)?;
    file.set_permissions(Permissions::from_mode(MODE))?;
    // The name of a new file is durable only with its directory.
    File::open(directory_of(path))?.sync_all()
}
