//! A file of ours before it has its name: begun beside its place, named when it is whole, so that a crash leaves a whole
//! file or none. Must not know what is in it; chance is a parameter.

use std::ffi::OsString;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// Hexadecimal digits that tell a draft from all others.
const TOKEN_DIGITS: usize = 16;

/// How the name of a draft ends.
const END: &str = ".new";

/// Files of one kind, by what whoever writes them keeps beside a file: how the names of that end.
#[derive(Clone, Copy, Debug)]
pub struct Drafts(pub &'static [&'static str]);

/// One of them, under a name that nobody else gives, whether of this machine or of another that shares the folder. Nothing
/// is left under that name when this value is gone.
#[derive(Debug)]
pub struct Draft {
    path: PathBuf,
    kind: Drafts,
}

impl Drafts {
    /// A new one of the file at `path`; `token` is random.
    pub fn beside(self, path: &Path, token: u64) -> Draft {
        Draft { path: with_end(path, &format!(".{token:0TOKEN_DIGITS$x}{END}")), kind: self }
    }

    /// Removes what crashes have left of drafts, which may be a second name of the file. For when the file is there: then no
    /// draft is wanted any more, whoever is at work on it.
    pub fn remove_all(self, path: &Path) -> io::Result<()> {
        let Some(name) = path.file_name() else { return Ok(()) };
        for entry in fs::read_dir(directory_of(path))? {
            let entry = entry?;
            if self.is_of(name.as_bytes(), entry.file_name().as_bytes()) {
                match fs::remove_file(entry.path()) {
                    Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// Nothing that a person would call a copy of his.
    fn is_of(self, name: &[u8], other: &[u8]) -> bool {
        let end = other.strip_prefix(name).and_then(|end| end.strip_prefix(b"."));
        let Some((token, end)) = end.and_then(|end| end.split_at_checked(TOKEN_DIGITS)) else { return false };
        let beside = end.strip_prefix(END.as_bytes());
        token.iter().all(u8::is_ascii_hexdigit)
            && beside.is_some_and(|beside| self.ends().any(|end| end.as_bytes() == beside))
    }

    /// Of the draft itself, and of what is kept beside it.
    fn ends(self) -> impl Iterator<Item = &'static str> {
        std::iter::once("").chain(self.0.iter().copied())
    }
}

impl Draft {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the file its name, unless another process was faster: its file stays.
    pub fn put(self, path: &Path) -> io::Result<()> {
        match fs::hard_link(&self.path, path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            // Not every file system has links. There, who comes in this very moment is not noticed.
            Err(error) if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::Unsupported) => {
                if fs::exists(path)? {
                    Ok(())
                } else {
                    fs::rename(&self.path, path)
                }
            }
            linked => linked,
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        for end in self.kind.ends() {
            // What cannot be removed now is once the file is there.
            let _ = fs::remove_file(with_end(&self.path, end));
        }
    }
}

/// The directory that a file is in, or is to be in.
pub fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(path.as_os_str());
    name.push(end);
    name.into()
}

#[cfg(test)]
mod tests;
