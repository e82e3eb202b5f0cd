//! The book of a storm: what was asked for, what was acknowledged, what the IDP has done, and what browsers hold.
//! `watch` and `shown` compare it with what is stored and what is shown.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use vestibule_domain::cookie::{Cookie, SessionValue};
use vestibule_domain::identity::{GrantDigest, Handle, SignOnId, SiteId, Timestamp};
use vestibule_domain::session::Session;
use vestibule_oauth::token::GrantToken;
use vestibule_ports::clock::Clock as _;
use vestibule_ports::entropy::{SeededEntropy, random};
use vestibule_ports::issuer::{Cause, End, LogOn, Mint, Minted};
use vestibule_ports::session_store::Version;

use super::clock::{NodeClock, StormClock};
use super::jar::{self, Jar};
use super::links::{Link, Links};
use super::request::Shows;
use super::step::{BROWSERS, NODES, Step};
use super::store::{Planted, Truth};

/// Half the life of a JPT: until then nobody asks for another.
const ANONYMOUS_MIN: Duration = Duration::from_mins(5);

/// What must hold after each step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Invariant {
    RevokedIsNotLive,
    PatchIsKept,
    ShownIsSaved,
    NoRiseWithoutCause,
    NoFallWithoutCause,
    CookiesFollowCommits,
    NothingResurrects,
    ContextIsTheVisitors,
    AnonymousTouchesNothing,
    LogOutIsTrue,
    RuleIsKept,
    DemandIsHeeded,
    LimitIsKept,
    TokenIsValid,
    AllIsWellAfterHealing,
    NobodyPanics,
}

/// One that does not, and how.
#[derive(Clone, Debug)]
pub(super) struct Violation {
    pub(super) invariant: Invariant,
    pub(super) what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.invariant, self.what)
    }
}

/// A session cookie as it was issued.
pub(super) struct Issued {
    pub(super) handle: Handle,
    pub(super) user: Option<String>,
    pub(super) wall: Timestamp,
}

/// An acknowledged patch: one member of an object, named by nobody else.
pub(super) struct Leaf {
    pub(super) name: String,
    pub(super) number: u64,
    pub(super) asked_at: Instant,
    pub(super) acked_at: Instant,
    /// When the log-on rose that it goes with.
    pub(super) of_log_on: Option<Timestamp>,
}

/// What is known of one session.
#[derive(Default)]
pub(super) struct Life {
    pub(super) leaves: Vec<Leaf>,
    pub(super) newest: Option<Session>,
    pub(super) expires_at: Timestamp,
    /// Which version has been compared, with how many patches.
    pub(super) watched: (Version, usize),
    pub(super) has_ended: bool,
    pub(super) has_fallen: bool,
    pub(super) log_out_asked: bool,
    pub(super) log_out_acked: Option<Instant>,
    /// Which users have ever tried to log on in it.
    pub(super) users_tried: Vec<String>,
    pub(super) slid_at: Option<Timestamp>,
    /// Whether another browser has shown its cookies, so that its log-on may fall by a rule.
    pub(super) is_stolen: bool,
    /// The grant of a log-on that has fallen by a rule, and when somebody was told so.
    pub(super) fallen: Option<([u8; 32], Option<Instant>)>,
}

/// A log-on that the IDP has granted.
pub(super) struct Granted {
    pub(super) user: String,
    pub(super) sign_on: SignOnId,
    pub(super) grant: GrantDigest,
    pub(super) at: Instant,
    /// When the credentials were given.
    pub(super) auth_time: Timestamp,
}

/// An end that the IDP has carried out.
pub(super) struct Done {
    pub(super) end: End,
    pub(super) cause: Cause,
    pub(super) at: Instant,
    pub(super) wall: Timestamp,
}

/// An end that somebody was told of.
pub(super) struct Revoked {
    pub(super) end: End,
    pub(super) done_at: Instant,
    pub(super) acked_at: Instant,
}

