//! One node under test: its store, its clock, and the events in the test's own hands.

use std::sync::Arc;

use futures_util::{FutureExt as _, StreamExt as _};
use vestibule_domain::audit::{Cause, Tombstone};
use vestibule_domain::claims::Claims;
use vestibule_domain::identity::{Handle, SessionSecret, SignOnId, SiteId, Timestamp, UserId, VisitorId};
use vestibule_domain::key::Secrets;
use vestibule_domain::limits::Limits;
use vestibule_domain::rise::{self, Fresh, Proof, Risen};
use vestibule_domain::session::Session;
use vestibule_oauth::token::GrantToken;
use vestibule_ports::clock::{Clock as _, TestClock};
use vestibule_ports::memory::MemorySessionStore;
use vestibule_ports::session_store::{self as store, Record, SessionStore as _, StoreError, Version, Watch};

use crate::known::Known;
use crate::record;
use crate::sessions::{Config, Found, Sessions};

pub(crate) const HANDLE: Handle = Handle::from_bytes([7; 16]);
const NODE: u64 = 1;

/// The version that was found.
pub(crate) type GetResult = Result<Option<Version>, StoreError>;

pub(crate) struct Rig {
    pub(crate) store: Arc<MemorySessionStore>,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) sessions: Arc<Sessions<()>>,
    watch: Watch,
}

impl Rig {
    /// A node under a live lease, and `HANDLE` in the store.
    pub(crate) async fn new() -> Self {
        let rig = Self::unleased().await;
        rig.store.create(HANDLE, record_of(&session(1))).await.unwrap();
        let mut rig = rig;
        rig.beat().await;
        rig
    }

    /// A node with these settings that listens and has not heard a beat yet, and `HANDLE` in the store.
    pub(crate) async fn with(config: Config) -> Self {
        let rig = Self::unleased_with(config).await;
        rig.store.create(HANDLE, record_of(&session(1))).await.unwrap();
        rig
    }

    /// A node that listens and has not heard a beat yet.
    pub(crate) async fn unleased() -> Self {
        Self::unleased_with(Config::default()).await
    }

    async fn unleased_with(config: Config) -> Self {
        let store = Arc::new(MemorySessionStore::new());
        let clock = Arc::new(TestClock::new(now()));
        let sessions = Arc::new(Sessions::new(store.clone(), clock.clone(), NODE, config));
        let watch = store.watch().await.unwrap();
        sessions.cache.lease.subscribe();
        Self { store, clock, sessions, watch }
    }

    /// Sends a beat and hears everything up to it.
    pub(crate) async fn beat(&mut self) {
        self.sessions.beat().await.unwrap();
        self.hear();
    }

    /// Heeds all events that wait.
    pub(crate) fn hear(&mut self) {
        while let Some(Some(event)) = self.watch.next().now_or_never() {
            self.sessions.heed(event);
        }
    }

    /// Loses the channel and opens it again, unless the store cannot be asked.
    pub(crate) async fn reconnect(&mut self) {
        self.sessions.cache.lease.unsubscribe();
        self.watch = self.store.watch().await.unwrap();
        self.sessions.cache.lease.subscribe();
    }

    pub(crate) fn cached(&self) -> Option<Arc<Known<()>>> {
        self.sessions.cached(HANDLE, self.clock.mono(), self.clock.wall())
    }

    /// The session as another node would commit it.
    pub(crate) async fn commit_elsewhere(&self, expect: Version, number: u64) {
        self.store.update(HANDLE, expect, record_of(&session(number)), self.clock.wall()).await.unwrap();
    }

    pub(crate) async fn end_elsewhere(&self) {
        self.store.end(HANDLE, None, kept_tombstone(), self.clock.wall()).await.unwrap();
    }

    /// The same, while the store holds its answers back.
    pub(crate) async fn end_elsewhere_while_held(&self) {
        let store = Arc::clone(&self.store);
        tokio::spawn(async move { store.end(HANDLE, None, kept_tombstone(), now()).await });
        tokio::task::yield_now().await;
    }

    /// The version that `get` finds, with the number of reads of the store that it took.
    pub(crate) async fn get(&self) -> (Option<Version>, u64) {
        let before = self.store.reads();
        let version = match self.sessions.get(HANDLE).await.unwrap() {
            Found::Live(known, _) => Some(known.version),
            Found::Gone => None,
            Found::Stale { known, .. } => panic!("stale: {known:?}"),
        };
        (version, self.store.reads() - before)
    }

    /// Starts a `get` that goes on in the background, and says in the end how long it took.
    pub(crate) async fn start_get_timed(&self) -> tokio::task::JoinHandle<(GetResult, std::time::Duration)> {
        let sessions = Arc::clone(&self.sessions);
        let get = tokio::spawn(async move {
            let start = tokio::time::Instant::now();
            let found = sessions.get(HANDLE).await.map(|found| match found {
                Found::Live(known, _) => Some(known.version),
                _ => None,
            });
            (found, start.elapsed())
        });
        tokio::task::yield_now().await;
        get
    }

    /// Starts a `get` that goes on in the background as far as it can.
    pub(crate) async fn start_get(&self) -> tokio::task::JoinHandle<Option<Version>> {
        let sessions = Arc::clone(&self.sessions);
        let get = tokio::spawn(async move {
            match sessions.get(HANDLE).await.unwrap() {
                Found::Live(known, _) => Some(known.version),
                _ => None,
            }
        });
        tokio::task::yield_now().await;
        get
    }
}

/// Lets tokio's paused time pass. Each task gets its turns before it and after it.
pub(crate) async fn pass(time: std::time::Duration) {
    turns().await;
    tokio::time::advance(time).await;
    turns().await;
}

async fn turns() {
    for _ in 0..8 {
        tokio::task::yield_now().await;
    }
}

pub(crate) fn now() -> Timestamp {
    Timestamp::from_secs(1_800_000_000)
}

/// How the store keeps a session.
pub(crate) fn record_of(session: &Session) -> Record {
    record::record(session, &Limits::default())
}

pub(crate) fn tombstone() -> Tombstone {
    rise::end(&session(1), Cause::LogOut, now())
}

/// Bytes that are no session.
pub(crate) fn unreadable() -> Record {
    Record { body: "no session".into(), ..record_of(&session(1)) }
}

/// How the store keeps the tombstone.
pub(crate) fn kept_tombstone() -> store::Tombstone {
    record::tombstone(&tombstone(), &Limits::default())
}

/// A session that can be told from others by a number, which is below 256.
pub(crate) fn session(number: u64) -> Session {
    let proof = Proof {
        user: UserId::parse("alice").unwrap(),
        grant: GrantToken::from_random(&[1; 32]),
        auth_time: now(),
        level: u8::try_from(number).unwrap(),
        ends_at: now() + Limits::default().log_on,
        sign_on: SignOnId::parse("sign-on").unwrap(),
        claims: Claims::default(),
        asked: false,
        footing: None,
    };
    let digest = SessionSecret::from_bytes([2; 16]).digest();
    let fresh =
        Fresh { visitor: VisitorId::from_bytes([3; 16]), secrets: Secrets { vst: digest, keep: digest } };
    let site = SiteId::parse("shop").unwrap();
    match rise::log_on(None, site, proof, fresh, now(), &Limits::default()) {
        Ok(Risen::New { session, .. }) => session,
        other => panic!("nobody was logged on before: {other:?}"),
    }
}

/// The number that `session` was given.
pub(crate) fn number_of(session: &Session) -> u64 {
    u64::from(session.log_on().expect("`session` logs on").level)
}
