//! A new password: from a file, from the standard input, or typed twice without being shown.
//! What is good enough is the server's decision.

use std::io::{self, IsTerminal as _};
use std::path::Path;

use anyhow::{Context as _, ensure};
use vestibule_ports::authority::Password;

use crate::secret_line;

/// The password that the caller has for us.
pub(super) fn read(file: Option<&Path>) -> anyhow::Result<Password> {
    if let Some(path) = file {
        let line =
            secret_line::of_file(path).with_context(|| format!("the password file {}", path.display()))?;
        return Ok(Password::new(&line));
    }
    if !io::stdin().is_terminal() {
        let line = secret_line::read(io::stdin().lock()).context("the password on the standard input")?;
        return Ok(Password::new(&line));
    }
    let password = rpassword::prompt_password("New password: ")?;
    ensure!(rpassword::prompt_password("Again: ")? == password, "the two passwords are not the same");
    Ok(Password::new(&password))
}

#[cfg(test)]
mod tests;
