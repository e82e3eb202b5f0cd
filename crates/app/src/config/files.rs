//! The files that settings name and whose content a process needs: secrets and certificates. What cannot be had is told with
//! its setting and its file.

use std::path::Path;

use vestibule_oauth::token::ClientSecret;
use vestibule_routes::Problem;

use crate::secret_line;

/// The files of one table.
pub(super) struct Files<'d> {
    table: &'static str,
    dir: &'d Path,
    /// What could not be had.
    pub(super) problems: Vec<Problem>,
}

impl<'d> Files<'d> {
    /// Those that the settings of `table` name; relative paths count from `dir`.
    pub(super) fn of(table: &'static str, dir: &'d Path) -> Self {
        Self { table, dir, problems: Vec::new() }
    }

    /// The secret in the file of this setting.
    pub(super) fn secret(&mut self, key: &str, file: Option<&Path>) -> Option<String> {
        self.read(key, file, |file| secret_line::of_file(file).map_err(|none| none.to_string()))
    }

    /// The same, of a client.
    pub(super) fn client_secret(&mut self, key: &str, file: Option<&Path>) -> Option<ClientSecret> {
        self.read(key, file, |file| {
            let line = secret_line::of_file(file).map_err(|none| none.to_string())?;
            ClientSecret::parse(&line)
                .map_err(|_| "is no client's secret: 512 printable ASCII characters at most".to_owned())
        })
    }

    /// The certificates in the file of this setting. Whether they are any good is for whoever uses them to judge.
    pub(super) fn certificates(&mut self, key: &str, file: Option<&Path>) -> Option<Vec<u8>> {
        const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
        self.read(key, file, |file| {
            let pem = std::fs::read(file).map_err(|error| error.to_string())?;
            let begins = pem.windows(BEGIN.len()).any(|window| window == BEGIN);
            if begins { Ok(pem) } else { Err("holds no certificates in PEM".to_owned()) }
        })
    }

    fn read<T>(
        &mut self,
        key: &str,
        file: Option<&Path>,
        read: impl FnOnce(&Path) -> Result<T, String>,
    ) -> Option<T> {
        let file = self.dir.join(file?);
        let told = |why| {
            let at = format!("{}.{key}", self.table);
            self.problems.push(Problem { at, what: format!("{}: {why}", file.display()) });
        };
        read(&file).map_err(told).ok()
    }
}
