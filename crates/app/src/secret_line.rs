//! A secret in one line: passwords and clients' secrets, from a file or the standard input. The end of the line is no part
//! of it, every space is. Must not know what the secret opens.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use thiserror::Error;

/// More than anybody takes.
const SECRET_BYTES_MAX: usize = 1024;

/// Why there is none. Shows nothing of what was read.
#[derive(Debug, Error)]
pub(crate) enum NoSecret {
    /// It cannot be read, or is no text.
    #[error(transparent)]
    Unreadable(#[from] io::Error),
    #[error("is empty")]
    Empty,
    #[error("has more than one line")]
    Lines,
    #[error("is longer than any secret")]
    TooLong,
}

/// The secret in this file.
pub(crate) fn of_file(path: &Path) -> Result<String, NoSecret> {
    read(File::open(path)?)
}

/// The secret that this is all of.
pub(crate) fn read(source: impl Read) -> Result<String, NoSecret> {
    let mut text = String::new();
    source.take(SECRET_BYTES_MAX as u64 + 1).read_to_string(&mut text)?;
    if text.len() > SECRET_BYTES_MAX {
        return Err(NoSecret::TooLong);
    }
    // Editors and `echo` end a line.
    let line = text.strip_suffix('\n').map_or(&*text, |line| line.strip_suffix('\r').unwrap_or(line));
    match line {
        "" => Err(NoSecret::Empty),
        _ if line.contains(['\r', '\n']) => Err(NoSecret::Lines),
        _ => Ok(line.to_owned()),
    }
}

#[cfg(test)]
mod tests;