/// A JPT.
#[derive(Debug)]
pub(super) struct Token {
    pub(super) of: TokenOf,
    pub(super) user: Option<String>,
    /// By the IDP's clock, which is right.
    pub(super) minted_at: Timestamp,
    pub(super) expires_at: Timestamp,
}

/// Whom a JPT is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TokenOf {
    Nobody(SiteId),
    Session(Handle),
}

impl TokenOf {
    pub(super) fn of(mint: &Mint) -> Self {
        match mint {
            Mint::Anonymous { site } => Self::Nobody(site.clone()),
            Mint::Returning { sid, .. } | Mint::LoggedOn { sid, .. } => Self::Session(*sid),
        }
    }
}

/// See the head of this file.
pub(super) struct Book {
    pub(super) clock: Arc<StormClock>,
    pub(super) clocks: Vec<Arc<NodeClock>>,
    pub(super) truth: Arc<Truth>,
    pub(super) links: Vec<Arc<Links>>,
    pub(super) jars: Vec<Jar>,
    /// Each browser's jar as it was when session cookies were last set.
    pub(super) copied: Vec<Jar>,
    pub(super) issued: BTreeMap<String, Issued>,
    pub(super) sessions: BTreeMap<Handle, Life>,
    pub(super) grants: BTreeMap<[u8; 32], Granted>,
    /// What the IDP has ended.
    pub(super) ends: Vec<Done>,
    /// What it has acknowledged to have ended to whoever asked for it.
    pub(super) revokes: Vec<Revoked>,
    /// Whether a node may have missed what the feed told.
    pub(super) feed_was_disturbed: bool,
    /// Sign-on sessions whose log-on has fallen by a rule: the IDP has to hear of each.
    pub(super) falls: Vec<SignOnId>,
    /// Sessions that were logged out, with the IDP not having confirmed it yet.
    pub(super) unconfirmed: Vec<Handle>,
    pub(super) tokens: BTreeMap<String, Token>,
    pub(super) sign_ons: BTreeMap<(usize, u8), (SignOnId, Instant)>,
    /// When a node got the token that all anonymous visitors of a site share.
    anonymous_at: BTreeMap<(usize, SiteId), Timestamp>,
    entropy: SeededEntropy,
    patches: u64,
    log: Vec<String>,
    violation: Option<Violation>,
}

