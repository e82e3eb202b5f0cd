//! `demo.json`: where the demo listens and what it generated, for scripts. Readable by its owner only.

use std::fs::{File, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Serialize;

/// What stands in the file.
#[derive(Debug, Serialize)]
pub(super) struct Record {
    /// The shop.
    pub(super) web: String,
}

impl Record {
    /// Writes the file whole or not at all, and says where it is.
    pub(super) fn write(&self, dir: &Path) -> anyhow::Result<PathBuf> {
        let path = dir.join("demo.json");
        let draft = dir.join("demo.json.new");
        let write = || -> std::io::Result<()> {
            let mut file = File::create(&draft)?;
            file.set_permissions(Permissions::from_mode(0o600))?;
            file.write_all(&serde_json::to_vec_pretty(self)?)?;
            file.write_all(b"\n")?;
            file.sync_all()?;
            std::fs::rename(&draft, &path)
        };
        write().with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }
}
