//! Starts the platform from a configuration and ends it: binds everything first, so that a taken port starts nothing.

use std::fs::OpenOptions;
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use anyhow::Context as _;
use vestibule_ports::clock::{Clock as _, SystemClock};
use vestibule_ports::entropy::{SystemEntropy, random};
use vestibule_proxy::Proxy;
use vestibule_wire::{Drained, Listener, Monitor, Server, Settings, WallClock};

use crate::config::{AccessLog, BadConfig, Config, DrainConfig, FaceName};
use crate::faces::Faces;
use crate::health::{Health, Readiness};

/// A platform that serves.
pub struct Running {
    server: Server,
    addresses: Vec<(FaceName, SocketAddr)>,
    readiness: Readiness,
    drain: DrainConfig,
}

/// Says everything that is wrong with a configuration, without starting anything.
pub fn check(config: &Config) -> Result<(), BadConfig> {
    proxy(config).map(|_| ())
}

/// Starts what a configuration says. Ready when this returns.
pub fn start(config: Config) -> anyhow::Result<Running> {
    let proxy = Arc::new(proxy(&config)?);
    let access_log = open_access_log(&config.log.access)?;
    let health = Health { readiness: Readiness::default(), monitor: Monitor::default() };
    let mut listeners = Vec::new();
    let mut addresses = Vec::new();
    for listener in &config.listeners {
        let (socket, address) = bind(listener.bind)?;
        let serves = |face: FaceName| listener.serves.contains(&face);
        addresses.extend(listener.serves.iter().map(|face| (*face, address)));
        let metrics = serves(FaceName::Metrics).then(|| health.clone());
        let face = match (serves(FaceName::Proxy), metrics) {
            (true, metrics) => Faces::Proxy(Arc::clone(&proxy), metrics),
            (false, _) => Faces::Metrics(health.clone()),
        };
        listeners.push(Listener { socket, face: Arc::new(face) });
    }
    let settings = Settings {
        cores: config.runtime.cores.unwrap_or_else(processors),
        wall: wall_clock(),
        seed: u64::from_ne_bytes(random(&SystemEntropy)),
        limits: config.limits.limits(),
        access_log,
        monitor: health.monitor,
    };
    let server = Server::start(settings, listeners).context("the server's threads cannot be started")?;
    health.readiness.set(true);
    Ok(Running { server, addresses, readiness: health.readiness, drain: config.drain })
}

/// Checks everything; the proxy is what most of the checking needs.
fn proxy(config: &Config) -> Result<Proxy, BadConfig> {
    let mut problems = config.problems();
    match Proxy::new(&config.proxy()) {
        Ok(proxy) if problems.is_empty() => return Ok(proxy),
        Ok(_) => {}
        Err(more) => problems.extend(more),
    }
    Err(config.refuse(&problems))
}

fn bind(address: SocketAddr) -> anyhow::Result<(TcpListener, SocketAddr)> {
    let socket = vestibule_wire::bind(address)
        .with_context(|| format!("cannot listen on {address}: is something else using it?"))?;
    let bound = socket.local_addr()?;
    Ok((socket, bound))
}

fn open_access_log(to: &AccessLog) -> anyhow::Result<Option<Box<dyn Write + Send>>> {
    Ok(match to {
        AccessLog::Off => None,
        AccessLog::Stdout => Some(Box::new(std::io::stdout())),
        AccessLog::File(path) => {
            let opened = OpenOptions::new().create(true).append(true).open(path);
            Some(Box::new(opened.with_context(|| format!("log.access: cannot write {}", path.display()))?))
        }
    })
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn wall_clock() -> WallClock {
    let clock = SystemClock::new();
    Arc::new(move || clock.wall().as_millis().unsigned_abs())
}

impl Running {
    /// The address that serves this face, by the name it has in the configuration.
    pub fn address(&self, face: &str) -> Option<SocketAddr> {
        self.addresses.iter().find(|(name, _)| name.as_str() == face).map(|(_, address)| *address)
    }

    /// Connections that are open now.
    pub fn open_connections(&self) -> usize {
        self.server.open_connections()
    }

    /// Ends in order: not ready, then no new connections, then none. A message in `hurry` cuts what is left.
    pub fn drain(self, hurry: &Receiver<()>) -> Drained {
        self.readiness.set(false);
        let time = Duration::from_millis;
        self.server.drain(time(self.drain.delay_ms), time(self.drain.limit_ms), hurry)
    }

    /// Ends at once.
    pub fn stop(self) {
        let (hurried, hurry) = channel();
        drop(hurried);
        self.drain(&hurry);
    }
}
