//! Everything behind the faces: the back runtime, the session store, the identity provider, and what runs beside them.

use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use vestibule_admin::Users;
use vestibule_admin::token::TokenDigest;
use vestibule_domain::limits::Limits;
use vestibule_feed::Feed;
use vestibule_idp::Idp;
use vestibule_issuer_http::IssuerHttp;
use vestibule_ports::authority::Authority;
use vestibule_ports::clock::{Clock, SystemClock};
use vestibule_ports::entropy::{Entropy, SystemEntropy, random};
use vestibule_ports::issuer::Issuer;
use vestibule_ports::session_store::SessionStore;
use vestibule_proxy::Services;
use vestibule_registry::Registry;
use vestibule_sessions::Sessions;
use vestibule_store_embedded::Condition;
use vestibule_wire::Tug;

use crate::admin_token;
use crate::back::{Back, IssuerOnBack, StoreOnBack};
use crate::config::{Config, FaceName, IssuerConfig};
use crate::registry;
use crate::session_store::{Choice, Opened};
use crate::store_news::StoreNews;

/// Threads of the back runtime. Stores and hashes have threads of their own.
const BACK_THREADS: usize = 2;
/// How often expired rows are removed from the registry.
const SWEEP_EVERY: Duration = Duration::from_secs(5);
/// Rows removed in one transaction.
const SWEEP_ROWS: u32 = 300;
/// How long the back runtime may take to end.
const SHUTDOWN_MAX: Duration = Duration::from_secs(2);

/// What tests replace: time and chance.
#[derive(Clone)]
pub struct Nature {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
}

impl Nature {
    /// The machine's own time and randomness.
    pub fn of_machine() -> Self {
        Self { clock: Arc::new(SystemClock::new()), entropy: Arc::new(SystemEntropy) }
    }
}

/// The inside of a process.
pub(crate) struct Platform {
    runtime: Runtime,
    pub(crate) idp: Option<Arc<Idp>>,
    sessions: Option<Arc<Sessions<()>>>,
    store: Option<Arc<dyn SessionStore>>,
    /// The store's file, if it is one.
    pub(crate) file: Option<Condition>,
    admin_token: Option<TokenDigest>,
    /// Where users live if not here, for administrators to read.
    idp_elsewhere: Arc<str>,
    limits: Limits,
    standing_work: Vec<JoinHandle<()>>,
    issuer: Option<Arc<dyn Issuer>>,
    feed: Arc<Feed>,
    nature: Nature,
}

