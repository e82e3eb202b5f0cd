//! A new password: from a file, from the standard input, or typed twice without being shown.
//! What is good enough is the server's decision.

use std::fs::File;
use std::io::{self, IsTerminal as _, Read};
use std::path::Path;

use anyhow::{Context as _, ensure};
use vestibule_ports::authority::Password;

/// More than any server takes.
const PASSWORD_BYTES_MAX: u64 = 1024;

/// The password that the caller has for us.
pub(super) fn read(file: Option<&Path>) -> anyhow::Result<Password> {
    if let Some(path) = file {
        let read = File::open(path).map_err(anyhow::Error::from).and_then(one_line);
        return read.with_context(|| format!("the password file {}", path.display()));
    }
    if !io::stdin().is_terminal() {
        return one_line(io::stdin().lock()).context("the password on the standard input");
    }
    let password = rpassword::prompt_password("New password: ")?;
    ensure!(rpassword::prompt_password("Again: ")? == password, "the two passwords are not the same");
    Ok(Password::new(&password))
}

/// All there is, without the line's end that editors and `echo` add.
fn one_line(source: impl Read) -> anyhow::Result<Password> {
    let mut text = String::new();
    source.take(PASSWORD_BYTES_MAX + 1).read_to_string(&mut text)?;
    ensure!(text.len() as u64 <= PASSWORD_BYTES_MAX, "is longer than any password");
    let line = text.strip_suffix('\n').map_or(&*text, |line| line.strip_suffix('\r').unwrap_or(line));
    ensure!(!line.is_empty(), "is empty");
    ensure!(!line.contains('\n'), "has more than one line");
    Ok(Password::new(line))
}

#[cfg(test)]
mod tests;
