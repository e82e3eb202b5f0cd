//! Redis as Debian ships it, or another server that a variable names: one, a Sentinel set or a cluster, with or without
//! TLS and users.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use super::certificate::Authority;
use super::disk::hearing_errors;
use super::{Server, directory, pause, program};
use crate::patience::Patience;
use crate::port::Port;

/// How long servers may take to find one another.
const UNITE_MAX: Duration = Duration::from_secs(30);

/// How often they are asked whether they have.
const ASK_EVERY: Duration = Duration::from_millis(20);

/// The program of a sentinel: a server under another name.
const SENTINEL: &str = "redis-sentinel";

/// The name by which sentinels know the master.
pub const MASTER: &str = "vestibule";

/// Names the program of another version, or of Valkey, which is run as a sentinel too.
const SERVER: &str = "VESTIBULE_REDIS_SERVER";

/// Slots of a cluster.
const SLOTS: usize = 16_384;

/// By this user guarded servers know one another, and `redis-cli` gets in.
const ADMIN: &str = "admin";

/// Its password.
const ADMIN_PASSWORD: &str = "the-admins";

/// How servers are kept from others. Those of one set have the same.
#[derive(Debug, Clone, Default)]
struct Guard {
    /// Who vouches for their certificates, where they take TLS connections only, among themselves too.
    authority: Option<Arc<Authority>>,
    /// Whether only users get in.
    users: bool,
}

impl Guard {
    fn tls() -> Self {
        Self { authority: Some(Arc::new(Authority::new())), users: false }
    }

    fn tls_and_users() -> Self {
        Self { users: true, ..Self::tls() }
    }

    /// What it takes of the configuration of a server or a sentinel; its certificate is put into the directory.
    fn lines(&self, dir: &Path, port: &Port) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(authority) = &self.authority {
            authority.certify(dir);
            let place = dir.display();
            lines.push(format!("port 0\ntls-port {port}\ntls-auth-clients no\ntls-replication yes"));
            lines.push(format!("tls-cert-file {place}/server.pem\ntls-key-file {place}/server.key"));
            lines.push(format!("tls-ca-cert-file {place}/ca.pem"));
        } else {
            lines.push(format!("port {port}"));
        }
        if self.users {
            lines.push(format!("user default off\nuser {ADMIN} on >{ADMIN_PASSWORD} +@all ~* &*"));
        }
        lines
    }

    /// By which a server finds its master, and nodes of a cluster one another.
    fn lines_of_server(&self) -> Vec<String> {
        let mut lines = Vec::new();
        lines.extend(self.authority.is_some().then(|| "tls-cluster yes".to_owned()));
        lines.extend(self.users.then(|| format!("masteruser {ADMIN}\nmasterauth {ADMIN_PASSWORD}")));
        lines
    }

    /// By which a sentinel gets into the servers that it watches, and into other sentinels.
    fn lines_of_sentinel(&self) -> Vec<String> {
        if !self.users {
            return Vec::new();
        }
        vec![
            format!("sentinel auth-user {MASTER} {ADMIN}\nsentinel auth-pass {MASTER} {ADMIN_PASSWORD}"),
            format!("sentinel sentinel-user {ADMIN}\nsentinel sentinel-pass {ADMIN_PASSWORD}"),
        ]
    }
}

/// One server, with a directory of its own. It appends what is written to a file, and flushes that every second,
/// unless told otherwise.
#[derive(Debug)]
pub struct Redis {
    /// The process.
    pub server: Server,
    dir: TempDir,
    guard: Guard,
}

impl Redis {
    /// A server with these lines in its configuration, behind our own.
    pub fn start(lines: &[&str]) -> Self {
        Self::start_guarded(lines, &Guard::default())
    }

    /// A server that takes TLS connections only, with a certificate for the loopback address.
    pub fn start_with_tls(lines: &[&str]) -> Self {
        Self::start_guarded(lines, &Guard::tls())
    }

    fn start_guarded(lines: &[&str], guard: &Guard) -> Self {
        let (dir, port) = (directory(None), Port::free());
        let base = "daemonize no\nsave \"\"\nappendonly yes\nappendfsync everysec".to_owned();
        let own = [vec![base], guard.lines(dir.path(), &port), guard.lines_of_server()].concat();
        let server = start("redis-server", dir.path(), own, lines, port);
        Self { server, dir, guard: guard.clone() }
    }

    /// Where its files are.
    pub fn files(&self) -> &Path {
        self.dir.path()
    }

