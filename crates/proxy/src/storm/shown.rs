//! What a request was shown, compared with what is stored and what was acknowledged before it began.

use std::time::Duration;

use tokio::time::Instant;
use vestibule_domain::cookie::{Cookie, Jar as Sent};
use vestibule_domain::identity::{Handle, Timestamp};
use vestibule_domain::key::Key;
use vestibule_domain::limits::Limits;
use vestibule_domain::session::Session;
use vestibule_domain::standing::Standing;
use vestibule_domain::step_up::Requirement;
use vestibule_domain::token::LIFE_MAX;
use vestibule_oauth::token::GrantToken;
use vestibule_ports::clock::Clock as _;
use vestibule_ports::session_store::Slot;

use super::book::{Book, Invariant, Leaf, Revoked, TokenOf};
use super::request::{Shows, Tab};
use super::watch::{judged, site};

/// The published bounds: with events on time, without, and for a node that is cut off from the store.
const BOUND: Duration = Duration::from_millis(250);
const BOUND_BY_LEASE: Duration = Duration::from_millis(1_500);
const BOUND_CUT_OFF: Duration = Duration::from_secs(10);
/// And for one that cannot ask the IDP: so long after its lease on the IDP's feed tokens at hand stand in.
const BOUND_WITHOUT_IDP: Duration = Duration::from_millis(11_500);
/// A log-on was proved at most so long before it rose.
const ON_THE_WAY: Duration = Duration::from_secs(30);
/// For so long after the IDP has failed a node, tokens at hand may stand in for it.
const IDP_ASKED_AGAIN: Duration = Duration::from_millis(1_500);
/// And for so long the node may not follow the feed.
const FEED_FOLLOWED_AGAIN: Duration = Duration::from_secs(5);

/// What the cookies of a request are worth by what is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Expected {
    pub(super) handle: Handle,
    pub(super) standing: Standing,
    pub(super) key: Key,
    /// Whether the IDP has ended its log-on.
    pub(super) is_ended: bool,
}

/// A request before it was served.
pub(super) struct Asked {
    pub(super) browser: usize,
    pub(super) node: usize,
    pub(super) began: Instant,
    pub(super) vst: Option<String>,
    pub(super) held: Vec<Handle>,
    pub(super) expected: Option<Expected>,
    /// Whether another browser than the one it is named after shows its cookies.
    pub(super) is_stolen: bool,
    /// The true time.
    pub(super) wall: Timestamp,
    /// Which step of the node's clock was the last.
    clock_steps: i64,
    /// Members of `basket` that it must see, if it sees the session.
    must_see: Vec<(Handle, String, Instant)>,
    wrote_just_now: bool,
}

/// What its app was told.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) standing: Standing,
    pub(super) session: Option<(Handle, Key)>,
    pub(super) grant: Option<GrantToken>,
    pub(super) user: Option<String>,
    pub(super) claims: Option<String>,
    pub(super) attributes: String,
    pub(super) token: Option<String>,
    pub(super) degraded: bool,
    /// Whether the session is only known by a copy from before the store was lost.
    pub(super) is_stale: bool,
}

impl Book {
    /// Before a request is served.
    pub(super) fn ask(&mut self, tab: &Tab, sent: &Sent) -> Asked {
        let (browser, node) = (tab.browser, tab.node.number);
        let held = Self::held(self.jar(browser, tab.shows));
        if tab.shows == Shows::Stolen {
            for handle in &held {
                self.life(*handle).is_stolen = true;
            }
        }
        let jar = self.jar(browser, tab.shows);
        let leaf = |handle: &Handle, leaf: &Leaf| (*handle, leaf.name.clone(), leaf.acked_at);
        let leaves = held.iter().filter_map(|handle| Some((handle, self.sessions.get(handle)?)));
        let must_see = leaves
            .flat_map(|(handle, life)| life.leaves.iter().map(move |it| (handle, it)))
            .filter(|(_, it)| it.of_log_on.is_none())
            .map(|(handle, it)| leaf(handle, it))
            .collect();
        Asked {
            browser,
            node,
            began: Instant::now(),
            vst: jar.get(Cookie::Vst).map(str::to_owned),
            held,
            expected: self.expected(browser, node, sent),
            is_stolen: tab.shows == Shows::Stolen,
            wall: self.now(),
            clock_steps: self.clocks[node].steps(),
            must_see,
            wrote_just_now: jar.get(Cookie::At).is_some(),
        }
    }

    /// By what is stored now, and by the node's own clock.
    pub(super) fn expected(&self, browser: usize, node: usize, sent: &Sent) -> Option<Expected> {
        let (now, limits) = (self.clocks[node].wall(), Limits::default());
        sent.candidates().find_map(|(cookie, value)| {
            let Slot::Live(stored) = self.truth.slot(value.handle, now) else { return None };
            let session = Session::decode(&stored.record.body).expect("the domain has encoded it");
            let key = session.recognise(&site(browser), cookie, &value.secret, now, &limits)?;
            let view = judged(&session, stored.last_seen, key, now, &limits)?;
            let is_ended = session.log_on().is_some_and(|log_on| self.is_ended(&log_on.grant));
            Some(Expected { handle: value.handle, standing: view.standing(), key, is_ended })
        })
    }

