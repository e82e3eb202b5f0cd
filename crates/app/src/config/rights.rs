//! Who may read what is secret: files and directories that others than their owner can open are told of.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::Config;

/// What group and others may do.
const OF_OTHERS: u32 = 0o077;

impl Config {
    /// The files that hold secrets, and where all is kept, as far as others may open them; a sentence each. Relative paths
    /// of files count from `dir`; where `data_dir` is has been settled.
    pub(super) fn open_to_others(&self, dir: &Path) -> Vec<String> {
        let mut open = Vec::new();
        let mut look = |setting: String, path: &Path, right_mode: &str| {
            // What cannot be looked at is told of by whoever reads it.
            let Ok(there) = std::fs::metadata(path) else { return };
            let mode = there.permissions().mode() & 0o777;
            if mode & OF_OTHERS != 0 {
                let path = path.display();
                open.push(format!(
                    "{setting}: {path} is open to others than its owner (mode {mode:04o}): chmod {right_mode} {path}"
                ));
            }
        };
        let mut secret = |setting: String, path: Option<&Path>| {
            if let Some(path) = path {
                look(setting, &dir.join(path), "600");
            }
        };
        secret("sessions.store_password_file".to_owned(), self.sessions.store_password_file.as_deref());
        if let Some(issuer) = &self.issuer {
            secret("issuer.secret_file".to_owned(), Some(&issuer.secret_file));
        }
        if let Some(idp) = &self.idp {
            secret("idp.registry_password_file".to_owned(), idp.registry_password_file.as_deref());
            for (at, client) in idp.clients.iter().enumerate() {
                secret(format!("idp.clients[{at}].secret_file"), client.secret_file.as_deref());
            }
            for (at, client) in idp.role_clients.iter().enumerate() {
                secret(format!("idp.role_clients[{at}].secret_file"), Some(&client.secret_file));
            }
        }
        if let Some(data_dir) = self.data_dir.as_deref().filter(|path| !path.as_os_str().is_empty()) {
            look("data_dir".to_owned(), data_dir, "700");
            look("data_dir".to_owned(), &data_dir.join(crate::admin_token::NAME), "600");
        }
        open
    }
}
