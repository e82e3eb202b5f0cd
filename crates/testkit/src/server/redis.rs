//! Redis as Debian ships it, or another server that a variable names: one, a Sentinel set or a cluster, with or without
//! TLS.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;

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

/// One server, with a directory of its own. It appends what is written to a file, and flushes that every second,
/// unless told otherwise.
#[derive(Debug)]
pub struct Redis {
    /// The process.
    pub server: Server,
    dir: TempDir,
    ca: Option<String>,
}

impl Redis {
    /// A server with these lines in its configuration, behind our own.
    pub fn start(lines: &[&str]) -> Self {
        let dir = directory(None);
        Self::start_in(dir, lines, false)
    }

    /// A server that takes TLS connections only, with a certificate for the loopback address.
    pub fn start_with_tls(lines: &[&str]) -> Self {
        Self::start_in(directory(None), lines, true)
    }

    fn start_in(dir: TempDir, lines: &[&str], tls: bool) -> Self {
        let port = Port::free();
        let place = dir.path().display();
        let mut text = format!(
            "bind 127.0.0.1\nprotected-mode no\ndaemonize no\ndir {place}\nsave \"\"\nappendonly yes\nappendfsync everysec\n"
        );
        let (ca, ports) = if tls {
            let files = format!(
                "tls-cert-file {place}/server.pem\ntls-key-file {place}/server.key\ntls-ca-cert-file {place}/ca.pem"
            );
            (Some(certify(dir.path())), format!("port 0\ntls-port {port}\ntls-auth-clients no\n{files}"))
        } else {
            (None, format!("port {port}"))
        };
        for line in [ports.as_str()].iter().chain(lines) {
            text += line;
            text.push('\n');
        }
        let server = start("redis-server", dir.path(), &text, port);
        Self { server, dir, ca }
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
    pub fn ca(&self) -> Option<&str> {
        self.ca.as_deref()
    }

    /// What `redis-cli` prints for a command.
    pub fn command(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(program("redis-cli", None));
        command.args(["-h", "127.0.0.1", "-p", &self.server.port().to_string(), "--no-auth-warning"]);
        if self.ca.is_some() {
            command.arg("--tls").arg("--cacert").arg(self.dir.path().join("ca.pem"));
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

fn start(name: &str, dir: &Path, text: &str, port: Port) -> Server {
    let file: PathBuf = dir.join("redis.conf");
    fs::write(&file, text).expect("the directory takes a file");
    let other = env::var_os(SERVER);
    let mut command = hearing_errors(&other.as_ref().map_or_else(|| program(name, None), PathBuf::from));
    command.arg(file).current_dir(dir);
    if other.is_some() && name == SENTINEL {
        command.arg("--sentinel");
    }
    Server::start(command, port, &dir.join("log"))
}

/// Puts a certificate for the loopback address into the directory, and returns that of its issuer.
pub(super) fn certify(dir: &Path) -> String {
    let made = "a certificate of a test can be made";
    let mut params = CertificateParams::new(Vec::new()).expect(made);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().expect(made)).expect(made);
    let key = KeyPair::generate().expect(made);
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let certificate = CertificateParams::new(names).expect(made).signed_by(&key, &issuer).expect(made);
    for (file, text) in
        [("ca.pem", issuer.pem()), ("server.pem", certificate.pem()), ("server.key", key.serialize_pem())]
    {
        fs::write(dir.join(file), text).expect("the directory takes a file");
    }
    issuer.pem()
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
        let master = Redis::start(lines);
        let follow = format!("replicaof 127.0.0.1 {}", master.server.port());
        let replica = Redis::start(&[lines, &["repl-diskless-sync-delay 0", &follow]].concat());
        replica.until(&["INFO", "replication"], "master_link_status:up");
        let sentinels = (0..3).map(|_| sentinel(master.server.port())).collect();
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

fn sentinel(master: u16) -> (Server, TempDir) {
    let (dir, port) = (directory(None), Port::free());
    let text = format!(
        "bind 127.0.0.1\nport {port}\nprotected-mode no\ndir {}\nsentinel monitor {MASTER} 127.0.0.1 {master} 2\n\
         sentinel down-after-milliseconds {MASTER} 500\nsentinel failover-timeout {MASTER} 3000\n",
        dir.path().display()
    );
    (start(SENTINEL, dir.path(), &text, port), dir)
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
        let cluster = Self {
            masters: (0..masters).map(|_| node()).collect(),
            replicas: (0..replicas).map(|_| node()).collect(),
        };
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
            replica.until(&["INFO", "replication"], "master_link_status:up");
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
        let node = node();
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

fn node() -> Redis {
    let bus = Port::free();
    Redis::start(&[
        "cluster-enabled yes",
        "cluster-node-timeout 1000",
        "cluster-allow-replica-migration no",
        "repl-diskless-sync-delay 0",
        &format!("cluster-port {bus}"),
    ])
}
