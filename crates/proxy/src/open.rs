//! Open: from the cookies to the session, and its judgement. A cookie that cannot be resolved is unknown, which is not
//! anonymous; a cached copy may grant and never deny.

use std::sync::Arc;

use vestibule_domain::cookie::SessionValue;
use vestibule_domain::grace::{self, SessionMoved};
use vestibule_domain::identity::{Handle, Timestamp};
use vestibule_domain::judge::{Reading, Source, Verdict, View, judge};
use vestibule_domain::key::{Key, SessionCookie};
use vestibule_domain::limits::Limits;
use vestibule_domain::mint::Fate;
use vestibule_domain::outage::{self, Unavailable};
use vestibule_domain::standing::Standing;
use vestibule_ports::session_store::StoreError;
use vestibule_sessions::{Deadline, Found, Known};

use crate::Visitors;
use crate::site::{App, Site};
use crate::visit::Visit;

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

/// Why a request cannot be served now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NotOpened {
    /// The store's own words go to the log.
    Unavailable(Unavailable, Option<String>),
    /// The app might change the context of the visitor who is known from before the store was lost.
    Unsaved(Handle, Standing),
    Moved,
}

impl From<Unavailable> for NotOpened {
    fn from(why: Unavailable) -> Self {
        Self::Unavailable(why, None)
    }
}

impl From<SessionMoved> for NotOpened {
    fn from(_: SessionMoved) -> Self {
        Self::Moved
    }
}

/// Finds the visitor of a request that is going to an app.
pub(crate) async fn open(
    visitors: &Visitors,
    site: &Site,
    visit: &Visit<'_>,
    app: &App,
    limits: &Limits,
) -> Result<Opened, NotOpened> {
    let through = visit.jar.must_read_through(visitors.node);
    open_by(visitors, site, visit, app, limits, through).await
}

/// The same from the store itself, after a change that this request has caused.
pub(crate) async fn open_again(
    visitors: &Visitors,
    site: &Site,
    visit: &Visit<'_>,
    app: &App,
    limits: &Limits,
) -> Result<Opened, NotOpened> {
    open_by(visitors, site, visit, app, limits, true).await
}

async fn open_by(
    visitors: &Visitors,
    site: &Site,
    visit: &Visit<'_>,
    app: &App,
    limits: &Limits,
    through: bool,
) -> Result<Opened, NotOpened> {
    let (mut opened, deadline) = (fates(visit), visitors.sessions.deadline());
    for (cookie, value) in visit.jar.candidates() {
        match find(visitors, site, visit.now, (cookie, value), limits, through, deadline).await {
            Looked::Dead(fate) => opened.set(cookie, fate),
            Looked::Lives(visitor) => {
                grace::check(visitor.key, visit.fetch.method)?;
                opened.visitor = Some(visitor);
                break;
            }
            Looked::Stale(visitor, since_lease) => {
                let unfresh_max = visitors.sessions.unfresh_max();
                outage::unfresh(since_lease, unfresh_max, visit.fetch.method, app.writes()).map_err(
                    |why| match why {
                        Unavailable::Unknown => NotOpened::Unavailable(why, Some(COPY_TOO_OLD.to_owned())),
                        Unavailable::Unsaved => unsaved(&visitor, visit.now, limits),
                    },
                )?;
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
                if let Err(refused) = outage::unresolved(app.when_unknown) {
                    return Err(NotOpened::Unavailable(refused, Some(why)));
                }
                opened.set(cookie, Fate::Unknown);
                opened.degraded = true;
                opened.unknown = Some(why);
                break;
            }
        }
    }
    Ok(opened)
}

/// Finds the visitor from the store itself, for a call that changes the session. `Err` when it cannot be read.
pub(crate) async fn open_fresh(
    visitors: &Visitors,
    site: &Site,
    visit: &Visit<'_>,
    limits: &Limits,
) -> Result<Option<Visitor>, Unavailable> {
    open_fresh_by(visitors, site, visit, limits, visitors.sessions.deadline()).await
}

/// The same under a deadline that has begun.
pub(crate) async fn open_fresh_by(
    visitors: &Visitors,
    site: &Site,
    visit: &Visit<'_>,
    limits: &Limits,
    deadline: Deadline,
) -> Result<Option<Visitor>, Unavailable> {
    open_to_end(visitors, site, visit, limits, deadline).await.map(|(visitor, _)| visitor)
}

