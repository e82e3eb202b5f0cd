//! Real database servers for tests: a process of our own in a directory of its own on a free loopback port, gone when
//! the value is. A file of its own for each kind. A server that cannot start fails the test that wants it.

mod certificate;
pub mod disk;
pub mod mongo;
pub mod postgres;
pub mod redis;

use std::fs::{self, File};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::patience::Patience;
use crate::port::Port;

/// How long a server may take to start.
const START_MAX: Duration = Duration::from_mins(1);

/// How often a server that starts is asked whether it is there.
const ASK_EVERY: Duration = Duration::from_millis(20);

/// How the name of a server's directory begins.
const PREFIX: &str = "vestibule-server-";

/// A directory for a server, open to the account that it runs as.
pub fn directory(account: Option<&Account>) -> TempDir {
    let dir = tempfile::Builder::new().prefix(PREFIX).tempdir().expect("there is a place for files");
    if let Some(account) = account {
        chown(dir.path(), Some(account.uid), Some(account.gid)).expect("root may give a directory away");
    }
    dir
}

/// An account of this machine that a server runs as, because it refuses to run as root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    uid: u32,
    gid: u32,
}

impl Account {
    /// The account of this name if we are root; `None` if we are not, and the server runs as we do.
    pub fn instead_of_root(name: &str) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            return None;
        }
        let accounts = fs::read_to_string("/etc/passwd").expect("Debian lists its accounts there");
        let line = accounts.lines().find(|line| line.split(':').next() == Some(name));
        let fields: Vec<_> =
            line.unwrap_or_else(|| panic!("no account {name}: see cargo xtask test")).split(':').collect();
        let number = |at: usize| fields[at].parse().expect("accounts have numbers");
        Some(Self { uid: number(2), gid: number(3) })
    }

    /// Has this command run as the account.
    pub fn wear<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command.uid(self.uid).gid(self.gid)
    }
}

/// The program of this name: on the PATH, or in the newest of the folders that match `folders/*/bin`.
pub fn program(name: &str, folders: Option<&Path>) -> PathBuf {
    let on_path = std::env::var_os("PATH")
        .into_iter()
        .flat_map(|path| std::env::split_paths(&path).collect::<Vec<_>>());
    let versions = folders.into_iter().flat_map(|folders| {
        let mut found: Vec<_> =
            fs::read_dir(folders).into_iter().flatten().flatten().map(|it| it.path()).collect();
        found.sort();
        found.into_iter().rev().map(|version| version.join("bin"))
    });
    on_path
        .chain(versions)
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
        .unwrap_or_else(|| panic!("{name} is not installed: cargo xtask test installs what tests need"))
}

/// A server process.
#[derive(Debug)]
pub struct Server {
    name: String,
    command: Command,
    child: Child,
    /// Ends the server when this process ends, however it does: also for servers in statics, which are not dropped.
    watcher: Child,
    log: PathBuf,
    port: Port,
}

impl Server {
    /// Starts `command`, whose output goes to `log`, and waits until its port answers.
    pub fn start(mut command: Command, port: Port, log: &Path) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        let child = spawn(&mut command, log);
        let watcher = watch(&child, log);
        let mut server = Self { name, command, child, watcher, log: log.to_owned(), port };
        server.wait();
        server
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Stops the process where it stands, its connections open: half dead, as nobody notices without a heartbeat.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
        until_stopped(self.child.id());
    }

    /// Lets a frozen process go on.
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// Ends the process at once, as `kill -9` and the loss of power do.
    pub fn kill(&mut self) {
        self.dismiss();
        // It may be dead already, and that is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Ends the process in its own order.
    pub fn terminate(&mut self) {
        self.dismiss();
        self.signal(Signal::TERM);
        let _ = self.child.wait();
    }

    /// Waits until it has ended by itself.
    pub fn until_ended(&mut self) {
        let patience = Patience::new(START_MAX);
        while self.child.try_wait().expect("our own child can be asked").is_none() {
            assert!(!patience.left().is_zero(), "{} does not end: {}", self.name, self.log());
            pause(ASK_EVERY);
        }
        self.dismiss();
    }

    /// Starts an ended server again, on the same port and files.
    pub fn restart(&mut self) {
        self.kill();
        self.child = spawn(&mut self.command, &self.log);
        self.watcher = watch(&self.child, &self.log);
        self.wait();
    }

    /// What it has said so far.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// First the watcher, so that it never ends whoever gets the same number later.
    fn dismiss(&mut self) {
        let _ = self.watcher.kill();
        let _ = self.watcher.wait();
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().cast_signed()).expect("a child has a number above zero");
        kill_process(pid, signal).expect("our own child takes our signals");
    }

    fn wait(&mut self) {
        let patience = Patience::new(START_MAX);
        while TcpStream::connect(self.address()).is_err() {
            let ended = self.child.try_wait().expect("our own child can be asked");
            assert!(ended.is_none(), "{} ended at once: {}", self.name, self.log());
            assert!(!patience.left().is_zero(), "{} does not start: {}", self.name, self.log());
            pause(ASK_EVERY);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(command: &mut Command, log: &Path) -> Child {
    let out = File::options().create(true).append(true).open(log).expect("the directory takes a log");
    let err = out.try_clone().expect("a file can be held twice");
    let name = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null()).stdout(out).stderr(err);
    command.spawn().unwrap_or_else(|e| panic!("{name} cannot be started: {e}"))
}

/// A shell that kills the server when its input ends, which is when we do, and removes what the server leaves behind.
fn watch(child: &Child, log: &Path) -> Child {
    let is_ours =
        |folder: &&Path| folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with(PREFIX));
    let mut command = Command::new("sh");
    command.args([
        "-c",
        "read -r _; kill -9 \"$0\"; [ -z \"$1\" ] || rm -rf -- \"$1\"",
        &child.id().to_string(),
    ]);
    command.arg(log.ancestors().find(is_ours).unwrap_or(Path::new("")));
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("every Debian has a shell")
}

/// Waits until no thread of a process runs any more: the signal has been sent when that call returns, and not yet heeded.
fn until_stopped(pid: u32) {
    let patience = Patience::new(START_MAX);
    while fs::read_dir(format!("/proc/{pid}/task")).is_ok_and(|mut threads| {
        threads.any(|thread| thread.is_ok_and(|thread| runs(&thread.path().join("stat"))))
    }) {
        assert!(!patience.left().is_zero(), "process {pid} does not stop");
        pause(Duration::from_millis(1));
    }
}

/// Whether a thread is neither stopped nor gone. Its state is the first letter behind its name, which is in parentheses.
fn runs(stat: &Path) -> bool {
    let Ok(stat) = fs::read_to_string(stat) else { return false };
    let state = stat.rsplit_once(')').and_then(|(_, rest)| rest.trim_start().chars().next());
    state.is_some_and(|state| !matches!(state, 'T' | 't' | 'Z' | 'X'))
}

/// Another process does something in real time, and nobody tells when it is done.
fn pause(time: Duration) {
    std::thread::park_timeout(time);
}
