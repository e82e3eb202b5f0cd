//! Starts the platform from a configuration and ends it: checks everything, then binds everything, so that a bad file
//! or a taken port starts nothing.

use std::fs::OpenOptions;
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use anyhow::Context as _;
use vestibule_draft::directory_of;
use vestibule_gateway::{Door, Gateway};
use vestibule_idp::Idp;
use vestibule_ports::clock::Clock;
use vestibule_ports::entropy::{SystemEntropy, random};
use vestibule_proxy::Proxy;
use vestibule_routes::Problem;
use vestibule_wire::{Drained, Listener, Monitor, Server, Settings, TrustedPeers, WallClock};

use crate::config::{AccessLog, BadConfig, Config, DrainConfig, FaceName, ListenerConfig};
use crate::faces::{Faces, Rest};
use crate::health::{Health, Readiness};
use crate::open_files::{self, Wish};
use crate::platform::{Nature, Platform};
use crate::session_store::Seen;
use crate::{registry, session_store};

/// Connections of a listener, unless the configuration says otherwise.
const CONNECTIONS_MAX: usize = 16 * 1024;
/// Connections of a listener for administration or metrics.
const INSIDE_CONNECTIONS_MAX: usize = 256;

/// How often it is looked at whether a process has become ready.
const READY_EVERY: Duration = Duration::from_millis(100);

/// A platform that serves.
pub struct Running {
    server: Server,
    platform: Platform,
    proxy: Arc<Proxy>,
    /// Whether the tokens of anonymous visitors are there.
    warm: bool,
    addresses: Vec<(FaceName, SocketAddr)>,
    readiness: Readiness,
    drain: DrainConfig,
}

/// Says everything that is wrong with a configuration, without starting anything.
pub fn check(config: &Config) -> Result<(), BadConfig> {
    let problems = problems(config);
    if problems.is_empty() { Ok(()) } else { Err(config.refuse(&problems)) }
}

/// Everything that is wrong with a configuration whose values have been read.
pub(crate) fn problems(config: &Config) -> Vec<Problem> {
    let mut problems = config.problems();
    if let Err(more) = Proxy::new(&config.proxy(), None) {
        problems.extend(more);
    }
    problems.extend(config.gateway().problems());
    let of_idp = |problem: vestibule_idp::config::Problem| Problem {
        at: config.setting_of_idp(&problem.key),
        what: problem.text,
    };
    problems.extend(config.idp().into_iter().flat_map(|idp| idp.validate()).map(of_idp));
    problems
}

/// What the servers that a configuration names say to it now.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// What may be lost, and what can hardly be meant.
    pub warnings: Vec<String>,
    /// Why a process would not start.
    pub refusals: Vec<String>,
    /// What the first start will do that cannot be undone by a second thought.
    pub notes: Vec<String>,
}

/// Asks the servers and directories that a configuration names, which can be served as far as the file goes. Looks, and
/// changes nothing.
pub fn ask(config: &Config) -> anyhow::Result<Asked> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let store = runtime.block_on(session_store::ask(&config.sessions, config.data_dir.as_deref()));
    runtime.shutdown_background();
    let mut asked = Asked { warnings: config.warnings(), ..Asked::default() };
    match store {
        Ok(Seen { warnings, is_new }) => {
            asked.warnings.extend(warnings.iter().map(|warning| format!("sessions.store: {warning}")));
            let note = "sessions.store: nothing of ours is there yet; the first start makes what is needed";
            asked.notes.extend(is_new.then(|| note.to_owned()));
        }
        Err(refusal) => asked.refusals.push(refusal),
    }
    asked.refusals.extend(no_place(config));
    asked.refusals.extend(config.idp.as_ref().and_then(registry::refusal));
    Ok(asked)
}

/// Paths that nothing can be written to, as far as a look shows.
fn no_place(config: &Config) -> Vec<String> {
    let mut refusals = Vec::new();
    if let AccessLog::File(path) = &config.log.access {
        let directory = directory_of(path);
        if path.is_dir() {
            refusals.push(format!("log.access: {} is a directory", path.display()));
        } else if !directory.is_dir() {
            refusals.push(format!("log.access: there is no directory {}", directory.display()));
        }
    }
    let data_dir = config.data_dir.iter().filter(|path| path.exists() && !path.is_dir());
    refusals.extend(data_dir.map(|path| format!("data_dir: {} is no directory", path.display())));
    refusals
}

