//! The processor time that a program has used, exact to the nanosecond while it rests: the scheduler's own account of
//! each of its threads. Linux only.

use std::fs;
use std::io;
use std::time::Duration;

/// User and system time of all threads that a process has now. Threads that have ended no longer count, so what is
/// measured must not end any.
pub(crate) fn used(pid: u32) -> io::Result<Duration> {
    let mut nanoseconds = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        nanoseconds += running_time(&fs::read_to_string(task?.path().join("schedstat"))?)?;
    }
    Ok(Duration::from_nanos(nanoseconds))
}

/// The first number of `schedstat`: nanoseconds on a processor.
fn running_time(schedstat: &str) -> io::Result<u64> {
    let first = schedstat.split_ascii_whitespace().next().and_then(|number| number.parse().ok());
    first.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "schedstat has no running time"))
}
