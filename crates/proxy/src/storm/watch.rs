//! What is stored, compared with what was acknowledged: after each step, whatever fails.

use vestibule_domain::ascii_json::AsciiJson;
use vestibule_domain::attribute::AttributeName;
use vestibule_domain::audit::{Cause, Tombstone};
use vestibule_domain::cookie::{Cookie, SessionValue};
use vestibule_domain::identity::{Handle, SignOnId, SiteId, Timestamp};
use vestibule_domain::judge::{Reading, Source, Verdict, View, judge};
use vestibule_domain::key::{Key, SessionCookie};
use vestibule_domain::limits::Limits;
use vestibule_domain::session::Session;
use vestibule_domain::standing::Standing;
use vestibule_feed::KEPT;
use vestibule_oauth::token::GrantToken;
use vestibule_ports::issuer::End;
use vestibule_ports::session_store::Slot;

use super::book::{Book, Invariant, Leaf};
use super::node::site_of;

/// The site that a browser is at.
pub(super) fn site(browser: usize) -> SiteId {
    SiteId::parse(site_of(browser).0).expect("a name")
}

/// The judgement of what is stored, as a node that reads it now would judge.
pub(super) fn judged<'s>(
    session: &'s Session,
    last_seen: Option<Timestamp>,
    key: Key,
    now: Timestamp,
    limits: &Limits,
) -> Option<View<'s>> {
    match judge(session, key, Reading { last_seen, source: Source::Shared }, now, limits) {
        Verdict::Lives(view) => Some(view),
        Verdict::Over(_) | Verdict::ReadAgain => None,
    }
}

impl Book {
    /// Everything that must hold between two steps.
    pub(super) fn watch(&mut self) {
        let handles: Vec<Handle> = self.sessions.keys().copied().collect();
        for handle in handles {
            self.watch_session(handle);
        }
        for browser in 0..self.jars.len() {
            self.watch_browser(browser);
        }
    }

    /// What was answered with this session's cookies has been stored.
    pub(super) fn must_be_saved(&mut self, handle: Handle) {
        if self.truth.safe_slot(handle, self.now()) == Slot::Absent {
            self.accuse(Invariant::ShownIsSaved, format_args!("cookies of {handle}, which was never stored"));
        }
    }

    /// A patch that was answered as saved is lost with no server.
    pub(super) fn must_be_kept(&mut self, handle: Handle, leaf: &str) {
        let Slot::Live(stored) = self.truth.safe_slot(handle, self.now()) else { return };
        let session = Session::decode(&stored.record.body).expect("the domain has encoded it");
        let view = judged(&session, stored.last_seen, Key::Vst, self.now(), &Limits::default());
        let basket = view.as_ref().and_then(|view| attribute(view, "basket"));
        if view.is_some() && !basket.is_some_and(|text| text.contains(&format!("\"{leaf}\""))) {
            self.accuse(Invariant::ShownIsSaved, format_args!("{leaf} of {handle} may yet be lost"));
        }
    }

    /// What was answered as logged out has ended.
    pub(super) fn must_be_ended(&mut self, handle: Handle) {
        if matches!(self.truth.safe_slot(handle, self.now()), Slot::Live(_)) {
            self.accuse(Invariant::LogOutIsTrue, format_args!("{handle} is said to be logged out and lives"));
        }
    }

    fn watch_session(&mut self, handle: Handle) {
        let now = self.now();
        match self.truth.slot(handle, now) {
            Slot::Absent => {
                let slack = self.slack();
                let life = self.life(handle);
                if !life.has_ended && life.newest.is_some() && now + slack < life.expires_at {
                    self.accuse(Invariant::NoFallWithoutCause, format_args!("{handle} has vanished"));
                }
            }
            Slot::Ended(stone) => {
                // The end of a session that was not there has nothing to say; one that was there needs a reason.
                let Ok(stone) = Tombstone::decode(&stone.body) else {
                    if !std::mem::replace(&mut self.life(handle).has_ended, true) {
                        let what = format!("{handle} has ended, and nothing is known of it");
                        self.accuse(Invariant::NoFallWithoutCause, what);
                    }
                    return;
                };
                if !std::mem::replace(&mut self.life(handle).has_ended, true) {
                    self.tell(format_args!("{handle} has ended: {:?}", stone.cause));
                    if !self.may_have_ended(handle, &stone) {
                        let what = format!("{handle} has ended without a cause: {:?}", stone.cause);
                        self.accuse(Invariant::NoFallWithoutCause, what);
                    }
                }
            }
            Slot::Live(stored) => {
                let life = self.life(handle);
                if life.has_ended {
                    self.accuse(Invariant::NothingResurrects, format_args!("{handle} had ended"));
                } else if life.watched != (stored.version, life.leaves.len()) {
                    life.watched = (stored.version, life.leaves.len());
                    life.expires_at = stored.record.expires_at;
                    let session = Session::decode(&stored.record.body).expect("the domain has encoded it");
                    self.watch_rule(handle, &session);
                    self.watch_leaves(handle, &session, stored.last_seen);
                    self.life(handle).newest = Some(session);
                }
            }
        }
    }

