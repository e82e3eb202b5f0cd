//! The machine and the programs of a run: figures without them mean nothing. Also which core does what.

use std::fmt;
use std::fs;
use std::path::Path;
use std::process::Command;

/// What a run stood on.
#[derive(Debug)]
pub(crate) struct Machine {
    processor: String,
    cores: usize,
    kernel: String,
    versions: Vec<String>,
}

impl Machine {
    /// This machine, and what the programs that are compared on it say of their versions. Before [`pin_to`], which makes
    /// all but one of its cores invisible.
    pub(crate) fn look(versions: Vec<String>) -> Self {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Self {
            processor: model.map_or_else(|| "unknown processor".to_owned(), |(_, name)| name.to_owned()),
            cores: cores(),
            kernel: kernel.trim().to_owned(),
            versions,
        }
    }
}

impl Machine {
    /// With what programs say that were started only after it was looked at.
    pub(crate) fn with(mut self, versions: impl IntoIterator<Item = String>) -> Self {
        self.versions.extend(versions);
        self.versions.dedup();
        self
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { processor, cores, kernel, versions } = self;
        write!(f, "{processor}, {cores} cores, Linux {kernel}, {}", versions.join(", "))
    }
}

pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Keeps this thread, and all it starts, on one core. Whether that worked.
pub(crate) fn pin_to(core: usize) -> bool {
    let pid = std::process::id().to_string();
    let taskset = Command::new("taskset").args(["--pid", "--cpu-list", &core.to_string(), &pid]).output();
    taskset.is_ok_and(|output| output.status.success())
}

/// The first line a program says of its version, wherever it says it.
pub(crate) fn said(program: &Path, option: &str) -> String {
    let Ok(output) = Command::new(program).arg(option).output() else { return "unknown version".to_owned() };
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&text).lines().next().unwrap_or_default().to_owned()
}