impl Platform {
    /// Opens what the configuration names. Nothing is served yet.
    pub(crate) fn open(config: &Config, nature: Nature) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(BACK_THREADS)
            .thread_name("back")
            .enable_all()
            .build()
            .context("the back runtime cannot be started")?;
        let back = Back::new(runtime.handle().clone());
        let feed = Arc::new(Feed::new(Arc::clone(&nature.clock)));
        let mut platform = Self {
            runtime,
            idp: None,
            sessions: None,
            store: None,
            file: None,
            admin_token: None,
            idp_elsewhere: config.issuer.as_ref().map(IssuerConfig::whereabouts).unwrap_or_default().into(),
            limits: config.sessions.limits(),
            standing_work: Vec::new(),
            issuer: None,
            feed,
            nature,
        };
        if let Some(data_dir) = &config.data_dir {
            std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(data_dir)
                .with_context(|| format!("data_dir: cannot make {}", data_dir.display()))?;
        }
        if let Some(issuer) = platform.open_issuer(config)? {
            platform.issuer = Some(Arc::new(IssuerOnBack { issuer, back: back.clone() }));
            platform.follow_ends();
        }
        if platform.issuer.is_some() && config.serves(FaceName::Proxy) {
            platform.open_sessions(config, back)?;
        }
        if let Some(data_dir) = &config.data_dir
            && (platform.idp.is_some() || config.serves(FaceName::Admin))
        {
            platform.admin_token = Some(admin_token::read_or_make(data_dir, &*platform.nature.entropy)?);
        }
        Ok(platform)
    }

    /// The identity provider: this process itself, or another one.
    fn open_issuer(&mut self, config: &Config) -> anyhow::Result<Option<Arc<dyn Issuer>>> {
        if let (Some(data_dir), Some(idp)) = (&config.data_dir, config.idp()) {
            let idp = self.open_idp(idp, data_dir)?;
            self.idp = Some(Arc::clone(&idp));
            return Ok(Some(idp));
        }
        let Some(issuer) = &config.issuer else { return Ok(None) };
        let secret = issuer.secret.as_ref().context("issuer.secret_file has not been read")?;
        let clock = Arc::clone(&self.nature.clock);
        let issuer = IssuerHttp::new(&issuer.url, &issuer.client_id, secret, clock).context("issuer.url")?;
        Ok(Some(Arc::new(issuer)))
    }

    /// Follows what ends at the identity provider.
    fn follow_ends(&mut self) {
        let (Some(issuer), feed) = (self.issuer.clone(), Arc::clone(&self.feed)) else { return };
        self.standing_work.push(self.runtime.spawn(async move {
            feed.run(&*issuer).await;
        }));
    }

    fn open_idp(
        &mut self,
        config: vestibule_idp::config::Config,
        data_dir: &Path,
    ) -> anyhow::Result<Arc<Idp>> {
        let registry = Arc::new(registry::open(&config, data_dir)?);
        let Nature { clock, entropy } = self.nature.clone();
        self.standing_work.push(self.runtime.spawn(sweep(Arc::clone(&registry), Arc::clone(&clock))));
        let _inside = self.runtime.enter();
        Idp::new(config, registry, clock, entropy).context("the identity provider cannot start")
    }

    fn open_sessions(&mut self, config: &Config, back: Back) -> anyhow::Result<()> {
        let choice = Choice::of(&config.sessions).map_err(anyhow::Error::msg).context("sessions.store")?;
        let Opened { store, warnings, file } =
            self.runtime.block_on(choice.open(&config.sessions, config.data_dir.as_deref()))?;
        for warning in warnings {
            // Nothing is left to be done when even this cannot be written.
            let _ = writeln!(std::io::stderr(), "vestibule: warning: sessions.store: {warning}");
        }
        let settings = config.sessions.settings();
        let node = u64::from_ne_bytes(random(&*self.nature.entropy));
        self.file = file;
        let news = Arc::new(StoreNews::new(Arc::clone(&self.nature.clock)));
        let store: Arc<dyn SessionStore> = Arc::new(StoreOnBack { store, back, news });
        self.store = Some(Arc::clone(&store));
        let sessions = Arc::new(Sessions::new(store, Arc::clone(&self.nature.clock), node, settings));
        let working = Arc::clone(&sessions);
        self.standing_work.push(self.runtime.spawn(async move {
            working.run().await;
        }));
        self.sessions = Some(sessions);
        Ok(())
    }

    /// What the proxy needs to know visitors; `None` where nobody can be known.
    pub(crate) fn services(&self) -> Option<Services> {
        Some(Services {
            sessions: Arc::clone(self.sessions.as_ref()?),
            issuer: Arc::clone(self.issuer.as_ref()?),
            feed: Arc::clone(&self.feed),
            clock: Arc::clone(&self.nature.clock),
            entropy: Arc::clone(&self.nature.entropy),
        })
    }

    /// What the gateway needs to know callers; `None` where nobody can be known.
    pub(crate) fn gateway_services(&self) -> Option<vestibule_gateway::Services> {
        Some(vestibule_gateway::Services {
            issuer: Arc::clone(self.issuer.as_ref()?),
            feed: Arc::clone(&self.feed),
            clock: Arc::clone(&self.nature.clock),
        })
    }

    /// The admin API, for what this process holds; `None` where there is no token for it.
    pub(crate) fn admin(&self) -> Option<axum::Router> {
        let sessions = self.store.as_ref().map(|store| vestibule_admin::session_audit::Sessions {
            store: Arc::clone(store),
            clock: Arc::clone(&self.nature.clock),
            limits: self.limits.clone(),
        });
        let users = match &self.idp {
            Some(idp) => Users::Here(Arc::clone(idp) as Arc<dyn Authority>),
            None => Users::Elsewhere(Arc::clone(&self.idp_elsewhere)),
        };
        let door = vestibule_admin::Door::new(self.admin_token.clone()?, []);
        Some(vestibule_admin::Admin { door, users, sessions }.router())
    }

    /// Has a server's cores look at what streams whenever something has ended here, at the provider or in the store.
    pub(crate) fn tell_of_ends(&mut self, tug: Tug) {
        let (mut at_the_idp, sessions) = (self.feed.news(), self.sessions.clone());
        self.standing_work.push(self.runtime.spawn(async move {
            let mut in_the_store = sessions.as_ref().map(|sessions| sessions.news());
            loop {
                let heard = tokio::select! {
                    heard = at_the_idp.changed() => heard,
                    heard = next(in_the_store.as_mut()) => heard,
                };
                if heard.is_err() {
                    return;
                }
                tug.pull();
            }
        }));
    }

    /// Runs something on the back runtime and waits for it.
    pub(crate) fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Runs something on the back runtime until the process ends.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(work);
    }

    /// Saves what is still to be saved and ends.
    pub(crate) fn close(self) {
        for work in self.standing_work {
            work.abort();
        }
        if let Some(sessions) = &self.sessions {
            self.runtime.block_on(sessions.close());
        }
        self.runtime.shutdown_timeout(SHUTDOWN_MAX);
    }
}

/// The next news; never any where there is no store.
async fn next(news: Option<&mut watch::Receiver<()>>) -> Result<(), watch::error::RecvError> {
    match news {
        Some(news) => news.changed().await,
        None => std::future::pending().await,
    }
}

/// Removes what has expired from the registry, for ever. Errors are left to the next round: nothing depends on it.
async fn sweep(registry: Arc<Registry>, clock: Arc<dyn Clock>) {
    let mut round = tokio::time::interval(SWEEP_EVERY);
    loop {
        round.tick().await;
        let (registry, now) = (Arc::clone(&registry), clock.wall());
        let all = move || while registry.sweep(now, SWEEP_ROWS).is_ok_and(|swept| swept.more) {};
        let _ = tokio::task::spawn_blocking(all).await;
    }
}
