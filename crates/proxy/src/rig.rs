//! A proxy of one site in front of the stand-ins of store and IDP, without sockets, for the tests of its phases.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _};
use vestibule_domain::claims::Claims;
use vestibule_domain::cookie::{Jar, SessionValue};
use vestibule_domain::fetch::{Fetch, Fields};
use vestibule_domain::identity::{Handle, SessionSecret, SignOnId, Timestamp, UserId, VisitorId};
use vestibule_domain::key::Secrets;
use vestibule_domain::limits::Limits;
use vestibule_domain::origin::Came;
use vestibule_domain::rise::{self, Fresh, Proof, Risen};
use vestibule_domain::rule::Footing;
use vestibule_domain::session::Session;
use vestibule_feed::{Feed, Life, Traces};
use vestibule_oauth::pkce::Verifier;
use vestibule_oauth::token::{Code, GrantToken};
use vestibule_ports::clock::{Clock as _, TestClock};
use vestibule_ports::entropy::SeededEntropy;
use vestibule_ports::issuer::{Ended, FeedItem, Issuer as _, LogOn, Redeem};
use vestibule_ports::memory::{Fault, MemoryIssuer, MemorySessionStore};
use vestibule_ports::session_store::{Created, FIRST_VERSION, Record, SessionStore as _, Slot};
use vestibule_sessions::{Committed, Sessions};
use vestibule_wire::RequestId;

use crate::open::{Opened, Porter, Visitor};
use crate::seal::Scene;
use crate::site::Site;
use crate::visit::Visit;
use crate::{Config, Proxy, Services, SiteConfig, Visitors};

pub(crate) const HANDLE: Handle = Handle::from_bytes([7; 16]);
/// `/` takes everybody and can do without a token, `/desk` cannot, `/lobby` takes who is not known for the moment.
const ROUTES: [&str; 3] = [
    "host = 'shop.test'\napp = 'http://127.0.0.1:1'",
    "host = 'shop.test'\npath = '/desk'\napp = 'http://127.0.0.1:1'\ntoken = 'required'",
    "host = 'shop.test'\npath = '/lobby'\napp = 'http://127.0.0.1:1'\nwhen_unknown = 'anonymous'",
];
const BEGIN: Timestamp = Timestamp::from_secs(1_800_000_000);

pub(crate) struct Rig {
    pub(crate) store: Arc<MemorySessionStore>,
    pub(crate) issuer: Arc<MemoryIssuer>,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) feed: Arc<Feed>,
    pub(crate) proxy: Proxy,
}