/// Starts what a configuration says, with the machine's own time and randomness. Ready when this returns.
pub fn start(config: Config) -> anyhow::Result<Running> {
    start_in(config, Nature::of_machine())
}

/// Starts what a configuration says, in a nature of the caller's. Ready when this returns.
pub fn start_in(config: Config, nature: Nature) -> anyhow::Result<Running> {
    let running = prepare(config, nature)?;
    running.want_traffic();
    Ok(running)
}

/// Starts what a configuration says, and serves, without wanting traffic yet.
pub(crate) fn prepare(config: Config, nature: Nature) -> anyhow::Result<Running> {
    check(&config)?;
    let (shares, few_files) = share_files(&config);
    for warning in config.warnings().into_iter().chain(few_files) {
        // Nothing is left to be done when even this cannot be written.
        let _ = writeln!(std::io::stderr(), "vestibule: warning: {warning}");
    }
    let access_log = open_access_log(&config.log.access)?;
    let sockets = config.listeners.iter().map(bind).collect::<anyhow::Result<Vec<_>>>()?;
    let clock = Arc::clone(&nature.clock);
    let mut platform = Platform::open(&config, nature)?;
    let proxy =
        Proxy::new(&config.proxy(), platform.services()).map_err(|problems| config.refuse(&problems))?;
    let proxy = Arc::new(proxy);
    let warm = platform.wait(proxy.warm_up());
    platform.spawn(work(Arc::clone(&proxy)));
    let health = Health {
        readiness: Readiness::with(platform.file.clone()),
        monitor: Monitor::default(),
        idp: platform.idp.clone(),
    };
    let faces =
        FaceMaker { config: &config, platform: &platform, proxy: Arc::clone(&proxy), health: health.clone() };
    let mut listeners = Vec::new();
    let mut addresses = Vec::new();
    for ((listener, (socket, address)), connections_max) in config.listeners.iter().zip(sockets).zip(shares) {
        addresses.extend(listener.serves.iter().map(|face| (*face, address)));
        listeners.push(Listener { socket, face: Arc::new(faces.make(listener)?), connections_max });
    }
    let settings = Settings {
        cores: config.runtime.cores.unwrap_or_else(processors),
        wall: wall_clock(clock),
        seed: u64::from_ne_bytes(random(&SystemEntropy)),
        limits: config.limits.limits(),
        access_log,
        monitor: health.monitor,
    };
    let server = Server::start(settings, listeners).context("the server's threads cannot be started")?;
    platform.tell_of_ends(server.tug());
    Ok(Running { server, platform, proxy, warm, addresses, readiness: health.readiness, drain: config.drain })
}

/// Puts the faces of each listener together.
struct FaceMaker<'p> {
    config: &'p Config,
    platform: &'p Platform,
    proxy: Arc<Proxy>,
    health: Health,
}

impl FaceMaker<'_> {
    fn make(&self, listener: &ListenerConfig) -> anyhow::Result<Faces> {
        let metrics = listener.serves.contains(&FaceName::Metrics).then(|| self.health.clone());
        let main = listener.serves.iter().find(|face| **face != FaceName::Metrics);
        // The check has seen to it that what is served is there.
        let rest = match main {
            None | Some(FaceName::Metrics) => Some(Rest::Nothing),
            Some(FaceName::Proxy) => Some(Rest::Proxy(Arc::clone(&self.proxy))),
            Some(FaceName::Gateway) => self.gateway(Door::Outside)?,
            Some(FaceName::GatewayInside) => self.gateway(Door::Inside)?,
            Some(FaceName::Idp) => self.platform.idp.as_ref().map(|idp| {
                let listed = self.config.idp.as_ref().map(|idp| idp.trusted_peers.clone());
                Rest::Router(idp.router(), TrustedPeers(listed.unwrap_or_default()))
            }),
            Some(FaceName::IdpInside) => self
                .platform
                .idp
                .as_ref()
                .map(|idp| Rest::Router(idp.inside_router(), TrustedPeers::default())),
            Some(FaceName::Admin) => {
                self.platform.admin().map(|router| Rest::Router(router, TrustedPeers::default()))
            }
        };
        Ok(Faces { metrics, rest: rest.unwrap_or(Rest::Nothing) })
    }

    fn gateway(&self, door: Door) -> anyhow::Result<Option<Rest>> {
        let Some(services) = self.platform.gateway_services() else { return Ok(None) };
        let gateway = Gateway::new(&self.config.gateway(), door, services)
            .map_err(|problems| self.config.refuse(&problems))?;
        Ok(Some(Rest::Gateway(Box::new(gateway))))
    }
}

