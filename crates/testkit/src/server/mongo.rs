//! Real MongoDB servers: a `mongod` as a replica set of one, or a set of three. `cargo xtask test` fetches the program.
//! Knows only as much of MongoDB's protocol as it takes to found a set.

mod command;

use std::cell::Cell;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use std::{env, fs, iter};

use tempfile::TempDir;

use self::command::{Value, ask, ask_on, connect};
use super::certificate::Authority;
use super::disk::hearing_errors;
use super::{ASK_EVERY, START_MAX, Server, directory, pause};
use crate::patience::Patience;
use crate::port::Port;

/// The name of every replica set.
pub const SET: &str = "vestibule";

/// The user that may do everything, where a set wants users.
pub const ROOT: &str = "root";

/// Its password.
pub const ROOT_PASSWORD: &str = "the password of root";

/// Short, so that tests need not wait as long as MongoDB's own ten seconds.
const ELECTION_TIMEOUT: Duration = Duration::from_secs(1);

const KEY_AND_CERTIFICATE: &str = "server-both.pem";

/// How a server is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manner {
    /// Only users get in: [`ROOT`], and whom it makes.
    pub users: bool,
    /// Who wants TLS gets it, with a certificate for the loopback address.
    pub tls: bool,
    /// How long a member waits for a primary before it calls an election, and a primary for a majority before it
    /// steps down.
    pub election_timeout: Duration,
    /// How many connections a member takes.
    pub connections_max: u16,
}

impl Default for Manner {
    fn default() -> Self {
        Self { users: false, tls: false, election_timeout: ELECTION_TIMEOUT, connections_max: 1_000 }
    }
}

/// The members of one replica set.
#[derive(Debug)]
pub struct ReplicaSet {
    members: Vec<Server>,
    manner: Manner,
    ca: Option<String>,
    // Dropped after the servers that use it.
    dir: TempDir,
}

impl ReplicaSet {
    /// A set of one, which anybody may use.
    pub fn of_one() -> Self {
        Self::start(1, Manner::default())
    }

    /// A set of three.
    pub fn of_three() -> Self {
        Self::start(3, Manner::default())
    }

    /// A set of so many, run in this manner.
    pub fn start(size: usize, manner: Manner) -> Self {
        let dir = directory(None);
        let ca = manner.tls.then(|| certify_in_one_file(dir.path()));
        let members: Vec<_> = (0..size).map(|number| member(dir.path(), number, manner)).collect();
        found(&members, manner);
        Self { members, manner, ca, dir }
    }

    /// Whether only users get in.
    pub fn has_users(&self) -> bool {
        self.manner.users
    }

    /// Where the files of all members are.
    pub fn files(&self) -> &Path {
        self.dir.path()
    }

    /// The members, in the order of their numbers.
    pub fn members(&self) -> &[Server] {
        &self.members
    }

    /// One of them.
    pub fn member(&mut self, number: usize) -> &mut Server {
        &mut self.members[number]
    }

    /// `mongodb://` with every member and this database. Without user and password.
    pub fn url(&self, database: &str) -> String {
        let hosts: Vec<_> = self.members.iter().map(|member| member.address().to_string()).collect();
        format!("mongodb://{}/{database}?replicaSet={SET}", hosts.join(","))
    }

    /// The primary steps down for an hour. Of a set of one, nobody takes its place.
    pub fn step_down(&self) {
        succeed(&self.members[self.primary()], vec![("replSetStepDown", 3_600.into()), ("force", 1.into())]);
    }

    /// It may be elected again, and is when this returns.
    pub fn stand_again(&self) {
        succeed(&self.members[0], vec![("replSetFreeze", 0.into())]);
        self.primary();
    }

    /// Takes every connection that the first member has to give, as soon as others have left theirs.
    pub fn crowd(&self) -> Crowd {
        let patience = Patience::new(START_MAX);
        let mut crowd = Vec::new();
        while crowd.len() < usize::from(self.manner.connections_max) {
            // A connection that there is no place for is taken and closed.
            match connect(self.members[0].address()).and_then(|mut it| {
                ask_on(&mut it, vec![("hello", 1.into())])?;
                Ok(it)
            }) {
                Ok(connection) => crowd.push(connection),
                Err(e) => {
                    assert!(!patience.left().is_zero(), "others stay, with {} of ours: {e}", crowd.len());
                    pause(ASK_EVERY);
                }
            }
        }
        Crowd(crowd)
    }

    /// Waits until every member has what the primary writes.
    pub fn until_whole(&self) {
        let all = i32::try_from(self.members.len()).expect("a set is small");
        let patience = Patience::new(START_MAX);
        loop {
            let concern = Value::Document(vec![("w", all.into()), ("wtimeout", 1_000.into())]);
            let document = Value::Document(vec![("count", 1.into())]);
            let insert = vec![
                ("insert", "whole".into()),
                ("documents", iter::once(document).collect()),
                ("writeConcern", concern),
            ];
            let reply = ask(self.members[self.primary()].address(), insert);
            if reply.as_ref().is_ok_and(|reply| reply.succeeded() && !reply.has("writeConcernError")) {
                return;
            }
            assert!(!patience.left().is_zero(), "the set is not whole: {reply:?}");
            pause(ASK_EVERY);
        }
    }

    /// Who vouches for the certificate of the members, as PEM.
    pub fn ca(&self) -> Option<&str> {
        self.ca.as_deref()
    }