impl Book {
    pub(super) fn new(seed: u64, clock: Arc<StormClock>, truth: Arc<Truth>, links: Vec<Arc<Links>>) -> Self {
        let is_one = truth.planted == Planted::OneClock;
        let clocks = (0..NODES).map(|_| Arc::new(NodeClock::new(&clock, is_one))).collect();
        Self {
            clock,
            clocks,
            truth,
            links,
            jars: vec![Jar::default(); usize::from(BROWSERS)],
            copied: vec![Jar::default(); usize::from(BROWSERS)],
            issued: BTreeMap::new(),
            sessions: BTreeMap::new(),
            grants: BTreeMap::new(),
            ends: Vec::new(),
            revokes: Vec::new(),
            feed_was_disturbed: false,
            falls: Vec::new(),
            unconfirmed: Vec::new(),
            tokens: BTreeMap::new(),
            sign_ons: BTreeMap::new(),
            anonymous_at: BTreeMap::new(),
            entropy: SeededEntropy::new(seed),
            patches: 0,
            log: Vec::new(),
            violation: None,
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.wall()
    }

    /// How far what a node has written down may be from the time by which another judges it.
    pub(super) fn slack(&self) -> Duration {
        self.clock.slack()
    }

    pub(super) fn random<const N: usize>(&self) -> [u8; N] {
        random(&self.entropy)
    }

    /// Numbers the patches of a storm.
    pub(super) fn next_number(&mut self) -> u64 {
        self.patches += 1;
        self.patches
    }

    /// Whether a node reaches the store.
    pub(super) fn can_save(&self, node: usize) -> bool {
        *self.links[node].store.lock().unwrap() == Link::Up
    }

    /// A step begins.
    pub(super) fn begin(&mut self, step: Step) {
        self.tell(step);
        self.feed_was_disturbed |= matches!(step, Step::Idp { .. } | Step::Ends { .. } | Step::Crash { .. });
    }

    /// Writes a line. Two plays of one history write the same.
    pub(super) fn tell(&mut self, what: impl fmt::Display) {
        let line = format!("{} {what}", self.now().as_millis());
        self.log.push(line);
    }

    /// The first violation is the one that counts.
    pub(super) fn accuse(&mut self, invariant: Invariant, what: impl fmt::Display) {
        self.tell(format_args!("{invariant:?}: {what}"));
        self.violation.get_or_insert_with(|| Violation { invariant, what: what.to_string() });
    }

    pub(super) fn violation(&self) -> Option<&Violation> {
        self.violation.as_ref()
    }

    pub(super) fn take_parts(&mut self) -> (Vec<String>, Option<Violation>) {
        (std::mem::take(&mut self.log), self.violation.take())
    }

    pub(super) fn life(&mut self, handle: Handle) -> &mut Life {
        self.sessions.entry(handle).or_default()
    }

    /// The cookies that a request comes with.
    pub(super) fn jar(&self, browser: usize, shows: Shows) -> &Jar {
        if shows == Shows::Own { &self.jars[browser] } else { &self.copied[browser] }
    }

    /// The handles of the cookies in a jar.
    pub(super) fn held(jar: &Jar) -> Vec<Handle> {
        let value = |cookie| SessionValue::parse(jar.get(cookie)?.as_bytes());
        [Cookie::Vst, Cookie::Keep].into_iter().filter_map(value).map(|value| value.handle).collect()
    }

    pub(super) fn granted(&mut self, log_on: &LogOn) {
        let (user, sign_on) = (log_on.sub.as_str().to_owned(), log_on.sign_on.clone());
        let (grant, at) = (GrantDigest::of(&log_on.grant), Instant::now());
        let granted = Granted { user, sign_on, grant, at, auth_time: log_on.auth_time };
        self.grants.insert(log_on.grant.digest(), granted);
    }

    pub(super) fn ended(&mut self, end: End, cause: Cause) {
        // Told again by the same log-out, the end of a user ends nothing more.
        let is_again =
            matches!(end, End::User { by: Some(_), .. }) && self.ends.iter().any(|it| it.end == end);
        if is_again {
            return;
        }
        self.tell(format_args!("the IDP has ended {end:?}: {cause:?}"));
        let (at, wall) = (Instant::now(), self.now());
        self.ends.push(Done { end, cause, at, wall });
    }

    /// The log-on that goes when a user has too many: the oldest that lives.
    pub(super) fn oldest_of(&self, user: &str) -> Option<End> {
        let lives = |granted: &&Granted| {
            granted.user == user && !self.ends.iter().any(|done| granted.is_ended_by(done))
        };
        let oldest = self.grants.values().filter(lives).min_by_key(|granted| granted.at)?;
        Some(End::Grant(oldest.grant))
    }

    /// Whoever asked for an end is told that it is done.
    pub(super) fn acknowledge(&mut self, is_it: impl Fn(&End) -> bool) -> bool {
        let Some(done) = self.ends.iter().rev().find(|done| is_it(&done.end)) else { return false };
        let (end, done_at, acked_at) = (done.end.clone(), done.at, Instant::now());
        self.revokes.push(Revoked { end, done_at, acked_at });
        true
    }

    /// A page of a visitor without cookies needs no mint while the shared token is young and its signing key in no doubt.
    /// By a clock that is wrong it is older, or ends earlier.
    pub(super) fn anonymous_asked(&mut self, node: usize, site: &SiteId) {
        let (now, slack) = (self.now(), self.slack());
        let newest = self.anonymous_at.get(&(node, site.clone()));
        if newest.is_some_and(|at| now.since(*at) + slack < ANONYMOUS_MIN) {
            self.accuse(Invariant::AnonymousTouchesNothing, "the shared token was asked for again");
        }
    }

    pub(super) fn minted(&mut self, node: usize, minted: &Minted, of: TokenOf) {
        let now = self.now();
        if let TokenOf::Nobody(site) = &of {
            self.anonymous_at.insert((node, site.clone()), now);
        }
        let user = minted.user.as_ref().map(|(user, _)| user.as_str().to_owned());
        let token = Token { of, user, minted_at: now, expires_at: minted.expires_at };
        self.tokens.insert(minted.jpt.expose().to_owned(), token);
    }

    /// All faults end.
    pub(super) fn heal(&mut self) {
        self.tell("all is healed");
        self.clocks.iter().for_each(|clock| clock.set(0));
    }

    /// The IDP has heard by now of every end that it could not be told.
    pub(super) fn must_be_paid(&mut self) {
        for handle in std::mem::take(&mut self.unconfirmed) {
            self.acknowledge_log_out(handle);
        }
        for sign_on in std::mem::take(&mut self.falls) {
            if !self.ends.iter().any(|done| done.end == End::SignOn(sign_on.clone())) {
                let what = format!("the IDP has never heard of a fall of {sign_on:?}");
                self.accuse(Invariant::AllIsWellAfterHealing, what);
            }
        }
    }

    /// The node begins with nothing in memory.
    pub(super) fn forget(&mut self, node: usize) {
        self.anonymous_at.retain(|(of, _), _| *of != node);
        let now = self.now();
        self.truth.lose_touches_until(now);
    }

    /// Whether the IDP has ended this grant.
    pub(super) fn is_ended(&self, grant: &GrantToken) -> bool {
        let Some(granted) = self.grants.get(&grant.digest()) else { return false };
        self.ends.iter().any(|done| granted.is_ended_by(done))
    }

    /// A browser gets `Set-Cookie` lines from an answer that may set session cookies, or clear them.
    pub(super) fn answer(&mut self, browser: usize, lines: &[String], may: &MaySet) {
        for line in lines {
            let (name, value) = jar::value_of(line);
            let is_session = [Cookie::Vst.name(), Cookie::Keep.name()].contains(&name);
            let set = SessionValue::parse(value.as_bytes());
            match (set, may) {
                _ if !is_session => {}
                (Some(set), MaySet::New(user)) => {
                    let user = user.clone().filter(|_| name == Cookie::Vst.name());
                    let wall = self.now();
                    self.life(set.handle).has_fallen = false;
                    self.issued.insert(value.to_owned(), Issued { handle: set.handle, user, wall });
                    self.must_be_saved(set.handle);
                }
                (None, MaySet::Cleared) => {}
                _ => self.accuse(Invariant::CookiesFollowCommits, format_args!("browser {browser}: {line}")),
            }
            self.jars[browser].heed(line);
        }
        if matches!(may, MaySet::New(_)) && self.jars[browser].get(Cookie::Vst).is_some() {
            self.copied[browser] = self.jars[browser].clone();
        }
    }
}

impl Granted {
    /// A grant of a sign-on session that has ended before is dead from its birth.
    pub(super) fn is_ended_by(&self, done: &Done) -> bool {
        self.is_of(&done.end) && (done.at >= self.at || matches!(done.end, End::SignOn(_)))
    }

    /// Whether this end is one of this log-on.
    pub(super) fn is_of(&self, end: &End) -> bool {
        match end {
            End::SignOn(sign_on) => *sign_on == self.sign_on,
            End::User { id: user, .. } => user.as_str() == self.user,
            End::Grant(grant) => *grant == self.grant,
            End::Session { .. } => false,
        }
    }
}

/// What an answer may do to the session cookies.
pub(super) enum MaySet {
    Nothing,
    /// New ones; those of a log-on are of this user.
    New(Option<String>),
    Cleared,
}