/// The same for a log-out, which is also told of what is damaged: nobody knows which log-on that was, so a log-out that
/// finds nothing else is not done everywhere.
pub(crate) async fn open_to_end(
    visitors: &Visitors,
    site: &Site,
    visit: &Visit<'_>,
    limits: &Limits,
    deadline: Deadline,
) -> Result<(Option<Visitor>, Option<Damaged>), Unavailable> {
    let mut damaged = None;
    for candidate in visit.jar.candidates() {
        match find(visitors, site, visit.now, candidate, limits, true, deadline).await {
            Looked::Dead(_) => {}
            Looked::Unreadable(found) => damaged = Some(found),
            Looked::Lives(visitor) => return Ok((Some(visitor), damaged)),
            Looked::Stale(..) | Looked::Unknown(_) => return Err(Unavailable::Unknown),
        }
    }
    Ok((None, damaged))
}

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
    Stale(Visitor, std::time::Duration),
    Dead(Fate),
    Unreadable(Damaged),
    /// Nobody can tell; why, for the log.
    Unknown(String),
}

/// Looks one cookie up; `through` passes the cache by.
async fn find(
    visitors: &Visitors,
    site: &Site,
    now: Timestamp,
    (cookie, value): (SessionCookie, &SessionValue),
    limits: &Limits,
    through: bool,
    deadline: Deadline,
) -> Looked {
    let sessions = &visitors.sessions;
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
            Err(why) => return Looked::Unknown(why.to_string()),
            Ok(Found::Gone) => return Looked::Dead(Fate::Gone),
            Ok(Found::Stale { known, since_lease }) => {
                return stale(known, since_lease, site, now, cookie, value, limits);
            }
            Ok(Found::Live(known, source)) => (known, source),
        };
        let key = known.session.recognise(&site.id, cookie, &value.secret, now, limits);
        let reading = Reading { last_seen: known.last_seen(), source };
        match key.map(|key| (key, judge(&known.session, key, reading, now, limits))) {
            Some((key, Verdict::Lives(_))) => return Looked::Lives(Visitor { known, key, cookie, reading }),
            Some((_, Verdict::Over(_))) => return Looked::Dead(Fate::Gone),
            None if fresh => {
                let fate = if *known.session.site() == site.id { Fate::WrongSecret } else { Fate::Gone };
                return Looked::Dead(fate);
            }
            Some((_, Verdict::ReadAgain)) if fresh => {
                return Looked::Unknown("what the store said does not settle it".to_owned());
            }
            Some((_, Verdict::ReadAgain)) | None => fresh = true,
        }
    }
}

/// Why a copy does not do any more.
const COPY_TOO_OLD: &str = "the store cannot be asked, and the copy at hand is too old";

/// Why a copy does for a page and not for this.
pub(crate) const COPY_CANNOT_CHANGE: &str = "the store cannot be asked, and a copy is not changed";

fn unsaved(visitor: &Visitor, now: Timestamp, limits: &Limits) -> NotOpened {
    let standing = visitor.view(now, limits).map_or(Standing::Anonymous, |view| view.standing());
    NotOpened::Unsaved(visitor.handle(), standing)
}

/// Why there is no answer although there is a copy.
const COPY_CANNOT_TELL: &str = "the store cannot be asked, and the copy at hand cannot tell";

fn stale(
    known: Arc<Known<()>>,
    since_lease: std::time::Duration,
    site: &Site,
    now: Timestamp,
    cookie: SessionCookie,
    value: &SessionValue,
    limits: &Limits,
) -> Looked {
    let reading = Reading { last_seen: known.last_seen(), source: Source::Copy };
    let Some(key) = known.session.recognise(&site.id, cookie, &value.secret, now, limits) else {
        return Looked::Unknown(COPY_CANNOT_TELL.to_owned());
    };
    match judge(&known.session, key, reading, now, limits) {
        Verdict::Lives(_) => Looked::Stale(Visitor { known, key, cookie, reading }, since_lease),
        Verdict::Over(_) | Verdict::ReadAgain => Looked::Unknown(COPY_CANNOT_TELL.to_owned()),
    }
}
