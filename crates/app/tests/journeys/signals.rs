//! How a process of the real binary ends, and with which exit code: what its supervisor goes by.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use vestibule_testkit::client::{Raw, get};
use vestibule_testkit::patience::{PATIENCE, Patience};
use vestibule_testkit::port::Port;

/// A process that would take its time: load balancers get a minute to notice.
const DRAIN: &str = "[drain]\ndelay_ms = 60000\n";

struct Process {
    child: Option<Child>,
    port: Port,
    _dir: TempDir,
}

impl Process {
    /// Starts it with these lines beside a listener.
    fn start(lines: impl FnOnce(&Path) -> String) -> Self {
        let (dir, port) = (tempfile::tempdir().unwrap(), Port::free());
        let listener = format!("[[listener]]\nbind = \"127.0.0.1:{port}\"\nserves = [\"metrics\"]\n");
        let file = dir.path().join("config.toml");
        std::fs::write(&file, listener + &lines(dir.path())).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
        command.arg("serve").arg("--config").arg(file);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        Self { child: Some(command.spawn().unwrap()), port, _dir: dir }
    }

    fn wait_until(&mut self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        let patience = Patience::new(PATIENCE);
        while !holds(self) {
            assert!(!patience.left().is_zero(), "{what}");
            assert_eq!(self.child.as_mut().unwrap().try_wait().unwrap(), None, "{what}");
            std::thread::yield_now();
        }
    }

    fn is_ready(&self) -> bool {
        Raw::try_connect(self.port.address(), PATIENCE).is_ok()
            && get(self.port.address(), "localhost", "/readyz", &[]).status == 200
    }

    /// Whether a signal would be taken by it, and not by the kernel.
    fn takes_signals(&self) -> bool {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.child.as_ref().unwrap().id())).unwrap();
        let name = |thread: std::io::Result<std::fs::DirEntry>| {
            std::fs::read_to_string(thread.ok()?.path().join("comm")).ok()
        };
        threads.filter_map(name).any(|name| name == "signals\n")
    }

    /// Sends signals, which differ, because two of a kind may count as one.
    fn signal(&self, signals: &[Signal]) {
        let pid = Pid::from_child(self.child.as_ref().unwrap());
        for signal in signals {
            kill_process(pid, *signal).unwrap();
        }
    }

    /// The exit code, what was said and how long it took.
    fn end(mut self) -> (Option<i32>, String, Duration) {
        let waited = Patience::new(PATIENCE);
        while self.child.as_mut().unwrap().try_wait().unwrap().is_none() {
            assert!(!waited.left().is_zero(), "it goes on");
            std::thread::yield_now();
        }
        let took = waited.waited();
        let Output { status, stderr, .. } = self.child.take().unwrap().wait_with_output().unwrap();
        (status.code(), String::from_utf8(stderr).unwrap(), took)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Fails only when it has ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[test]
fn a_process_that_was_told_to_end_ends_with_0() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut process = Process::start(|_| DRAIN.replace("60000", "0"));
        process.wait_until("it is ready", Process::is_ready);
        process.signal(&[signal]);
        assert_eq!(process.end().0, Some(0));
    }
}

#[test]
fn a_second_signal_ends_a_process_that_takes_its_time_and_that_is_0_too() {
    let mut process = Process::start(|_| DRAIN.to_owned());
    process.wait_until("it is ready", Process::is_ready);
    process.signal(&[Signal::TERM, Signal::INT]);
    let (code, said, _) = process.end();
    assert_eq!(code, Some(0), "{said}");
}

/// A pipe that nobody opens for reading stops whoever opens it for writing, and no cut helps.
#[test]
fn a_process_that_cannot_end_by_itself_is_ended_by_a_second_signal_with_1() {
    let mut process = Process::start(|dir| {
        let pipe = dir.join("access.log");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        format!("[log]\naccess = \"{}\"\n", pipe.display())
    });
    process.wait_until("it takes signals", Process::takes_signals);
    process.signal(&[Signal::TERM, Signal::INT]);
    let (code, said, took) = process.end();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("cut short"), "{said}");
    assert!(took >= Duration::from_secs(1), "it had its time: {took:?}");
}
