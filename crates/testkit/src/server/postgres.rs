//! A PostgreSQL of our own: a cluster made by `initdb` on a free port, with passwords as in real life. A database for each
//! test that wants one, and accounts that may do less than everything.

mod standby;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::disk::limit_files_of;
use super::{Account, Server, directory, program, until_stopped};
use crate::patience::{PATIENCE, Patience};
use crate::port::Port;

/// The account that may do everything.
pub const SUPERUSER: &str = "postgres";

/// Its password, and that of every account made by [`Postgres::account`].
pub const PASSWORD: &str = "a password of tests";

/// Where Debian has the programs of each version.
const PROGRAMS: &str = "/usr/lib/postgresql";

/// A running PostgreSQL. Its files are gone when the value is.
#[derive(Debug)]
pub struct Postgres {
    server: Server,
    psql: PathBuf,
    directory: TempDir,
}

/// A PostgreSQL that stands still, its connections open. Goes on when this is dropped, however the test ends.
#[derive(Debug)]
pub struct Frozen<'p> {
    postgres: &'p Postgres,
    children: Vec<Pid>,
}

impl Postgres {
    /// Makes a cluster and starts it.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// As `start`, with settings such as `max_connections=20`.
    pub fn start_with(settings: &[&str]) -> Self {
        let account = Account::instead_of_root(SUPERUSER);
        let directory = directory(account.as_ref());
        let initdb_program = program("postgres", Some(Path::new(PROGRAMS))).with_file_name("initdb");
        initdb(&initdb_program, directory.path(), account.as_ref());
        Self::over(directory, settings, account.as_ref())
    }