    /// `host:port`.
    pub fn place(&self) -> String {
        self.server.address().to_string()
    }

    /// Who vouches for its certificate, as PEM.
    pub fn ca(&self) -> Option<String> {
        self.guard.authority.as_ref().map(|authority| authority.pem())
    }

    /// What `redis-cli` prints for a command.
    pub fn command(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(program("redis-cli", None));
        command.args(["-h", "127.0.0.1", "-p", &self.server.port().to_string(), "--no-auth-warning"]);
        if self.guard.authority.is_some() {
            command.arg("--tls").arg("--cacert").arg(self.dir.path().join("ca.pem"));
        }
        if self.guard.users {
            command.args(["--user", ADMIN, "--pass", ADMIN_PASSWORD]);
        }
        let output = command.args(arguments).output().expect("redis-cli comes with redis-server");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Waits until what `redis-cli` prints for a command contains a text.
    pub fn until(&self, arguments: &[&str], text: &str) {
        let patience = Patience::new(UNITE_MAX);
        loop {
            let printed = self.command(arguments);
            if printed.contains(text) {
                return;
            }
            assert!(!patience.left().is_zero(), "{arguments:?} never prints {text:?} but {printed}");
            pause(ASK_EVERY);
        }
    }
}

/// Starts a program with our own lines in its configuration, and those of the test behind them.
fn start(name: &str, dir: &Path, own: Vec<String>, lines: &[&str], port: Port) -> Server {
    let file: PathBuf = dir.join("redis.conf");
    let mut all = vec![format!("bind 127.0.0.1\nprotected-mode no\ndir {}", dir.display())];
    all.extend(own);
    all.extend(lines.iter().map(|line| (*line).to_owned()));
    fs::write(&file, all.join("\n") + "\n").expect("the directory takes a file");
    let other = env::var_os(SERVER);
    let mut command = hearing_errors(&other.as_ref().map_or_else(|| program(name, None), PathBuf::from));
    command.arg(file).current_dir(dir);
    if other.is_some() && name == SENTINEL {
        command.arg("--sentinel");
    }
    Server::start(command, port, &dir.join("log"))
}

/// A master, a replica, and three sentinels that replace the one by the other.
#[derive(Debug)]
pub struct SentinelSet {
    /// The first master, then the replica.
    pub servers: [Redis; 2],
    sentinels: Vec<(Server, TempDir)>,
}

impl SentinelSet {
    /// Starts all of them with these lines in the servers' configuration, and waits until they know one another.
    pub fn start(lines: &[&str]) -> Self {
        Self::start_behind(lines, &[], &Guard::default())
    }

    /// The same with TLS everywhere. Only users get in, whom these lines name, for servers and for sentinels.
    pub fn start_guarded(lines: &[&str], of_sentinels: &[&str]) -> Self {
        Self::start_behind(lines, of_sentinels, &Guard::tls_and_users())
    }

    fn start_behind(lines: &[&str], of_sentinels: &[&str], guard: &Guard) -> Self {
        let master = Redis::start_guarded(lines, guard);
        let follow = format!("replicaof 127.0.0.1 {}", master.server.port());
        let replica =
            Redis::start_guarded(&[lines, &["repl-diskless-sync-delay 0", &follow]].concat(), guard);
        replica.until(&["INFO", "replication"], "master_link_status:up");
        let sentinels = (0..3).map(|_| sentinel(master.server.port(), of_sentinels, guard)).collect();
        let set = Self { servers: [master, replica], sentinels };
        for (sentinel, _) in &set.sentinels {
            set.until(sentinel, "num-other-sentinels\n2");
            set.until(sentinel, "num-slaves\n1");
        }
        set
    }

    /// `host:port` of the sentinels, joined by commas.
    pub fn places(&self) -> String {
        let places: Vec<_> = self.sentinels.iter().map(|(server, _)| server.address().to_string()).collect();
        places.join(",")
    }