/// Raises the limit of open files and shares it out to the listeners: the connections of each, and what an operator should
/// know.
fn share_files(config: &Config) -> (Vec<usize>, Option<String>) {
    let limit = open_files::raise();
    let wishes: Vec<_> = config.listeners.iter().map(|listener| wish(config, listener)).collect();
    let shares = open_files::share_out(limit, &wishes);
    let warning = open_files::warning(limit, &wishes, &shares);
    (shares, warning)
}

/// A flood of visitors must not keep probes and administrators out: they have connections of their own.
fn wish(config: &Config, listener: &ListenerConfig) -> Wish {
    let is_inside = |face: &FaceName| matches!(face, FaceName::Admin | FaceName::Metrics);
    let relays =
        |face: &FaceName| matches!(face, FaceName::Proxy | FaceName::Gateway | FaceName::GatewayInside);
    let is_inside = listener.serves.iter().all(is_inside);
    let visitors = config.limits.connections_max.unwrap_or(CONNECTIONS_MAX);
    Wish {
        connections: if is_inside { INSIDE_CONNECTIONS_MAX } else { visitors },
        relays: listener.serves.iter().any(relays),
        is_inside,
    }
}

/// The proxy's standing work.
async fn work(proxy: Arc<Proxy>) {
    proxy.run().await;
}

/// Waits until the tokens of anonymous visitors are there, then wants traffic.
async fn warm_up(proxy: Arc<Proxy>, readiness: Readiness) {
    while !proxy.is_warm() {
        tokio::time::sleep(READY_EVERY).await;
    }
    readiness.set(true);
}

fn bind(listener: &ListenerConfig) -> anyhow::Result<(TcpListener, SocketAddr)> {
    let address = listener.bind;
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

fn wall_clock(clock: Arc<dyn Clock>) -> WallClock {
    Arc::new(move || clock.wall().as_millis().unsigned_abs())
}

impl Running {
    /// From now on `/readyz` says yes, as soon as the tokens of anonymous visitors are there.
    pub(crate) fn want_traffic(&self) {
        self.readiness.set(self.warm);
        if !self.warm {
            self.platform.spawn(warm_up(Arc::clone(&self.proxy), self.readiness.clone()));
        }
    }

    /// The address that serves this face, by the name it has in the configuration.
    pub fn address(&self, face: &str) -> Option<SocketAddr> {
        self.addresses.iter().find(|(name, _)| name.as_str() == face).map(|(_, address)| *address)
    }

    /// Whether the tokens that anonymous visitors share are at hand.
    pub fn is_warm(&self) -> bool {
        self.proxy.is_warm()
    }

    /// Connections that are open now.
    pub fn open_connections(&self) -> usize {
        self.server.open_connections()
    }

    /// The identity provider of this process.
    pub fn idp(&self) -> Option<&Arc<Idp>> {
        self.platform.idp.as_ref()
    }

    /// Runs something on the back runtime and waits for it. Not from an async context.
    pub fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.platform.wait(work)
    }

    /// Ends in order: not ready, then no new connections, then none, then what was to be saved is saved. A message in
    /// `hurry` cuts what is left.
    pub fn drain(self, hurry: &Receiver<()>) -> Drained {
        self.readiness.set(false);
        let time = Duration::from_millis;
        let drained = self.server.drain(time(self.drain.delay_ms), time(self.drain.limit_ms), hurry);
        self.platform.close();
        drained
    }

    /// Ends at once.
    pub fn stop(self) {
        let (hurried, hurry) = channel();
        drop(hurried);
        self.drain(&hurry);
    }
}