    /// A log-on that has fallen by a rule was used from elsewhere, or came from a sign-on session of which another was.
    fn watch_rule(&mut self, handle: Handle, session: &Session) {
        let before = self.sessions[&handle].newest.as_ref().and_then(Session::log_on).cloned();
        let Some(log_on) = before.filter(|_| has_fallen_by_rule(session)) else { return };
        if !self.is_broken(handle, &log_on.sign_on) {
            let what = format!("{handle} has fallen by a rule that nobody has broken");
            self.accuse(Invariant::NoFallWithoutCause, what);
        }
        let life = self.life(handle);
        life.has_fallen = true;
        life.fallen = Some((log_on.grant.digest(), None));
        self.falls.push(log_on.sign_on);
    }

    /// Whether a rule was broken in this session, or in another from the same sign-on session.
    fn is_broken(&self, handle: Handle, sign_on: &SignOnId) -> bool {
        self.sessions[&handle].is_stolen
            || self.ends.iter().any(|done| {
                done.cause == Cause::Rule && matches!(&done.end, End::SignOn(ended) if ended == sign_on)
            })
    }

    fn may_have_ended(&self, handle: Handle, stone: &Tombstone) -> bool {
        let life = &self.sessions[&handle];
        match stone.cause {
            Cause::LogOut | Cause::LogOutEverywhere if life.log_out_asked || self.is_left_behind(stone) => {
                return true;
            }
            Cause::OtherUser => return life.users_tried.len() > 1,
            // Whoever breaks a rule steps down: what survives a log-on is not lost by it.
            Cause::Rule => return false,
            _ => {}
        }
        // Of a user of whom everything has ended the fallen sessions are cleared, too.
        let clears = matches!(stone.cause, Cause::Revoked | Cause::PasswordChanged | Cause::UserDisabled);
        let of_user = stone.user.as_ref().or(stone.newest_user.as_ref().filter(|_| clears));
        let is_of = |user: &str, sign_on: &SignOnId| {
            of_user.is_some_and(|it| it.as_str() == user) && stone.sign_on.as_ref() == Some(sign_on)
        };
        // A later log-on is not ended by what ended an earlier one.
        let newest = life.newest.as_ref().and_then(Session::log_on);
        match newest.filter(|log_on| is_of(log_on.user.as_str(), &log_on.sign_on)) {
            Some(log_on) => self.may_be_ended(&log_on.grant),
            None => {
                let mut of_it = self.grants.values().filter(|granted| is_of(&granted.user, &granted.sign_on));
                of_it.any(|granted| self.ends.iter().any(|done| granted.is_ended_by(done)))
            }
        }
    }

    /// Whether a session may end with this log-on: not if it has ended by a rule alone, and every node has heard so.
    fn may_be_ended(&self, grant: &GrantToken) -> bool {
        let Some(granted) = self.grants.get(&grant.digest()) else { return false };
        let now = self.now();
        self.ends.iter().filter(|done| granted.is_ended_by(done)).any(|done| {
            done.cause != Cause::Rule || self.feed_was_disturbed || done.wall + KEPT < now + self.slack()
        })
    }

    /// Whether a log-out of another session has ended what this one came from.
    fn is_left_behind(&self, stone: &Tombstone) -> bool {
        self.ends.iter().any(|done| match &done.end {
            End::SignOn(sign_on) => stone.sign_on.as_ref() == Some(sign_on),
            End::User { id: user, .. } => stone.newest_user.as_ref() == Some(user),
            End::Session { .. } | End::Grant(_) => false,
        })
    }

