//! Open: from the cookies to the session, and its judgement. A cookie that cannot be resolved is unknown, which is not
//! anonymous; a cached copy may grant and never deny.

use std::sync::Arc;
use std::time::Duration;

use vestibule_domain::cookie::SessionValue;
use vestibule_domain::grace::{self, SessionMoved};
use vestibule_domain::identity::{Handle, Timestamp};
use vestibule_domain::judge::{Reading, Source, Verdict, View, judge};
use vestibule_domain::key::{Key, SessionCookie};
use vestibule_domain::limits::Limits;
use vestibule_domain::mint::Fate;
use vestibule_domain::outage::{self, Unavailable};
use vestibule_domain::rule::Rules;
use vestibule_domain::standing::Standing;
use vestibule_ports::session_store::StoreError;
use vestibule_sessions::{CommitError, Deadline, Found, Known};

use crate::site::{App, Site};
use crate::visit::Visit;
use crate::{Proxy, Visitors};

/// A session that lives, and the key that opened it.
pub(crate) struct Visitor {
    pub(crate) known: Arc<Known<()>>,
    pub(crate) key: Key,
    /// The cookie that it was found by.
    cookie: SessionCookie,
    reading: Reading,
}

impl Visitor {
    pub(crate) fn handle(&self) -> Handle {
        self.known.handle
    }

    /// What this request may see. Judging is pure, so a session that was found to live when it was opened still does.
    pub(crate) fn view(&self, now: Timestamp, limits: &Limits) -> Option<View<'_>> {
        match judge(&self.known.session, self.key, self.reading, now, limits) {
            Verdict::Lives(view) => Some(view),
            Verdict::Over(_) | Verdict::ReadAgain => None,
        }
    }
}

/// What became of the session cookies.
pub(crate) struct Opened {
    pub(crate) visitor: Option<Visitor>,
    pub(crate) vst: Fate,
    pub(crate) keep: Fate,
    /// Something about the visitor is not known, or only by an old copy: nothing is patched, no cookie set.
    pub(crate) degraded: bool,
    /// Why a cookie could not be resolved, for the log.
    pub(crate) unknown: Option<String>,
    /// Why what is stored of a cookie's session cannot be read, for the log. It is over: an error of the row, not of the
    /// store.
    pub(crate) unreadable: Option<String>,
}

impl Opened {
    pub(crate) const NOBODY: Self = Self {
        visitor: None,
        vst: Fate::NotSent,
        keep: Fate::NotSent,
        degraded: false,
        unknown: None,
        unreadable: None,
    };

    /// This visitor's session has ended.
    pub(crate) fn set_gone(&mut self, visitor: &Visitor) {
        self.visitor = None;
        self.set(visitor.cookie, Fate::Gone);
    }

    fn set(&mut self, cookie: SessionCookie, fate: Fate) {
        match cookie {
            SessionCookie::Vst => self.vst = fate,
            SessionCookie::Keep => self.keep = fate,
        }
    }
}

/// It cannot be found out whose request it is, or a fall cannot be saved. The store's own words, for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unknown(pub(crate) String);

impl From<StoreError> for Unknown {
    fn from(why: StoreError) -> Self {
        Self(why.to_string())
    }
}

impl From<CommitError> for Unknown {
    fn from(why: CommitError) -> Self {
        Self(why.to_string())
    }
}

/// Why a request cannot be served now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NotOpened {
    Unknown(Unknown),
    /// The app might change the context of the visitor who is known from before the store was lost.
    Unsaved(Handle, Standing),
    /// There is no JPT, and the app cannot do without.
    NoToken,
    Moved,
}

impl From<Unknown> for NotOpened {
    fn from(why: Unknown) -> Self {
        Self::Unknown(why)
    }
}

impl From<SessionMoved> for NotOpened {
    fn from(_: SessionMoved) -> Self {
        Self::Moved
    }
}

/// Knows a request's visitor again, and holds a log-on to the rules (`fall`).
#[derive(Clone, Copy)]
pub(crate) struct Porter<'a> {
    pub(crate) visitors: &'a Visitors,
    pub(crate) site: &'a Site,
    pub(crate) visit: &'a Visit<'a>,
    pub(crate) limits: &'a Limits,
    pub(crate) rules: Rules,
}

