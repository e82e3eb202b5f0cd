//! The registry that the configuration names: a file in the data directory, or a PostgreSQL. A fault names the setting
//! to look at.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use vestibule_idp::config::{Config, RegistryPassword};
use vestibule_proxy::Problem;
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

/// Reads the files that the registry's settings name; relative paths count from `dir`.
pub(crate) fn read_files(config: &mut Config, dir: &Path) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut read = |key: &str, file: &Option<PathBuf>| {
        let file = dir.join(file.as_ref()?);
        let content = std::fs::read(&file);
        content.map_err(|error| problems.push(problem(key, format!("{}: {error}", file.display())))).ok()
    };
    let password = read("registry_password_file", &config.registry_password_file);
    config.registry_ca = read("registry_ca_file", &config.registry_ca_file);
    if let Some(password) = password {
        config.registry_password =
            String::from_utf8(password).ok().and_then(|text| RegistryPassword::read(&text));
        if config.registry_password.is_none() {
            problems.push(problem(
                "registry_password_file",
                "does not hold a password: one line of text".to_owned(),
            ));
        }
    }
    problems
}

fn problem(key: &str, what: String) -> Problem {
    Problem { at: format!("idp.{key}"), what }
}