    /// Whether the node's clock has not been set since the request began.
    pub(super) fn is_one_time(&self, asked: &Asked) -> bool {
        asked.clock_steps == self.clocks[asked.node].steps()
    }

    /// After its app was told who asks.
    pub(super) fn told(&mut self, asked: &Asked, told: &Told, expected: Option<&Expected>) {
        // A fall that this very request has found is no fall before its time.
        self.watch();
        self.tell(format_args!("browser {} at node {}: {told:?}", asked.browser, asked.node));
        self.check_visitor(asked, told);
        self.check_token(asked, told);
        self.check_rule(asked, told);
        self.check_limit(asked, told);
        self.check_revoked(asked, told);
        if !(told.degraded && told.session.is_none()) {
            self.check_fall(asked, told.standing, told.session.map(|(handle, _)| handle), expected);
        }
        self.check_saved(asked, told);
    }

    /// The context is of the browser's own session, and a log-on is one that it was given.
    fn check_visitor(&mut self, asked: &Asked, told: &Told) {
        let browser = asked.browser;
        if let Some((handle, _)) = told.session
            && !asked.held.contains(&handle)
        {
            self.accuse(
                Invariant::ContextIsTheVisitors,
                format_args!("browser {browser} was shown {handle}"),
            );
        }
        let others = (0..self.jars.len()).filter(|it| *it != browser);
        if others.into_iter().any(|other| told.attributes.contains(&format!("\"b{other}p"))) {
            let what = format!("browser {browser} was shown {}", told.attributes);
            self.accuse(Invariant::ContextIsTheVisitors, what);
        }
        if let (Some(user), Some(claims)) = (&told.user, &told.claims)
            && !claims.contains(&format!("\"{user}\""))
        {
            self.accuse(Invariant::ContextIsTheVisitors, format_args!("{user} has the claims {claims}"));
        }
        let given = asked.vst.as_ref().and_then(|vst| self.issued.get(vst)).and_then(|it| it.user.as_deref());
        let shown = (told.standing == Standing::LoggedOn).then_some(told.user.as_deref());
        let is_old = told.session.is_some_and(|(_, key)| key.is_old());
        if shown.is_some_and(|shown| given.is_none() || (!is_old && shown != given)) {
            let what = format!("browser {browser} was given {given:?} and is shown as {shown:?}");
            self.accuse(Invariant::NoRiseWithoutCause, what);
        }
    }

    /// The token is about the visitor that is shown beside it, and lives. No node's clock makes it older than it may get;
    /// where its log-on ends sooner, that comes later by as much as a clock is wrong.
    fn check_token(&mut self, asked: &Asked, told: &Told) {
        let Some(token) = &told.token else { return };
        let nobody = || TokenOf::Nobody(site(asked.browser));
        let shown = told.session.map_or_else(nobody, |(handle, _)| TokenOf::Session(handle));
        let is_old = told.session.is_some_and(|(_, key)| key.is_old());
        let known = self.tokens.get(token);
        if known.is_none_or(|it| it.of != shown || (!is_old && it.user != told.user)) {
            let what = format!("a token of {known:?} beside {shown:?} of {:?}", told.user);
            self.accuse(Invariant::ContextIsTheVisitors, what);
        } else if let Some(it) = known
            && (asked.wall >= it.minted_at + LIFE_MAX || asked.wall >= it.expires_at + self.slack())
        {
            let what = format!("{token} was minted at {:?} and ended at {:?}", it.minted_at, it.expires_at);
            self.accuse(Invariant::TokenIsValid, what);
        }
    }

    /// Another browser is never shown a log-on; and when it has been answered, the log-on has fallen.
    fn check_rule(&mut self, asked: &Asked, told: &Told) {
        if !asked.is_stolen {
            return;
        }
        if let Some(user) = &told.user {
            let what = format!("the log-on of {user} is shown to a browser that it did not begin in");
            self.accuse(Invariant::RuleIsKept, what);
        }
        let now = Instant::now();
        if let Some((handle, _)) = told.session
            && let Some((_, told_at)) = &mut self.life(handle).fallen
        {
            told_at.get_or_insert(now);
        }
    }

    /// A log-on is not shown after its longest life, but for as much as a clock is wrong.
    fn check_limit(&mut self, asked: &Asked, told: &Told) {
        let granted = told.grant.as_ref().and_then(|grant| self.grants.get(&grant.digest()));
        let ends_at = granted.map(|granted| granted.auth_time + Limits::default().log_on + self.slack());
        if ends_at.is_some_and(|ends_at| asked.wall >= ends_at) {
            let what =
                format!("browser {} is logged on since {:?}", asked.browser, granted.map(|it| it.auth_time));
            self.accuse(Invariant::LimitIsKept, what);
        }
    }

