//! How a session begins, rises, steps down and ends. Each transition takes the judged view of the newest record and
//! returns the next one, or refuses; committing it is the caller's.
//! Random bytes come in as `Fresh`. Must not know cookies' texts or stores.

use std::collections::BTreeMap;

use vestibule_oauth::token::GrantToken;

use crate::audit::{Cause, Happening, Life, Tombstone};
use crate::claims::Claims;
use crate::grace::Before;
use crate::identity::{Epoch, SignOnId, SiteId, Timestamp, UserId, VisitorId};
use crate::judge::View;
use crate::key::{Key, Secrets};
use crate::limits::Limits;
use crate::mint::MintPermit;
use crate::rule::Footing;
use crate::session::{LogOn, Session, Stage};

/// What is random in a new record or a rise.
#[derive(Debug, Clone, Copy)]
pub struct Fresh {
    /// For a record that is new.
    pub visitor: VisitorId,
    /// Digests of the secrets that go into the cookies.
    pub secrets: Secrets,
}

/// What the IDP says of a user who has proved who he is.
#[derive(Debug, Clone)]
pub struct Proof {
    /// Who.
    pub user: UserId,
    /// What gets JPTs.
    pub grant: GrantToken,
    /// When the credentials were given.
    pub auth_time: Timestamp,
    /// 1 password, 2 two factors.
    pub level: u8,
    /// The IDP's end of the log-on.
    pub ends_at: Timestamp,
    /// The IDP's session.
    pub sign_on: SignOnId,
    /// What the IDP says of the user.
    pub claims: Claims,
    /// Whether an app had asked for it.
    pub asked: bool,
    /// Where it was proved from, if rules are to watch the log-on.
    pub footing: Option<Footing>,
}

/// A log-on, to be committed.
#[derive(Debug, Clone)]
pub enum Risen {
    /// The record that was there, under its handle.
    Same(Session),
    /// A record of its own, under a new handle; what was there is ended first and nothing of it carried over.
    New {
        /// The new record.
        session: Session,
        /// The end of the old one.
        ended: Option<Tombstone>,
    },
}

/// Why nobody was logged on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LogOnRefused {
    /// The credentials were given too long ago: the visitor has to log in again.
    #[error("the log-on is already over")]
    Over,
    /// The session has risen while this callback was on its way.
    #[error("the session has moved to a new secret")]
    Moved,
}

/// A returning session without anything in it: the first accepted patch fills it before it is committed.
pub(crate) fn begin(_permit: MintPermit, site: SiteId, fresh: Fresh, now: Timestamp) -> Session {
    blank(site, fresh, now)
}

/// Logs a user on. `found` is the session of the same browser, judged on a record read from the store itself.
pub fn log_on(
    found: Option<&View<'_>>,
    site: SiteId,
    proof: Proof,
    fresh: Fresh,
    now: Timestamp,
    limits: &Limits,
) -> Result<Risen, LogOnRefused> {
    if found.is_some_and(|view| view.key().is_old()) {
        return Err(LogOnRefused::Moved);
    }
    // Counted from the credentials, never from the callback; and a fast clock at the IDP gives no time as a present.
    let auth_time = proof.auth_time.min(now);
    if now >= proof.ends_at.min(auth_time + limits.log_on) {
        return Err(LogOnRefused::Over);
    }
    match found {
        Some(view) if may_continue(view.session(), &proof.user) => {
            let mut session = view.settled(now, limits);
            let shown = shown_secrets(&session, view.key());
            if view.key().is_lasting() {
                // As if stepped down: what belongs to the log-on of the other cookie is not for this one.
                session.forget_private();
            }
            session.before = Some(Before::new(shown, view.standing(), now));
            Ok(Risen::Same(with_log_on(session, proof, auth_time, fresh.secrets, now)))
        }
        _ => {
            let mut session = blank(site, fresh, now);
            // The browser has brought the log-in attempt's cookie back, so it keeps cookies.
            session.confirmed = true;
            let session = with_log_on(session, proof, auth_time, fresh.secrets, now);
            let ended = found.map(|view| end(view.session(), Cause::OtherUser, now));
            Ok(Risen::New { session, ended })
        }
    }
}

/// Ends a log-on by a rule of the proxy: the session stays, its user is remembered, its tokens are dead, even those of a
/// log-on that a limit has ended before. The cookies stay as they are. Where the rule was broken the sign-on session
/// ends with it, so that the next log-on really asks. `None` for a secret from before a rise, which ends nothing.
pub fn step_down(view: &View<'_>, now: Timestamp, limits: &Limits) -> Option<Session> {
    if view.key().is_old() {
        return None;
    }
    let mut session = view.settled(now, limits);
    session.fall(now, Cause::Rule);
    session.epoch = session.epoch.next();
    Some(session)
}

/// Ends a session with all that is in it. Nothing about the visitor matters for that, so it takes the record alone.
pub fn end(session: &Session, cause: Cause, now: Timestamp) -> Tombstone {
    let mut life = session.life.clone();
    life.push(now, Happening::Ended(cause));
    Tombstone {
        ended_at: now,
        cause,
        epoch: session.epoch,
        user: session.log_on().map(|log_on| log_on.user.clone()),
        newest_user: session.newest_user().cloned(),
        sign_on: session.sign_on().cloned(),
        life,
    }
}

/// The secrets that the browser has: the newest ones, unless it has shown that it never got them.
fn shown_secrets(session: &Session, key: Key) -> Secrets {
    let before = session.before.as_ref().filter(|_| key == Key::Unmoved);
    before.map_or(session.secrets, Before::secrets)
}

/// Whether the record is of this user, or of nobody in particular.
fn may_continue(session: &Session, user: &UserId) -> bool {
    session.newest_user().is_none_or(|newest| newest == user)
}

fn blank(site: SiteId, fresh: Fresh, now: Timestamp) -> Session {
    let mut life = Life::default();
    life.push(now, Happening::Began);
    Session {
        site,
        visitor: fresh.visitor,
        epoch: Epoch::FIRST,
        secrets: fresh.secrets,
        before: None,
        created_at: now,
        born_at: now,
        confirmed: false,
        stage: Stage::Returning,
        attributes: BTreeMap::new(),
        life,
    }
}

fn with_log_on(
    mut session: Session,
    proof: Proof,
    auth_time: Timestamp,
    secrets: Secrets,
    now: Timestamp,
) -> Session {
    let Proof { user, grant, level, ends_at, sign_on, claims, asked, footing, .. } = proof;
    let happening = match session.stage {
        Stage::LoggedOn(_) | Stage::Watched { .. } => Happening::SteppedUp { level },
        Stage::Returning | Stage::Fallen { .. } => Happening::LoggedOn { user: user.clone(), level },
    };
    session.life.push(now, happening);
    session.secrets = secrets;
    session.born_at = now;
    let log_on = LogOn { user, grant, auth_time, risen_at: now, level, ends_at, sign_on, claims, asked };
    session.stage = match footing {
        None => Stage::LoggedOn(log_on),
        Some(began) => Stage::Watched { log_on, began },
    };
    session
}

#[cfg(test)]
mod tests;