    /// The number of the member that may write. Waits until there is one.
    pub fn primary(&self) -> usize {
        primary(&self.members)
    }
}

/// Connections that leave no place for another. Their places are free when it is dropped.
#[derive(Debug)]
pub struct Crowd(#[expect(dead_code, reason = "held, not used")] Vec<TcpStream>);

/// A server that belongs to no set.
#[derive(Debug)]
pub struct Standalone {
    server: Server,
    _dir: TempDir,
}

impl Standalone {
    /// Starts one.
    pub fn start() -> Self {
        let dir = directory(None);
        let port = Port::free();
        let server = Server::start(mongod(dir.path(), &port), port, &dir.path().join("log"));
        Self { server, _dir: dir }
    }

    /// Starts one that waits for its set to be founded, which nobody does.
    pub fn waiting_for_its_set() -> Self {
        let dir = directory(None);
        let server = member(dir.path(), 0, Manner::default());
        Self { server, _dir: dir }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }
}

fn member(dir: &Path, number: usize, manner: Manner) -> Server {
    let port = Port::free();
    let own = dir.join(number.to_string());
    fs::create_dir(&own).expect("a new directory takes another");
    let mut command = mongod(&own, &port);
    command.args(["--replSet", SET]);
    command.args(["--maxConns", &manner.connections_max.to_string()]);
    if manner.users {
        command.arg("--keyFile").arg(key(dir));
    }
    if manner.tls {
        // Not "requireTLS": the set is founded without.
        command
            .args(["--tlsMode", "preferTLS", "--tlsCertificateKeyFile"])
            .arg(dir.join(KEY_AND_CERTIFICATE));
    }
    Server::start(command, port, &own.join("log"))
}

fn mongod(dir: &Path, port: &Port) -> Command {
    let mut command = hearing_errors(&program());
    command.arg("--dbpath").arg(dir).args(["--port", &port.to_string()]);
    command.args(["--bind_ip", "127.0.0.1", "--nounixsocket", "--wiredTigerCacheSizeGB", "0.25"]);
    command.args(["--setParameter", "diagnosticDataCollectionEnabled=false"]);
    command
}

/// What `cargo xtask test` has fetched, or another that a variable names.
fn program() -> PathBuf {
    let fetched = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/mongod/bin/mongod");
    let program = env::var_os("VESTIBULE_MONGOD").map_or_else(fetched, PathBuf::from);
    assert!(program.is_file(), "there is no {}: cargo xtask test fetches it", program.display());
    program
}

/// By this the members of a set with users know each other.
fn key(dir: &Path) -> PathBuf {
    let path = dir.join("key");
    fs::write(&path, "members+know+each+other+by+this").expect("the directory takes a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("our own file");
    path
}

/// As mongod wants it. Returns who vouches.
fn certify_in_one_file(dir: &Path) -> String {
    let authority = Authority::new();
    authority.certify(dir);
    let read = |file| fs::read_to_string(dir.join(file)).expect("it has just been written");
    let both = read("server.key") + &read("server.pem");
    fs::write(dir.join(KEY_AND_CERTIFICATE), both).expect("the directory takes a file");
    authority.pem()
}

fn found(members: &[Server], manner: Manner) {
    let member = |(number, server): (i32, &Server)| {
        let host = server.address().to_string();
        Value::Document(vec![("_id", number.into()), ("host", host.as_str().into())])
    };
    let timeout = i32::try_from(manner.election_timeout.as_millis()).expect("some seconds");
    let settings = vec![("electionTimeoutMillis", timeout.into()), ("heartbeatIntervalMillis", 200.into())];
    let config = vec![
        ("_id", SET.into()),
        ("version", 1.into()),
        ("members", (0..).zip(members).map(member).collect()),
        ("settings", Value::Document(settings)),
    ];
    succeed(&members[0], vec![("replSetInitiate", Value::Document(config))]);
    let first = &members[primary(members)];
    // Until the others have copied what there is, no majority acknowledges anything.
    for other in members {
        wait_until("joined", other, || says(other, "secondary") || says(other, "isWritablePrimary"));
    }
    if manner.users {
        let roles = iter::once("root".into()).collect();
        succeed(first, vec![("createUser", ROOT.into()), ("pwd", ROOT_PASSWORD.into()), ("roles", roles)]);
    }
}

fn succeed(server: &Server, command: Vec<(&str, Value)>) {
    let name = command[0].0.to_owned();
    let reply = ask(server.address(), command).expect("a server that has started answers");
    assert!(reply.succeeded(), "{name} failed: {reply:?}");
}

fn primary(members: &[Server]) -> usize {
    let find = || members.iter().position(|member| says(member, "isWritablePrimary"));
    let found = Cell::new(None);
    wait_until("elected", &members[0], || {
        found.set(find());
        found.get().is_some()
    });
    found.get().expect("it was waited for")
}

/// What a member says of itself. One that is dead or frozen says nothing.
fn says(server: &Server, field: &str) -> bool {
    ask(server.address(), vec![("hello", 1.into())]).is_ok_and(|reply| reply.says(field))
}

fn wait_until(what: &str, server: &Server, holds: impl Fn() -> bool) {
    let patience = Patience::new(START_MAX);
    while !holds() {
        assert!(!patience.left().is_zero(), "not {what}: {}", server.log());
        pause(ASK_EVERY);
    }
}
