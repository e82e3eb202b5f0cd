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

    /// What was used since an earlier account. A thread that has ended between the two is not counted: only idle ones
    /// end.
    pub(crate) fn since(&self, earlier: &Self) -> Duration {
        let used =
            |(thread, now): (&String, &u64)| now - earlier.0.get(thread).copied().unwrap_or(0).min(*now);
        Duration::from_nanos(self.0.iter().map(used).sum())
    }
}

/// The first number of `schedstat`: nanoseconds on a processor.
fn running_time(schedstat: &str) -> io::Result<u64> {
    let first = schedstat.split_ascii_whitespace().next().and_then(|number| number.parse().ok());
    first.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "schedstat has no running time"))
}

#[cfg(test)]
mod tests;
