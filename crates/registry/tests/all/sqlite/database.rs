//! A registry in memory for most stories; on a file for those that threads or restarts come into.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;
use vestibule_registry::{Caps, Registry};

/// Where a registry is kept that can be opened more than once.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn open(&self, caps: Caps) -> Registry {
        Registry::open(&self.file(), caps).unwrap()
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.0.path().join("registry.db")
    }

    /// Every byte that a thief of it would have.
    pub(crate) fn content(&self) -> Vec<u8> {
        let files = fs::read_dir(self.0.path()).unwrap();
        files.flat_map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect()
    }
}

/// An empty registry that is never opened again.
pub(crate) fn passing(caps: Caps) -> Registry {
    Registry::in_memory(caps).unwrap()
}