    fn until(&self, sentinel: &Server, text: &str) {
        // Any of our servers lends its `redis-cli`.
        let patience = Patience::new(UNITE_MAX);
        let port = sentinel.port().to_string();
        while !self.servers[0].command(&["-p", &port, "SENTINEL", "MASTER", MASTER]).contains(text) {
            assert!(!patience.left().is_zero(), "the sentinels do not unite: {}", sentinel.log());
            pause(ASK_EVERY);
        }
    }
}

fn sentinel(master: u16, lines: &[&str], guard: &Guard) -> (Server, TempDir) {
    let (dir, port) = (directory(None), Port::free());
    let base = format!(
        "sentinel monitor {MASTER} 127.0.0.1 {master} 2\nsentinel down-after-milliseconds {MASTER} 500\n\
         sentinel failover-timeout {MASTER} 3000"
    );
    let own = [vec![base], guard.lines(dir.path(), &port), guard.lines_of_sentinel()].concat();
    (start(SENTINEL, dir.path(), own, lines, port), dir)
}

/// Masters that share the slots, each with as many replicas as asked for.
#[derive(Debug)]
pub struct Cluster {
    /// The masters as they were at the start.
    pub masters: Vec<Redis>,
    /// Their replicas, in the masters' order.
    pub replicas: Vec<Redis>,
}

impl Cluster {
    /// Starts so many masters, of which the first so many have a replica, and waits until all slots are served.
    pub fn start(masters: usize, replicas: usize) -> Self {
        Self::start_behind(masters, replicas, &[], &Guard::default())
    }

    /// The same with TLS everywhere. Only users get in, whom these lines name.
    pub fn start_guarded(masters: usize, replicas: usize, lines: &[&str]) -> Self {
        Self::start_behind(masters, replicas, lines, &Guard::tls_and_users())
    }

    fn start_behind(masters: usize, replicas: usize, lines: &[&str], guard: &Guard) -> Self {
        let nodes = |count| (0..count).map(|_| node(lines, guard)).collect();
        let cluster = Self { masters: nodes(masters), replicas: nodes(replicas) };
        for (at, master) in cluster.masters.iter().enumerate() {
            let (first, last) = (at * SLOTS / masters, (at + 1) * SLOTS / masters - 1);
            master.command(&["CLUSTER", "ADDSLOTSRANGE", &first.to_string(), &last.to_string()]);
            master.command(&["CLUSTER", "SET-CONFIG-EPOCH", &(at + 1).to_string()]);
        }
        for other in cluster.nodes().skip(1) {
            cluster.meet(other);
        }
        let known = format!("cluster_known_nodes:{}", masters + replicas);
        cluster.nodes().for_each(|node| node.until(&["CLUSTER", "INFO"], &known));
        for (replica, master) in cluster.replicas.iter().zip(&cluster.masters) {
            replica.command(&["CLUSTER", "REPLICATE", &master.command(&["CLUSTER", "MYID"])]);
        }
        for (replica, master) in cluster.replicas.iter().zip(&cluster.masters) {
            replica.until(&["INFO", "replication"], "master_link_status:up");
            master.until(&["INFO", "replication"], "state=online");
        }
        cluster.nodes().for_each(|node| node.until(&["CLUSTER", "INFO"], "cluster_state:ok"));
        cluster
    }

    /// `host:port` of the masters, joined by commas.
    pub fn places(&self) -> String {
        self.masters.iter().map(Redis::place).collect::<Vec<_>>().join(",")
    }

    /// Starts another node without slots, and waits until everybody knows it.
    pub fn join(&self) -> Redis {
        let node = node(&[], &self.masters[0].guard);
        self.meet(&node);
        let id = node.command(&["CLUSTER", "MYID"]);
        self.nodes().for_each(|known| known.until(&["CLUSTER", "NODES"], &id));
        self.nodes()
            .for_each(|known| node.until(&["CLUSTER", "NODES"], &known.command(&["CLUSTER", "MYID"])));
        node.until(&["CLUSTER", "INFO"], "cluster_state:ok");
        node
    }

    fn nodes(&self) -> impl Iterator<Item = &Redis> {
        self.masters.iter().chain(&self.replicas)
    }

    fn meet(&self, other: &Redis) {
        let bus = other.command(&["CONFIG", "GET", "cluster-port"]);
        let bus = bus.lines().last().unwrap_or_default();
        let port = other.server.port().to_string();
        self.masters[0].command(&["CLUSTER", "MEET", "127.0.0.1", &port, bus]);
    }
}

fn node(lines: &[&str], guard: &Guard) -> Redis {
    // Held until the server has it.
    let bus_port = Port::free();
    let bus = format!("cluster-port {bus_port}");
    let own = [
        "cluster-enabled yes",
        "cluster-node-timeout 1000",
        "cluster-allow-replica-migration no",
        "repl-diskless-sync-delay 0",
        &bus,
    ];
    Redis::start_guarded(&[&own[..], lines].concat(), guard)
}
