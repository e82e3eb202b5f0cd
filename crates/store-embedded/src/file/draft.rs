//! A new file before it has its name. Must not know what is in it.

use std::ffi::OsString;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use vestibule_ports::entropy::{SystemEntropy, random};

use super::directory_of;

/// Hexadecimal digits that tell a draft from all others.
const TOKEN_DIGITS: usize = 16;

/// How the name of a draft ends.
const END: &[u8] = b".new";

/// A file beside its place, under a name that nobody else gives, whether of this machine or of another that shares the
/// folder. Nothing is left under that name when this value is gone.
pub(super) struct Draft(PathBuf);

impl Draft {
    pub(super) fn beside(path: &Path) -> Self {
        let token = u64::from_ne_bytes(random(&SystemEntropy));
        let mut name = OsString::from(path.as_os_str());
        name.push(format!(".{token:0TOKEN_DIGITS$x}.new"));
        Self(name.into())
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Gives the file its name, unless another process was faster: its file stays.
    pub(super) fn put(self, path: &Path) -> io::Result<()> {
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
        // What cannot be removed now is once the file is there.
        let _ = fs::remove_file(&self.0);
    }
}

/// Removes what crashes have left of drafts, which may be a second name of the file. For when the file is there: then
/// no draft is wanted any more, whoever is at work on it.
pub(super) fn remove_all(path: &Path) -> io::Result<()> {
    let Some(name) = path.file_name() else { return Ok(()) };
    for entry in fs::read_dir(directory_of(path))? {
        let entry = entry?;
        if is_draft_of(name.as_bytes(), entry.file_name().as_bytes()) {
            match fs::remove_file(entry.path()) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    Ok(())
}

/// Nothing that a person would call a copy of his.
fn is_draft_of(name: &[u8], other: &[u8]) -> bool {
    let end = other.strip_prefix(name).and_then(|end| end.strip_prefix(b"."));
    end.and_then(|end| end.strip_suffix(END))
        .is_some_and(|token| token.len() == TOKEN_DIGITS && token.iter().all(u8::is_ascii_hexdigit))
}
