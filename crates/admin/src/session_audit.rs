//! Why a session is what it is: its record, or what stays of it, judged like any request would judge it now. Read
//! from the store itself, so it can be told which limit ended a log-on even if nobody has written that down yet.
//! Shows no secret, no grant and no attribute.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use vestibule_domain::audit::{Cause, Happening, Life, LifeEvent, Tombstone};
use vestibule_domain::identity::{Handle, SiteId, Timestamp, UserId};
use vestibule_domain::judge::{Fall, Reading, Source, Verdict, View, judge};
use vestibule_domain::key::Key;
use vestibule_domain::limits::Limits;
use vestibule_domain::session::{self, Session};
use vestibule_domain::standing::Standing;
use vestibule_ports::clock::Clock;
use vestibule_ports::session_store::{SessionStore, Slot, Stored};

use crate::moment::Moment;
use crate::reply::{self, Refused};

/// Where sessions are found and how they are judged.
pub struct Sessions {
    /// The store itself, not a copy of it.
    pub store: Arc<dyn SessionStore>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// The limits that the proxy judges by.
    pub limits: Limits,
}

/// What is known of a session.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct SessionAudit {
    /// Its name.
    pub handle: Handle,
    /// What its visitor is now; anonymous once it has ended.
    pub standing: Standing,
    /// Where it belongs. Not known of a session that was ended.
    pub site: Option<SiteId>,
    /// Who is logged on, is remembered, or was logged on when it ended.
    pub user: Option<UserId>,
    /// The log-on, while it stands.
    pub log_on: Option<LogOn>,
    /// When the visitor was last seen.
    pub last_seen: Option<Moment>,
    /// When and why the visitor was logged out, unless he has logged on again.
    pub logged_out: Option<LoggedOut>,
    /// The last events, oldest first.
    pub events: Vec<Event>,
    /// When even this is forgotten.
    pub kept_until: Moment,
}

/// A log-on that stands.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct LogOn {
    /// When the credentials were given.
    pub authenticated_at: Moment,
    /// 1 password, 2 two factors.
    pub level: u8,
    /// When the IDP ends it. A stricter limit of the proxy ends it before.
    pub ends_at: Moment,
}

/// The answer to "why was I logged out?".
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct LoggedOut {
    /// When.
    pub at: Moment,
    /// Why, in a sentence.
    pub why: String,
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct Event {
    /// When.
    pub at: Moment,
    /// What happened, in a sentence.
    pub what: String,
}

/// `GET /admin/sessions/{handle}/audit`
pub(crate) async fn show(
    State(sessions): State<Arc<Sessions>>,
    handle: Result<Path<Handle>, PathRejection>,
) -> Result<Response, Refused> {
    // What can be no handle is no session's.
    let Path(handle) = handle.map_err(|_| Refused::NoSuchSession)?;
    let now = sessions.clock.wall();
    let audit = match sessions.store.get(handle, now).await? {
        Slot::Absent => return Err(Refused::NoSuchSession),
        Slot::Live(stored) => sessions.of_record(handle, &stored, now)?,
        Slot::Ended(kept) => {
            SessionAudit::of_tombstone(handle, &Tombstone::decode(&kept.body)?, kept.expires_at)
        }
    };
    Ok(reply::found(&audit))
}

impl Sessions {
    fn of_record(&self, handle: Handle, stored: &Stored, now: Timestamp) -> Result<SessionAudit, Refused> {
        let session = Session::decode(&stored.record.body)?;
        let source = if self.store.capabilities().shared { Source::Shared } else { Source::Own };
        let reading = Reading { last_seen: stored.last_seen, source };
        let judge_at = |at| judge(&session, Key::Vst, reading, at, &self.limits);
        let end = match judge_at(now) {
            Verdict::Over(end) => Some(end),
            Verdict::Lives(_) | Verdict::ReadAgain => None,
        };
        // Of a session that is over, what it was in its last moment: a log-on may have fallen before.
        let at = end.map_or(now, |end| Timestamp::from_millis(end.at.as_millis().saturating_sub(1)));
        let Verdict::Lives(view) = judge_at(at) else {
            return Err(Refused::Bug("a session does not live in its last moment"));
        };
        let audit = self.of_view(handle, stored, &view, at);
        Ok(match end {
            Some(end) => audit.ended(end),
            None => audit,
        })
    }

    fn of_view(&self, handle: Handle, stored: &Stored, view: &View<'_>, at: Timestamp) -> SessionAudit {
        let settled = view.settled(at, &self.limits);
        let user = view.log_on().map(|log_on| &log_on.user).or(view.remembered_user());
        SessionAudit {
            handle,
            standing: view.standing(),
            site: Some(settled.site().clone()),
            user: user.cloned(),
            log_on: view.log_on().map(LogOn::of),
            last_seen: stored.last_seen.map(Moment::from),
            logged_out: settled.life().logged_out().map(LoggedOut::of),
            events: events(settled.life()),
            kept_until: stored.record.expires_at.into(),
        }
    }
}

impl SessionAudit {
    fn of_tombstone(handle: Handle, tombstone: &Tombstone, kept_until: Timestamp) -> Self {
        Self {
            handle,
            standing: Standing::Anonymous,
            site: None,
            user: tombstone.user.clone(),
            log_on: None,
            last_seen: None,
            logged_out: tombstone.life.logged_out().map(LoggedOut::of),
            events: events(&tombstone.life),
            kept_until: kept_until.into(),
        }
    }

    /// The same after a limit that ended the session itself, which nobody has written down.
    fn ended(self, Fall { cause, at }: Fall) -> Self {
        let mut events = self.events;
        events.push(Event::of(&LifeEvent { at, what: Happening::Ended(cause) }));
        let logged_out = Some(LoggedOut::of((at, cause)));
        Self { standing: Standing::Anonymous, log_on: None, logged_out, events, ..self }
    }
}

impl LogOn {
    fn of(log_on: &session::LogOn) -> Self {
        let session::LogOn { auth_time, level, ends_at, .. } = log_on;
        Self { authenticated_at: (*auth_time).into(), level: *level, ends_at: (*ends_at).into() }
    }
}

impl LoggedOut {
    fn of((at, cause): (Timestamp, Cause)) -> Self {
        Self { at: at.into(), why: cause.sentence().to_owned() }
    }
}

impl Event {
    fn of(event: &LifeEvent) -> Self {
        Self { at: event.at.into(), what: event.to_string() }
    }
}

fn events(life: &Life) -> Vec<Event> {
    life.events().iter().map(Event::of).collect()
}