impl<'a> Porter<'a> {
    pub(crate) fn new(
        proxy: &'a Proxy,
        visitors: &'a Visitors,
        site: &'a Site,
        visit: &'a Visit<'a>,
    ) -> Self {
        Self { visitors, site, visit, limits: &proxy.live.limits, rules: proxy.live.rules }
    }

    /// Finds the visitor of a request that is going to an app. `through` passes the cache by: after a change that this
    /// request has caused, or another one just now.
    pub(crate) async fn open(&self, app: &App, through: bool) -> Result<Opened, NotOpened> {
        let Self { visitors, visit, .. } = *self;
        let (mut opened, deadline) = (fates(visit), visitors.sessions.deadline());
        for (cookie, value) in visit.jar.candidates() {
            match self.find((cookie, value), through, deadline).await {
                Looked::Dead(fate) => opened.set(cookie, fate),
                Looked::Lives(visitor) => {
                    grace::check(visitor.key, visit.fetch.method)?;
                    opened.visitor = Some(visitor);
                    break;
                }
                Looked::Stale(visitor, since_lease) => {
                    self.check_stale(&visitor, since_lease, app)?;
                    grace::check(visitor.key, visit.fetch.method)?;
                    opened.visitor = Some(visitor);
                    opened.degraded = true;
                    break;
                }
                Looked::Unreadable(damaged) => {
                    opened.set(cookie, Fate::Gone);
                    opened.unreadable = Some(damaged.why);
                }
                Looked::Unknown(why) => {
                    if outage::unresolved(app.when_unknown).is_err() {
                        return Err(why.into());
                    }
                    opened.set(cookie, Fate::Unknown);
                    opened.degraded = true;
                    opened.unknown = Some(why.0);
                    break;
                }
            }
        }
        Ok(opened)
    }

    /// Whether a copy from before the store was lost does for this request.
    fn check_stale(&self, visitor: &Visitor, since_lease: Duration, app: &App) -> Result<(), NotOpened> {
        let unfresh_max = self.visitors.sessions.unfresh_max();
        outage::unfresh(since_lease, unfresh_max, self.visit.fetch.method, app.writes()).map_err(|why| {
            match why {
                Unavailable::Unknown => Unknown(COPY_TOO_OLD.to_owned()).into(),
                Unavailable::Unsaved => {
                    let view = visitor.view(self.visit.now, self.limits);
                    let standing = view.map_or(Standing::Anonymous, |view| view.standing());
                    NotOpened::Unsaved(visitor.handle(), standing)
                }
            }
        })
    }

    /// Finds the visitor from the store itself, for a call of ours.
    pub(crate) async fn open_fresh(&self, deadline: Deadline) -> Result<Option<Visitor>, Unknown> {
        self.open_to_end(deadline).await.map(|(visitor, _)| visitor)
    }

    /// The same for a log-out, which is also told of what is damaged: nobody knows which log-on that was, so a log-out
    /// that finds nothing else is not done everywhere.
    pub(crate) async fn open_to_end(
        &self,
        deadline: Deadline,
    ) -> Result<(Option<Visitor>, Option<Damaged>), Unknown> {
        let mut damaged = None;
        for candidate in self.visit.jar.candidates() {
            match self.find(candidate, true, deadline).await {
                Looked::Dead(_) => {}
                Looked::Unreadable(found) => damaged = Some(found),
                Looked::Lives(visitor) => return Ok((Some(visitor), damaged)),
                Looked::Stale(..) => return Err(Unknown(COPY_CANNOT_CHANGE.to_owned())),
                Looked::Unknown(why) => return Err(why),
            }
        }
        Ok((None, damaged))
    }

