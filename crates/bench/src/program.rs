//! A program that is measured: started on one core, watched until it is ready, ended with this program, however that ends.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use vestibule_testkit::port::Port;

use crate::browser::Browser;
use crate::fault::Fault;
use crate::stopwatch::Stopwatch;

/// A program may take this long to be ready.
const READY_WITHIN: Duration = Duration::from_secs(10);
/// How often is asked, and so how exact a time to ready is.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// Where Debian has nginx, and the PATH of an ordinary user has nothing.
const SYSTEM_PROGRAMS: &str = "/usr/sbin";

/// A program that runs. It is killed when dropped.
pub(crate) struct Program {
    child: Child,
    /// From its start until it was ready.
    pub(crate) ready_after: Duration,
}

impl Program {
    /// Starts a program, and waits until it answers 200 at this address. What it says is kept in `said`.
    pub(crate) fn start(
        name: &'static str,
        mut command: Command,
        ready: &str,
        said: &Path,
    ) -> Result<Self, Fault> {
        let fault = |error| Fault::Start(name, error);
        let output = File::create(said).map_err(fault)?;
        command.stdin(Stdio::null()).stdout(output.try_clone().map_err(fault)?).stderr(output);
        let watch = Stopwatch::start();
        let child = command.spawn().map_err(fault)?;
        let mut program = Self { child, ready_after: Duration::ZERO };
        while !Browser::default().get(ready).is_ok_and(|answer| answer.status == 200) {
            let ended = program.child.try_wait().map_err(fault)?.is_some();
            if ended || watch.elapsed() > READY_WITHIN {
                return Err(Fault::NotReady(name, std::fs::read_to_string(said).unwrap_or_default()));
            }
            std::thread::park_timeout(LOOK_EVERY);
        }
        program.ready_after = watch.elapsed();
        Ok(program)
    }

    /// The process to count.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Memory that it holds now, its mapped files too, in KiB (`VmRSS`).
    pub(crate) fn resident_kib(&self) -> Result<u64, Fault> {
        resident_kib(self.pid())
    }
}

/// Resident memory of a process in KiB. Linux only.
pub(crate) fn resident_kib(pid: u32) -> Result<u64, Fault> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"));
    let status = status.map_err(Fault::at("reading resident memory"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_ascii_whitespace().next()?.parse().ok());
    kib.ok_or_else(|| Fault::at("reading resident memory")(io::ErrorKind::InvalidData.into()))
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a program on one core. It dies with this program: `setpriv` sets that for the program it becomes.
pub(crate) fn pinned(core: Option<usize>, program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.env("PATH", [path.as_os_str(), OsStr::new(SYSTEM_PROGRAMS)].join(OsStr::new(":")));
    command.args(["--pdeathsig", "KILL", "--"]);
    if let Some(core) = core {
        command.args(["taskset", "--cpu-list", &core.to_string()]);
    }
    command.arg(program);
    command
}

/// Addresses that nobody else gets, for as long as the benchmark runs.
pub(crate) fn free_addresses<const COUNT: usize>() -> [SocketAddr; COUNT] {
    std::array::from_fn(|_| {
        let port = Port::free();
        let address = port.address();
        std::mem::forget(port);
        address
    })
}

pub(crate) fn write(file: &Path, text: &str) -> Result<(), Fault> {
    std::fs::write(file, text).map_err(Fault::at("writing a configuration"))
}
