//! The registry that the configuration names: a file in the data directory, or a PostgreSQL. A fault names the setting
//! to look at.

use std::path::Path;

use anyhow::{Context as _, anyhow};
use vestibule_idp::config::Config;
use vestibule_registry::{Caps, Registry};

/// The file's name in the data directory.
const FILE: &str = "registry.db";

/// Opens it, making what is not there. Blocks.
pub(crate) fn open(config: &Config, data_dir: &Path) -> anyhow::Result<Registry> {
    let caps = Caps::from(&config.caps);
    if let Some(server) = config.registry_server() {
        return Registry::connect(&server, caps).map_err(|fault| anyhow!("idp.{}: {fault}", fault.setting()));
    }
    let path = data_dir.join(FILE);
    Registry::open(&path, caps).with_context(|| format!("the registry {} cannot be opened", path.display()))
}

/// Why a start could not use the database that holds it, if it could not; what is in it stays as it is. A file is left
/// alone, which a running process holds. Blocks.
pub(crate) fn refusal(config: &Config) -> Option<String> {
    let server = config.registry_server()?;
    Registry::examine(&server).err().map(|fault| format!("idp.{}: {fault}", fault.setting()))
}