    /// Looks one cookie up; `through` passes the cache by.
    async fn find(&self, shown: Shown<'_>, through: bool, deadline: Deadline) -> Looked {
        let (Self { visitors, site, limits, .. }, (cookie, value)) = (*self, shown);
        let (sessions, now) = (&visitors.sessions, self.visit.now);
        let mut fresh = through;
        loop {
            let cached = if fresh { None } else { sessions.cached(value.handle, visitors.clock.mono(), now) };
            let found = match cached {
                Some(known) => Ok(Found::Live(known, sessions.source_of_hits())),
                None if fresh => sessions.get_fresh_by(value.handle, deadline).await,
                None => sessions.get_by(value.handle, deadline).await,
            };
            let (known, source) = match found {
                Err(StoreError::Corrupt(why)) => {
                    let is_ended = sessions.end_unreadable(value.handle, deadline).await.is_ok();
                    return Looked::Unreadable(Damaged { why, is_ended });
                }
                Err(why) => return Looked::Unknown(why.into()),
                Ok(Found::Gone) => return Looked::Dead(Fate::Gone),
                Ok(Found::Stale { known, since_lease }) => return self.stale(known, since_lease, shown),
                Ok(Found::Live(known, source)) => (known, source),
            };
            let key = known.session.recognise(&site.id, cookie, &value.secret, now, limits);
            let reading = Reading { last_seen: known.last_seen(), source };
            match key.map(|key| (key, judge(&known.session, key, reading, now, limits))) {
                Some((key, Verdict::Lives(_))) => {
                    return Looked::Lives(Visitor { known, key, cookie, reading });
                }
                Some((_, Verdict::Over(_))) => return Looked::Dead(Fate::Gone),
                None if fresh => {
                    let is_of_site = *known.session.site() == site.id;
                    return Looked::Dead(if is_of_site { Fate::WrongSecret } else { Fate::Gone });
                }
                Some((_, Verdict::ReadAgain)) if fresh => {
                    return Looked::Unknown(Unknown("what the store said does not settle it".to_owned()));
                }
                Some((_, Verdict::ReadAgain)) | None => fresh = true,
            }
        }
    }

    fn stale(&self, known: Arc<Known<()>>, since_lease: Duration, (cookie, value): Shown<'_>) -> Looked {
        let (now, limits) = (self.visit.now, self.limits);
        let reading = Reading { last_seen: known.last_seen(), source: Source::Copy };
        let key = known.session.recognise(&self.site.id, cookie, &value.secret, now, limits);
        match key.map(|key| (key, judge(&known.session, key, reading, now, limits))) {
            Some((key, Verdict::Lives(_))) => {
                Looked::Stale(Visitor { known, key, cookie, reading }, since_lease)
            }
            None | Some((_, Verdict::Over(_) | Verdict::ReadAgain)) => {
                Looked::Unknown(Unknown(COPY_CANNOT_TELL.to_owned()))
            }
        }
    }
}

/// A session cookie, and what it says.
type Shown<'v> = (SessionCookie, &'v SessionValue);

fn fates(visit: &Visit<'_>) -> Opened {
    let fate = |cookie| visit.jar.fate(cookie).unwrap_or(Fate::NotSent);
    Opened { vst: fate(SessionCookie::Vst), keep: fate(SessionCookie::Keep), ..Opened::NOBODY }
}

/// What is stored of a session is damaged, for good.
pub(crate) struct Damaged {
    /// For the log.
    pub(crate) why: String,
    /// Whether the store has it as ended now. If not, it opens to nobody all the same.
    pub(crate) is_ended: bool,
}

enum Looked {
    Lives(Visitor),
    /// By a copy from before the store was lost, this long after the copy could be believed.
    Stale(Visitor, Duration),
    Dead(Fate),
    Unreadable(Damaged),
    /// Nobody can tell.
    Unknown(Unknown),
}

/// Why a copy does not do any more.
const COPY_TOO_OLD: &str = "the store cannot be asked, and the copy at hand is too old";

/// Why a copy does for a page and not for this.
pub(crate) const COPY_CANNOT_CHANGE: &str = "the store cannot be asked, and a copy is not changed";

/// Why there is no answer although there is a copy.
const COPY_CANNOT_TELL: &str = "the store cannot be asked, and the copy at hand cannot tell";