    /// Starts a server over the files of this directory.
    fn over(directory: TempDir, settings: &[&str], account: Option<&Account>) -> Self {
        let port = Port::free();
        let mut command = Command::new(program("postgres", Some(Path::new(PROGRAMS))));
        command.arg("-D").arg(data(directory.path())).args(["-h", "127.0.0.1", "-p", &port.to_string()]);
        // Processes die in tests, the machine does not: what was written is there without waiting for a disk.
        command.args(["-c", "unix_socket_directories=", "-c", "fsync=off"]);
        for setting in settings {
            command.args(["-c", setting]);
        }
        if let Some(account) = account {
            account.wear(&mut command);
        }
        let server = Server::start(command, port, &directory.path().join("log"));
        let postgres = Self { server, psql: program("psql", Some(Path::new(PROGRAMS))), directory };
        postgres.wait();
        postgres
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// Its first process, the parent of all others.
    pub fn pid(&self) -> u32 {
        self.server.pid()
    }

    /// Where its files are.
    pub fn files(&self) -> &Path {
        self.directory.path()
    }

    /// What it has said so far.
    pub fn log(&self) -> String {
        self.server.log()
    }

    /// The URL of a database for this account, with its password.
    pub fn url(&self, account: &str, database: &str) -> String {
        let password = PASSWORD.replace(' ', "%20");
        format!("postgres://{account}:{password}@127.0.0.1:{}/{database}", self.port())
    }

    /// Makes a database that was not there.
    pub fn database(&self, name: &str) {
        self.sql("postgres", &format!("CREATE DATABASE \"{name}\""));
    }

    /// Makes an account that may log in and has no other right.
    pub fn account(&self, name: &str) {
        self.sql("postgres", &format!("CREATE ROLE \"{name}\" LOGIN PASSWORD '{PASSWORD}'"));
    }

    /// Changes a setting of the running server, for new and old connections alike.
    pub fn set(&self, setting: &str, value: &str) {
        self.sql("postgres", &format!("ALTER SYSTEM SET {setting} = '{value}'"));
        self.sql("postgres", "SELECT pg_reload_conf()");
        let patience = Patience::new(PATIENCE);
        while self.sql("postgres", &format!("SHOW {setting}")) != value {
            assert!(!patience.left().is_zero(), "{setting} does not become {value}");
            super::pause(super::ASK_EVERY);
        }
    }

    /// Has a certificate made by itself for `localhost` and takes TLS from now on. Returns the certificate, in PEM.
    pub fn serve_tls(&self) -> Vec<u8> {
        let data = data(self.directory.path());
        let mut command = Command::new("openssl");
        command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]);
        command.args([
            "-days",
            "3650",
            "-subj",
            "/CN=a server of tests",
            "-addext",
            "subjectAltName=DNS:localhost",
        ]);
        command.args([
            "-addext",
            "basicConstraints=critical,CA:FALSE",
            "-out",
            "server.crt",
            "-keyout",
            "server.key",
        ]);
        if let Some(account) = Account::instead_of_root(SUPERUSER) {
            account.wear(&mut command);
        }
        let answer = command.current_dir(&data).output().expect("openssl comes with Debian's postgresql");
        assert!(answer.status.success(), "openssl: {}", String::from_utf8_lossy(&answer.stderr));
        self.set("ssl", "on");
        fs::read(data.join("server.crt")).expect("openssl has written it")
    }

    /// Runs SQL as the superuser; the answer has a line for each row, its fields divided by `|`.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        let answer = self.psql(database, sql);
        let error = String::from_utf8_lossy(&answer.stderr);
        assert!(answer.status.success(), "{sql}: {error}");
        String::from_utf8_lossy(&answer.stdout).trim_end().to_owned()
    }

    /// Stops the server and all its children where they stand.
    pub fn freeze(&self) -> Frozen<'_> {
        // The parent first: then the family cannot grow while it is counted.
        self.server.freeze();
        let children = self.children();
        for child in &children {
            signal(*child, Signal::STOP);
        }
        for child in &children {
            until_stopped(child.as_raw_nonzero().get().cast_unsigned());
        }
        Frozen { postgres: self, children }
    }

    /// Files of the server and all its children take nothing from this length on; `None` gives the room back.
    pub fn limit_files(&self, bytes_max: Option<u64>) {
        // The parent first: children that it starts from now on inherit that.
        let account = Account::instead_of_root(SUPERUSER);
        let limit = |pid| limit_files_of(pid, bytes_max, account.as_ref());
        limit(self.pid());
        for child in self.children() {
            limit(child.as_raw_nonzero().get().cast_unsigned());
        }
    }

    /// Waits until it has ended by itself, its children included.
    pub fn until_ended(&mut self) {
        self.server.until_ended();
    }

    /// Ends the server and all its children at once.
    pub fn kill(&mut self) {
        if matches!(self.server.child.try_wait(), Ok(Some(_))) {
            // It has ended, and its number may be somebody else's by now.
            return;
        }
        self.server.freeze();
        let children = self.children();
        self.server.kill();
        for child in children {
            signal(child, Signal::KILL);
        }
    }

    /// Ends the server in order: connections are closed with a word, and nothing is left to recover.
    pub fn stop(&mut self) {
        // PostgreSQL would wait for its clients after SIGTERM, and ends their sessions after SIGINT.
        self.server.dismiss();
        self.server.signal(Signal::INT);
        let _ = self.server.child.wait();
    }

    /// Starts an ended server again, on the same port and files.
    pub fn restart(&mut self) {
        self.server.restart();
        self.wait();
    }

    fn psql(&self, database: &str, sql: &str) -> Output {
        let mut command = Command::new(&self.psql);
        command.args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-U", SUPERUSER]);
        command.args(["-p", &self.port().to_string(), "-d", database, "-c", sql]);
        command.env("PGPASSWORD", PASSWORD).env("PGCONNECT_TIMEOUT", "5").stdin(Stdio::null());
        command.output().expect("psql comes with the server")
    }

    /// Its port answers before its databases do.
    fn wait(&self) {
        let patience = Patience::new(PATIENCE * 6);
        while !self.psql("postgres", "SELECT 1").status.success() {
            assert!(!patience.left().is_zero(), "PostgreSQL does not start: {}", self.log());
            super::pause(super::ASK_EVERY);
        }
    }

    fn children(&self) -> Vec<Pid> {
        let pid = self.server.pid();
        let listed = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        listed.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)).collect()
    }
}

impl Drop for Frozen<'_> {
    fn drop(&mut self) {
        for child in &self.children {
            signal(*child, Signal::CONT);
        }
        self.postgres.server.thaw();
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.kill();
    }
}

fn data(directory: &Path) -> PathBuf {
    directory.join("data")
}

fn initdb(initdb: &Path, directory: &Path, account: Option<&Account>) {
    let password = directory.join("password");
    fs::write(&password, PASSWORD).expect("the directory is ours");
    let mut command = Command::new(initdb);
    command.arg("-D").arg(data(directory)).arg("--pwfile").arg(&password);
    command.args(["-U", SUPERUSER, "--auth=scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]);
    if let Some(account) = account {
        account.wear(&mut command);
    }
    let answer = command.current_dir(directory).output().expect("initdb comes with the server");
    assert!(answer.status.success(), "initdb: {}", String::from_utf8_lossy(&answer.stderr));
}

/// A child that is gone already takes no signal, and that is fine.
fn signal(child: Pid, signal: Signal) {
    let _gone = kill_process(child, signal);
}
