//! What the tests need from npm: package.json says which tools, package-lock.json their versions and hashes.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

use crate::succeed;

const WANTED: &str = "package-lock.json";

/// npm's own note of what it has installed.
const INSTALLED: &str = "node_modules/.package-lock.json";

/// Leaves a complete tree alone. No script of a package runs.
pub(crate) fn install(root: &Path) -> io::Result<()> {
    let written = |path: &str| fs::metadata(root.join(path)).and_then(|file| file.modified()).ok();
    if written(INSTALLED) >= written(WANTED) {
        return Ok(());
    }
    let arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
    succeed(Command::new("npm").args(arguments).current_dir(root))
}
