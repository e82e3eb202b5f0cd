//! The processor time that a program has used, exact to the nanosecond while it rests: the scheduler's own account of
//! each of its threads. Linux only.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::time::Duration;

/// User and system time of each thread of a process, in nanoseconds.
pub(crate) struct Account(BTreeMap<String, u64>);

impl Account {
    /// The account as it stands now.
    pub(crate) fn of(pid: u32) -> io::Result<Self> {
        let mut threads = BTreeMap::new();
        for task in fs::read_dir(format!("/proc/{pid}/task"))? {
            let task = task?;
            // A thread that ends while we look has no account any more.
            if let Ok(schedstat) = fs::read_to_string(task.path().join("schedstat")) {
                threads.insert(task.file_name().to_string_lossy().into_owned(), running_time(&schedstat)?);
            }
        }
        Ok(Self(threads))
    }

    /// The account of nobody.
    pub(crate) fn empty() -> Self {
        Self(BTreeMap::new())
    }

    /// The account of a process and of all that descend from it: a database with a process for each connection.
    pub(crate) fn of_family(root: u32) -> io::Result<Self> {
        let mut threads = BTreeMap::new();
        for pid in family(root)? {
            // A process that ends while we look has no account any more.
            if let Ok(Self(own)) = Self::of(pid) {
                threads.extend(own);
            }
        }
        Ok(Self(threads))
    }

    /// What was used since an earlier account. A thread that has ended between the two is not counted: only idle ones
    /// end.
    pub(crate) fn since(&self, earlier: &Self) -> Duration {
        let used =
            |(thread, now): (&String, &u64)| now - earlier.0.get(thread).copied().unwrap_or(0).min(*now);
        Duration::from_nanos(self.0.iter().map(used).sum())
    }
}

/// Memory of a process and its descendants, shared pages counted once, in KiB (`Pss`).
pub(crate) fn proportional_kib(root: u32) -> io::Result<u64> {
    let of = |pid| {
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
        let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
        line.split_ascii_whitespace().next()?.parse::<u64>().ok()
    };
    Ok(family(root)?.into_iter().filter_map(of).sum())
}

/// A process and its descendants, by their numbers.
pub(crate) fn family(root: u32) -> io::Result<Vec<u32>> {
    let mut parents = BTreeMap::new();
    for entry in fs::read_dir("/proc")? {
        let Ok(pid) = entry?.file_name().to_string_lossy().parse::<u32>() else { continue };
        if let Some(parent) = fs::read_to_string(format!("/proc/{pid}/stat")).ok().as_deref().and_then(parent)
        {
            parents.insert(pid, parent);
        }
    }
    let mut family = vec![root];
    let mut at = 0;
    while let Some(member) = family.get(at).copied() {
        family.extend(parents.iter().filter(|(_, parent)| **parent == member).map(|(child, _)| *child));
        at += 1;
    }
    Ok(family)
}

/// The number after the state in `stat`; the name before it, in brackets, may hold anything.
fn parent(stat: &str) -> Option<u32> {
    stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// The first number of `schedstat`: nanoseconds on a processor.
fn running_time(schedstat: &str) -> io::Result<u64> {
    let first = schedstat.split_ascii_whitespace().next().and_then(|number| number.parse().ok());
    first.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "schedstat has no running time"))
}

#[cfg(test)]
mod tests;