impl Rig {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(TestClock::new(BEGIN));
        let issuer = Arc::new(MemoryIssuer::new(clock.clone()));
        Self::node(1, Arc::new(MemorySessionStore::new()), issuer, clock)
    }

    /// Another process over the same store, with the same IDP.
    pub(crate) fn restarted(&self) -> Self {
        Self::node(2, self.store.clone(), self.issuer.clone(), self.clock.clone())
    }

    fn node(
        number: u64,
        store: Arc<MemorySessionStore>,
        issuer: Arc<MemoryIssuer>,
        clock: Arc<TestClock>,
    ) -> Self {
        let settings = vestibule_sessions::Config::default();
        let feed = Arc::new(Feed::new(clock.clone()));
        let services = Services {
            sessions: Arc::new(Sessions::new(store.clone(), clock.clone(), number, settings)),
            issuer: issuer.clone(),
            feed: Arc::clone(&feed),
            clock: clock.clone(),
            entropy: Arc::new(SeededEntropy::new(number)),
        };
        let site = SiteConfig {
            name: "shop".to_owned(),
            origin: "https://shop.test".to_owned(),
            aliases: Vec::new(),
            log_on_client: Some("shop".to_owned()),
            hsts_seconds: None,
        };
        let issuer_url = Some("https://login.test".to_owned());
        let routes = ROUTES.iter().map(|route| toml::from_str(route).unwrap()).collect();
        let trusted_peers = vec!["127.0.0.1/32".parse().unwrap()];
        let config =
            Config { sites: vec![site], routes, trusted_peers, issuer: issuer_url, ..Config::default() };
        let proxy = Proxy::new(&config, Some(services)).unwrap();
        Self { store, issuer, clock, feed, proxy }
    }

    pub(crate) fn visitors(&self) -> &Visitors {
        self.proxy.visitors.as_ref().unwrap()
    }

    pub(crate) fn site(&self) -> &Site {
        &self.proxy.live.sites[0]
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.proxy.live.limits
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.wall()
    }

    /// A visitor's session whose log-on has this number: it is in its user's level, its grant, its sign-on session and
    /// its secrets.
    pub(crate) fn logged_on(&self, user: &str, number: u8) -> Session {
        self.begun(self.proof(user, number), number)
    }

    fn begun(&self, proof: Proof, number: u8) -> Session {
        let site = self.site().id.clone();
        match rise::log_on(None, site, proof, fresh(number), self.now(), self.limits()) {
            Ok(Risen::New { session, .. }) => session,
            other => panic!("nobody was logged on before: {other:?}"),
        }
    }

    pub(crate) fn proof(&self, user: &str, number: u8) -> Proof {
        Proof {
            user: UserId::parse(user).unwrap(),
            grant: GrantToken::from_random(&[number; 32]),
            auth_time: self.now(),
            level: number,
            ends_at: self.now() + self.limits().log_on,
            sign_on: sign_on(number),
            claims: Claims::default(),
            asked: false,
            footing: None,
        }
    }

    /// Alice with her first log-on, in the store and at the IDP.
    pub(crate) async fn alice(&self) -> Visitor {
        self.alice_from(None).await
    }

    /// The same, with a log-on that is watched.
    pub(crate) async fn alice_from(&self, footing: Option<Footing>) -> Visitor {
        self.redeem("alice", 1).await;
        let proof = Proof { footing, ..self.proof("alice", 1) };
        self.create(HANDLE, &self.begun(proof, 1)).await;
        self.open(1).await
    }

    /// Puts a session into the store.
    pub(crate) async fn create(&self, handle: Handle, session: &Session) {
        let sessions = &self.visitors().sessions;
        let created = sessions.create(handle, session, sessions.deadline()).await;
        assert_eq!(created, Ok(Created::Created));
    }

    /// A log-in at the IDP, to be redeemed.
    pub(crate) fn log_in(&self, user: &str, number: u8) -> (Code, Verifier) {
        let Proof { user: sub, grant, auth_time, level, ends_at, sign_on, .. } = self.proof(user, number);
        let (code, verifier) = (Code::from_random(&[number; 32]), Verifier::from_random(&[number; 32]));
        let log_on = LogOn { grant, sub, auth_time, level, ends_at, sign_on, claims: "{}".to_owned() };
        self.issuer.log_in(&code, verifier.challenge(), log_on);
        (code, verifier)
    }

    /// Gives the IDP a log-on's grant.
    async fn redeem(&self, user: &str, number: u8) {
        let (code, verifier) = self.log_in(user, number);
        let (site, nonce, redirect_uri) = (self.site().id.clone(), String::new(), String::new());
        self.issuer.redeem(Redeem { site, code, verifier, nonce, redirect_uri }).await.unwrap();
    }

    /// The visitor whom these secrets open.
    pub(crate) async fn open(&self, number: u8) -> Visitor {
        self.find(number).await.expect("the session lives")
    }

    /// The same, if the session lives.
    pub(crate) async fn find(&self, number: u8) -> Option<Visitor> {
        let visit = self.visit(number);
        self.porter(&visit).open_fresh(self.visitors().sessions.deadline()).await.unwrap()
    }

    pub(crate) fn porter<'a>(&'a self, visit: &'a Visit<'a>) -> Porter<'a> {
        Porter::new(&self.proxy, self.visitors(), self.site(), visit)
    }

    /// An answer of the first app's, which has come at once.
    pub(crate) fn scene<'a>(&'a self, visit: &'a Visit<'a>, opened: &'a Opened) -> Scene<'a> {
        Scene {
            visitors: self.visitors(),
            site: self.site(),
            app: &self.proxy.live.apps[0],
            visit,
            opened,
            now: self.now(),
            limits: self.limits(),
        }
    }

    /// A request with the cookies that hold these secrets.
    pub(crate) fn visit(&self, number: u8) -> Visit<'_> {
        let value = SessionValue { handle: HANDLE, secret: vst(number) }.expose();
        Visit {
            site: Some(self.site()),
            came: Some((self.site(), Came::Home)),
            client: [127, 0, 0, 1].into(),
            scheme: "https",
            id: RequestId::default(),
            now: self.now(),
            fetch: Fetch::read(b"GET", &Fields::default(), "https://shop.test"),
            jar: Jar::read([(&b"__Host-vst"[..], value.as_bytes())]),
            footing: None,
        }
    }

    /// Logs the session's user on again, as another request on another node does.
    pub(crate) async fn rise_elsewhere(&self, user: &'static str, number: u8) {
        let session = self.logged_on(user, number);
        let committed = self.restarted().visitors().sessions.commit(HANDLE, |_, _| Ok(session.clone())).await;
        assert!(matches!(committed, Ok(Committed::Saved { .. })), "{committed:?}");
    }

    /// Logs the session's user on again in the same session, and nobody gets the cookies.
    pub(crate) async fn rise_again(&self, user: &str, number: u8) {
        let visitor = self.open(1).await;
        let view = visitor.view(self.now(), self.limits());
        let (site, proof) = (self.site().id.clone(), self.proof(user, number));
        let risen = rise::log_on(view.as_ref(), site, proof, fresh(number), self.now(), self.limits());
        let Ok(Risen::Same(session)) = risen else { panic!("{risen:?}") };
        let committed = self.visitors().sessions.commit(HANDLE, |_, _| Ok(session.clone())).await;
        assert!(matches!(committed, Ok(Committed::Saved { .. })), "{committed:?}");
    }

    /// Carries out `work`; between its reading of the session and its writing, after `calls` calls of its own before,
    /// the session rises on another node.
    pub(crate) async fn while_it_rises<T>(
        &self,
        calls: usize,
        user: &'static str,
        work: impl Future<Output = T>,
    ) -> T {
        let elsewhere = async {
            for _ in 0..calls {
                self.step(Fault::HoldAnswers).await;
                self.step(Fault::HoldCalls).await;
            }
            self.step(Fault::HoldAnswers).await;
            // It has read and does not know it yet. What is written now stands when it goes on.
            let record = Record {
                body: self.logged_on(user, 2).encode().into(),
                user: Some(user.to_owned()),
                expires_at: self.now() + self.limits().ceiling,
            };
            let written = self.store.update(HANDLE, FIRST_VERSION, record, self.now());
            tokio::pin!(written);
            assert!(written.as_mut().now_or_never().is_none(), "its answer is held");
            self.store.set_fault(Fault::None);
            written.await.unwrap();
        };
        self.store.set_fault(Fault::HoldCalls);
        tokio::join!(biased; work, elsewhere).0
    }

    async fn step(&self, fault: Fault) {
        self.store.set_fault(fault);
        tokio::task::yield_now().await;
    }

    /// The session or its tombstone, as the store has it.
    pub(crate) async fn slot(&self) -> Slot {
        self.store.get(HANDLE, self.now()).await.unwrap()
    }

    /// Follows the IDP's ends from here on, so that tokens are used again.
    pub(crate) async fn follow_ends(&self) {
        let (feed, issuer) = (Arc::clone(&self.feed), Arc::clone(&self.issuer));
        tokio::spawn(async move { feed.run(&*issuer).await });
        self.hear().await;
    }

    /// Until the IDP has been heard, and what it has not ended is known to live.
    pub(crate) async fn hear(&self) {
        for _ in 0..100 {
            if self.feed.check(&Traces::default(), self.feed.stamp()) == Life::Alive {
                return;
            }
            tokio::task::yield_now().await;
            self.issuer.beat();
        }
        panic!("the feed is never heard");
    }

    /// The proxy's standing work, for as long as that.
    pub(crate) async fn run_for(&self, time: Duration) {
        let _cut = tokio::time::timeout(time, self.proxy.run()).await;
    }

    /// Everything that the IDP was told to end, in its order.
    pub(crate) async fn ends(&self) -> Vec<Ended> {
        let mut feed = self.issuer.feed(0).await.unwrap();
        let mut ends = Vec::new();
        while let Some(Some(Ok(FeedItem::Ended { ended, .. }))) = feed.next().now_or_never() {
            ends.push(ended);
        }
        ends
    }

    /// How many sessions of a user live.
    pub(crate) async fn live_sessions_of(&self, user: &str) -> usize {
        self.store.list_user(user, 10, self.now()).await.unwrap().len()
    }

    /// What is owed to the IDP by now.
    pub(crate) async fn owed(&self) -> usize {
        let sessions = &self.visitors().sessions;
        let mut due = 0;
        for entry in sessions.owed(10).await.unwrap() {
            due += usize::from(sessions.due(entry).await.is_ok_and(|due| due.is_some()));
        }
        due
    }
}

pub(crate) fn sign_on(number: u8) -> SignOnId {
    SignOnId::parse(&format!("sign-on-{number}")).unwrap()
}

fn vst(number: u8) -> SessionSecret {
    SessionSecret::from_bytes([number; 16])
}

fn fresh(number: u8) -> Fresh {
    let secrets =
        Secrets { vst: vst(number).digest(), keep: SessionSecret::from_bytes([!number; 16]).digest() };
    Fresh { visitor: VisitorId::from_bytes([number; 16]), secrets }
}
