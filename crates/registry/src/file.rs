//! The registry's file: begun beside its place, readable by its owner only, never taken over empty.
//! Must not know what is in it.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use vestibule_ports::entropy::{SystemEntropy, random};

/// Only the owner reads what is kept of users.
const MODE: u32 = 0o600;

/// Hexadecimal digits that tell a draft from all others.
const TOKEN_DIGITS: usize = 16;

/// How the name of a draft ends.
const DRAFT: &str = ".new";

/// What SQLite adds to a file's name for what it keeps beside it, and the file itself.
const LOGS: [&str; 4] = ["", "-wal", "-shm", "-journal"];

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

/// A new file before it has its name: beside its place, under a name that nobody else gives, whether of this machine or
/// of another that shares the folder. Nothing is left under that name when this value is gone.
pub(crate) struct Draft(PathBuf);

impl Draft {
    pub(crate) fn beside(path: &Path) -> Self {
        let token = u64::from_ne_bytes(random(&SystemEntropy));
        Self(with_end(path, &format!(".{token:0TOKEN_DIGITS$x}{DRAFT}")))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Gives the file its name, unless another process was faster: its file stays.
    pub(crate) fn put(self, path: &Path) -> io::Result<()> {
        match fs::hard_link(&self.0, path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            // Not every file system has links. There, who comes in this very moment is not noticed.
            Err(error) if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::Unsupported) => {
                if fs::exists(path)? {
                    Ok(())
                } else {
                    fs::rename(&self.0, path)
                }
            }
            linked => linked,
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        for log in LOGS {
            // What cannot be removed now is once the file is there.
            let _ = fs::remove_file(with_end(&self.0, log));
        }
    }
}

/// Removes what crashes have left of drafts, which may be a second name of the file. For when the file is there: then
/// no draft is wanted any more, whoever is at work on it.
pub(crate) fn remove_drafts(path: &Path) -> io::Result<()> {
    let Some(name) = path.file_name() else { return Ok(()) };
    for entry in fs::read_dir(directory_of(path))? {
        let entry = entry?;
        if is_draft_of(name.as_bytes(), entry.file_name().as_bytes()) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

/// Nothing that a person would call a copy of his.
fn is_draft_of(name: &[u8], other: &[u8]) -> bool {
    let end = other.strip_prefix(name).and_then(|end| end.strip_prefix(b"."));
    let Some((token, end)) = end.and_then(|end| end.split_at_checked(TOKEN_DIGITS)) else { return false };
    let log = end.strip_prefix(DRAFT.as_bytes());
    token.iter().all(u8::is_ascii_hexdigit)
        && log.is_some_and(|log| LOGS.iter().any(|end| end.as_bytes() == log))
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(path.as_os_str());
    name.push(end);
    name.into()
}

/// Makes the file if it is not there, readable by its owner only. SQLite gives its log files the same mode.
pub(crate) fn owned(path: &Path) -> io::Result<()> {
    let file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(MODE).open(path)?;
    file.set_permissions(Permissions::from_mode(MODE))?;
    // The name of a new file is durable only with its directory.
    File::open(directory_of(path))?.sync_all()
}

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
