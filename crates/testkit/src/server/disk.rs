//! A disk without room, as far as one process can tell: from some length on its files take nothing more. The kernel's
//! limit for files does that to a process that runs, and nothing has to be mounted. The error is EFBIG and not ENOSPC.

use std::path::Path;
use std::process::Command;

use super::Account;

/// Files of this process take nothing from this length on; `None` gives the room back. Whom it starts inherits that.
/// A process that has ended needs no room.
pub fn limit_files(pid: u32, bytes_max: Option<u64>) {
    limit_files_of(pid, bytes_max, None);
}

/// The same for a process of another account: root may not everywhere what the account itself may.
pub(super) fn limit_files_of(pid: u32, bytes_max: Option<u64>, account: Option<&Account>) {
    let limit = bytes_max.map_or_else(|| "unlimited".to_owned(), |bytes| bytes.to_string());
    let mut command = Command::new("prlimit");
    // Without a word on the hard limit, which could not be raised again.
    command.arg(format!("--pid={pid}")).arg(format!("--fsize={limit}:"));
    if let Some(account) = account {
        account.wear(&mut command);
    }
    let answer = command.output().expect("every Debian has it");
    let has_ended = || !Path::new(&format!("/proc/{pid}")).exists();
    assert!(answer.status.success() || has_ended(), "{}", String::from_utf8_lossy(&answer.stderr));
}

/// A program that learns of the limit by an error, as of a full disk. Left alone, the kernel's signal ends it.
pub fn hearing_errors(program: &Path) -> Command {
    let mut command = Command::new("sh");
    // What is ignored stays so in the program that takes the shell's place.
    command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(program);
    command
}