    fn watch_leaves(&mut self, handle: Handle, session: &Session, last_seen: Option<Timestamp>) {
        let Some(view) = judged(session, last_seen, Key::Vst, self.now(), &Limits::default()) else { return };
        let life = &self.sessions[&handle];
        let of_log_on = logged_on_at(&view);
        let must_be = |leaf: &&Leaf| leaf.of_log_on.is_none() || leaf.of_log_on == of_log_on;
        let lost = life.leaves.iter().filter(must_be).find(|leaf| !has_leaf(&view, leaf));
        let lost = lost.map(|leaf| format!("{handle} has lost {}", leaf.name));
        // Of patches of one value that did not overlap, the later one stands.
        let count = attribute(&view, "count").and_then(|text| text.parse::<u64>().ok());
        let stands = life.leaves.iter().find(|leaf| Some(leaf.number) == count && leaf.of_log_on.is_none());
        let later = stands.and_then(|stands| {
            let of_count = life.leaves.iter().filter(|leaf| leaf.of_log_on.is_none());
            of_count.into_iter().find(|leaf| leaf.asked_at > stands.acked_at)
        });
        let undone = later.map(|later| format!("{handle} has count {count:?} after {}", later.name));
        if let Some(what) = lost.or(undone) {
            self.accuse(Invariant::PatchIsKept, what);
        }
    }

    /// Each cookie that this browser holds opens its session while that lives, so that no basket is lost; and the log-on
    /// that it was given still stands, unless something ended it.
    fn watch_browser(&mut self, browser: usize) {
        for (name, cookie) in [(Cookie::Vst, SessionCookie::Vst), (Cookie::Keep, SessionCookie::Keep)] {
            let Some(value) = self.jars[browser].get(name).map(str::to_owned) else { continue };
            if let Some(what) = self.loss_of(browser, &value, cookie) {
                let what = format!("browser {browser}: its {} {what}", name.name());
                self.accuse(Invariant::NoFallWithoutCause, what);
            }
        }
    }

    /// What a cookie has lost that it was given.
    fn loss_of(&mut self, browser: usize, value: &str, cookie: SessionCookie) -> Option<&'static str> {
        let (issued, parsed) = (self.issued.get(value)?, SessionValue::parse(value.as_bytes())?);
        let now = self.now();
        let Slot::Live(stored) = self.truth.slot(issued.handle, now) else { return None };
        let limits = Limits::default();
        let life = &self.sessions[&issued.handle];
        let session = life.newest.as_ref()?;
        match session.recognise(&site(browser), cookie, &parsed.secret, now, &limits) {
            None => return Some("is not recognised any more"),
            Some(Key::Vst) if issued.user.is_some() && !life.has_fallen => {}
            Some(_) => return None,
        }
        let view = judged(session, stored.last_seen, Key::Vst, now, &limits);
        if view.is_some_and(|view| view.standing() == Standing::LoggedOn) {
            return None;
        }
        let doubt = self.truth.touches_in_doubt_until();
        let seen = life.slid_at.map_or(issued.wall, |slid| slid.max(issued.wall));
        // A clock that is wrong moves a limit by as much, and no further.
        let late = now + self.slack();
        let in_doubt =
            doubt.is_some_and(|until| seen <= until + self.slack()) && late >= issued.wall + limits.idle;
        let over = late >= issued.wall + limits.log_on || late >= seen + limits.idle;
        // Risen and fallen again between two looks.
        let by_rule = has_fallen_by_rule(session)
            && session.sign_on().is_some_and(|sign_on| self.is_broken(issued.handle, sign_on));
        if over || in_doubt || by_rule {
            self.life(parsed.handle).has_fallen = true;
            return None;
        }
        Some("has fallen before its time")
    }
}

fn has_fallen_by_rule(session: &Session) -> bool {
    let why = session.life().logged_out();
    session.log_on().is_none() && why.is_some_and(|(_, cause)| cause == Cause::Rule)
}

/// When the log-on that a view shows rose.
pub(super) fn logged_on_at(view: &View<'_>) -> Option<Timestamp> {
    view.log_on().map(|log_on| log_on.risen_at)
}

fn attribute<'s>(view: &View<'s>, name: &str) -> Option<&'s str> {
    view.attribute(&AttributeName::parse(name).expect("a name")).map(AsciiJson::as_str)
}

fn has_leaf(view: &View<'_>, leaf: &Leaf) -> bool {
    let name = if leaf.of_log_on.is_some() { "draft" } else { "basket" };
    attribute(view, name).is_some_and(|text| text.contains(&format!("\"{}\"", leaf.name)))
}