    /// What an app demands its visitor has, or he is asked for it; and nobody is asked who has it.
    pub(super) fn check_demand(&mut self, told: &Told, demand: &Requirement, instead: Option<u16>) {
        let (now, slack) = (self.now(), self.slack());
        let granted = told.grant.as_ref().and_then(|grant| self.grants.get(&grant.digest()));
        let age = granted.map(|granted| now.since(granted.auth_time));
        let is_old_key = told.session.is_some_and(|(_, key)| key.is_old());
        let holds = match instead {
            _ if told.is_stale => instead == Some(503),
            None => match demand.max_age {
                _ if is_old_key => demand.max_age.is_none() && told.standing == Standing::LoggedOn,
                Some(max) => age.is_some_and(|age| age <= max + slack),
                None => age.is_some(),
            },
            // Of a log-on that was asked for, and only just.
            Some(403) => age.is_some_and(|age| age <= Limits::default().step_up_again + slack + ON_THE_WAY),
            Some(_) => demand.max_age.map_or(age.is_none(), |max| age.is_none_or(|age| age + slack > max)),
        };
        if !holds {
            let what = format!("{demand:?} of {told:?}, proved {age:?} ago, is answered by {instead:?}");
            self.accuse(Invariant::DemandIsHeeded, what);
        }
    }

    /// What was revoked before the request began, and long enough, is not live.
    fn check_revoked(&mut self, asked: &Asked, told: &Told) {
        let Some((handle, _)) = told.session else { return };
        let links = &self.links[asked.node];
        let by_events = |since| match (told.degraded, links.events.was_on_time_since(since)) {
            (_, true) => BOUND,
            (false, false) => BOUND_BY_LEASE,
            (true, false) => BOUND_CUT_OFF,
        };
        let acked = self.sessions.get(&handle).and_then(|life| life.log_out_acked);
        if let Some(at) = acked.filter(|at| asked.began > *at + by_events(*at)) {
            let late = asked.began - at;
            self.accuse(Invariant::RevokedIsNotLive, format_args!("{handle} {late:?} after its log-out"));
            return;
        }
        let fallen = self.sessions.get(&handle).and_then(|life| life.fallen);
        if let (Some((fallen, Some(at))), Some(grant)) = (fallen, &told.grant)
            && grant.digest() == fallen
            && asked.began > at + by_events(at)
        {
            let late = asked.began - at;
            self.accuse(
                Invariant::RevokedIsNotLive,
                format_args!("{handle} {late:?} after its fall by a rule"),
            );
            return;
        }
        let Some(granted) = told.grant.as_ref().and_then(|grant| self.grants.get(&grant.digest())) else {
            return;
        };
        let failed = links.idp_failed_at();
        let by_feed = |since: Instant| {
            let follows = failed + FEED_FOLLOWED_AGAIN < since && links.ends.was_on_time_since(since);
            if follows { BOUND } else { BOUND_BY_LEASE }
        };
        // While the IDP cannot be asked a token at hand is used for a moment; without one the standing stays, by decision 18.
        let is_asked = failed + IDP_ASKED_AGAIN < asked.began;
        let bound = |since| if is_asked { by_feed(since) } else { BOUND_WITHOUT_IDP };
        let late = |it: &&Revoked| {
            let of_it = granted.is_of(&it.end) && it.done_at > granted.at;
            of_it && (is_asked || told.token.is_some()) && asked.began > it.acked_at + bound(it.acked_at)
        };
        if let Some(revoked) = self.revokes.iter().find(late) {
            let what = format!("{handle} {:?} after {:?}", asked.began - revoked.acked_at, revoked.end);
            self.accuse(Invariant::RevokedIsNotLive, what);
        }
    }

    /// A standing below what is stored, before the request and after it, has a cause.
    pub(super) fn check_fall(
        &mut self,
        asked: &Asked,
        shown: Standing,
        session: Option<Handle>,
        expected: Option<&Expected>,
    ) {
        let (Some(before), Some(after)) = (&asked.expected, expected) else { return };
        let same = (before.handle, before.standing, before.key) == (after.handle, after.standing, after.key);
        // If the clock has been set meanwhile, each of them was judged by another.
        if !same || !self.is_one_time(asked) || before.key.is_old() || after.is_ended {
            return;
        }
        if shown < before.standing || session.is_some_and(|session| session != before.handle) {
            let what = format!("browser {} has {before:?} and is shown {shown:?}", asked.browser);
            self.accuse(Invariant::NoFallWithoutCause, what);
        }
    }

    /// What this browser wrote is shown, at once while it says who wrote, and else within the bound.
    fn check_saved(&mut self, asked: &Asked, told: &Told) {
        let Some((handle, key)) = told.session.filter(|(_, key)| !key.is_old()) else { return };
        if told.degraded {
            return;
        }
        let links = &self.links[asked.node];
        let is_due = |at: Instant| {
            let bound = if links.events.was_on_time_since(at) { BOUND } else { BOUND_BY_LEASE };
            asked.wrote_just_now || asked.began > at + bound
        };
        let missing = asked.must_see.iter().find(|(of, name, at)| {
            *of == handle && is_due(*at) && !told.attributes.contains(&format!("\"{name}\""))
        });
        if let Some((_, name, _)) = missing {
            let what = format!("browser {} does not see {name} by {key:?}", asked.browser);
            self.accuse(Invariant::ShownIsSaved, what);
        }
    }
}
