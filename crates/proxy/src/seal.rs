//! Seal: everything a request changes, committed before the head of its answer leaves. What the browser sees has been
//! saved; what could not be saved is not shown as if it had been.

use vestibule_domain::attempt::ReturnTarget;
use vestibule_domain::audit::Cause;
use vestibule_domain::cookie::{self, Committed as CookieCause, SessionCookies};
use vestibule_domain::identity::{Handle, SessionSecret, Timestamp, VisitorId};
use vestibule_domain::judge::{Reading, Verdict, judge_newer};
use vestibule_domain::key::Secrets;
use vestibule_domain::limits::Limits;
use vestibule_domain::mint;
use vestibule_domain::outage;
use vestibule_domain::patch::{Admitted, Opened as Asker, Patch};
use vestibule_domain::patch_refused::PatchRefused;
use vestibule_domain::rise::{self, Fresh};
use vestibule_domain::session::Session;
use vestibule_domain::step_up::{self, Requirement};
use vestibule_message::head::RequestHead;
use vestibule_ports::entropy::random;
use vestibule_ports::session_store::{Created, StoreError};
use vestibule_sessions::{CommitError, Committed, Deadline, Finished, NoChange};
use vestibule_wire::Answer;

use crate::absorb::{LogOut, Wishes};
use crate::open::{Opened, Visitor};
use crate::own::{self, Ask, LoggedOut};
use crate::site::{App, Site};
use crate::visit::Visit;
use crate::{Visitors, reply};

/// A change could not be saved: the store did not answer, or others came first every time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NotSaved(pub(crate) String);

impl From<StoreError> for NotSaved {
    fn from(why: StoreError) -> Self {
        Self(why.to_string())
    }
}

impl From<CommitError> for NotSaved {
    fn from(why: CommitError) -> Self {
        Self(why.to_string())
    }
}

/// What was done.
#[derive(Debug, Default)]
pub(crate) struct Sealed {
    /// `Set-Cookie` values.
    pub(crate) cookies: Vec<String>,
    /// Why the patch was not taken, for the log.
    pub(crate) refused: Option<String>,
}

/// New secrets with their digests, as a record and its cookies take them.
pub(crate) struct NewSecrets {
    vst: SessionSecret,
    keep: SessionSecret,
}

impl NewSecrets {
    pub(crate) fn draw(visitors: &Visitors) -> Self {
        let secret = || SessionSecret::from_bytes(random(&*visitors.entropy));
        Self { vst: secret(), keep: secret() }
    }

    pub(crate) fn fresh(&self, visitors: &Visitors) -> Fresh {
        let secrets = Secrets { vst: self.vst.digest(), keep: self.keep.digest() };
        Fresh { visitor: VisitorId::from_bytes(random(&*visitors.entropy)), secrets }
    }

    /// The cookies of an answer that has committed a record with these secrets.
    pub(crate) fn cookies(
        &self,
        handle: Handle,
        cause: CookieCause,
        visitors: &Visitors,
        limits: &Limits,
    ) -> Vec<String> {
        let mut lines = match cause.session_cookies() {
            SessionCookies::Set => cookie::set_session(handle, &self.vst, &self.keep, limits).to_vec(),
            SessionCookies::Clear => cookie::clear_session().to_vec(),
            SessionCookies::Silent => Vec::new(),
        };
        lines.extend(cause.names_writer().then(|| cookie::set_at(visitors.node)));
        lines
    }
}

/// Keeps the record in order where nothing is patched: the touch, and what a judgement found.
pub(crate) async fn keep_up(visitors: &Visitors, visitor: &Visitor, now: Timestamp, limits: &Limits) {
    let Some(upkeep) = visitor.view(now, limits).map(|view| view.upkeep()) else { return };
    if upkeep.commits() {
        let (opened, key) = (&visitor.known.session, visitor.key);
        let settled = visitors.sessions.commit(visitor.handle(), |known, source| {
            let reading = Reading { last_seen: known.last_seen(), source };
            match judge_newer(&known.session, opened, key, reading, now, limits) {
                Verdict::Lives(view) if view.upkeep().commits() => Ok(view.settled(now, limits)),
                Verdict::ReadAgain => Err(NoChange::ReadAgain),
                Verdict::Lives(_) | Verdict::Over(_) => Err(NoChange::Nothing),
            }
        });
        if settled.await.is_err() {
            return;
        }
    }
    if upkeep.touches() {
        visitors.sessions.touch(&visitor.known, now);
    }
}

/// Why a session has not ended with its log-on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spared {
    /// It has risen to another log-on meanwhile.
    Risen,
    /// Its log-on has fallen meanwhile. What is left has survived it.
    Fallen,
}

/// Ends a session whose log-on has ended elsewhere, and never one that has risen to a newer log-on: what is ended is
/// exactly the version that was compared. If that cannot be saved it is found again by the next request.
pub(crate) async fn end(
    visitors: &Visitors,
    visitor: &Visitor,
    cause: Cause,
    now: Timestamp,
) -> Result<(), Spared> {
    let opened = &visitor.known.session;
    let mut spared = Spared::Risen;
    let ended = visitors.sessions.end(visitor.handle(), |newest| {
        let newest = &newest.session;
        if newest.has_risen_since(opened) || newest.has_fallen_since(opened) {
            spared = if newest.has_risen_since(opened) { Spared::Risen } else { Spared::Fallen };
            return None;
        }
        Some(rise::end(newest, cause, now))
    });
    match ended.await {
        Ok(Finished::Spared) => Err(spared),
        // Not reported when it fails: this request goes on without the session either way.
        Ok(Finished::Ended(_) | Finished::Gone) | Err(_) => Ok(()),
    }
}

/// What an app's wishes are carried out on.
pub(crate) struct Scene<'a> {
    pub(crate) visitors: &'a Visitors,
    pub(crate) site: &'a Site,
    pub(crate) app: &'a App,
    pub(crate) visit: &'a Visit<'a>,
    pub(crate) opened: &'a Opened,
    /// When the app answered; the visit has the time when it was asked.
    pub(crate) now: Timestamp,
    pub(crate) limits: &'a Limits,
}

/// What has come of an app's wishes.
#[derive(Debug, Default)]
pub(crate) struct CarriedOut {
    /// `Set-Cookie` values of the app's answer. One that takes its place brings them itself.
    pub(crate) cookies: Vec<String>,
    /// The answer that takes its place.
    pub(crate) instead: Option<Answer>,
    /// What became of the log-out.
    pub(crate) log_out: Option<LoggedOut>,
    /// Why a wish was not heeded, for the log.
    pub(crate) refused: Option<String>,
    /// Why a change could not be saved, for the log.
    pub(crate) not_saved: Option<String>,
}

impl Scene<'_> {
    /// Does what an app asks in its answer to `head`: first the patch, then the log-out, and what it demands last, of the
    /// visitor as he was shown to it.
    pub(crate) async fn carry_out(&self, wishes: Wishes, head: &RequestHead<'_>) -> CarriedOut {
        let mut done = CarriedOut::default();
        let (Ok(log_out), Ok(requires)) = (wishes.log_out, wishes.requires) else {
            // A page that may say "you are logged out", or that was to be held back, is not shown; and the answer that is
            // shown is ours, so nothing is patched.
            done.refused = Some("a wish of the app's cannot be read".to_owned());
            done.instead = Some(reply::unreadable_wish());
            return done;
        };
        match wishes.patch {
            None => self.keep_up().await,
            Some(Err(why)) if log_out.is_some() => {
                // Told by the log alone: what ends with this answer is not written into first.
                done.refused = Some(why.to_string());
                self.keep_up().await;
            }
            Some(patch) => match self.patch(patch).await {
                Ok(sealed) => (done.cookies, done.refused) = (sealed.cookies, sealed.refused),
                Err(NotSaved(why)) => {
                    done.not_saved = Some(why);
                    if !self.app.delivers_unsaved {
                        done.instead = Some(reply::context_not_saved(!self.visit.fetch.method.is_safe()));
                        return done;
                    }
                }
            },
        }
        if let (Some(scope), Some(visitor)) = (log_out, &self.opened.visitor) {
            self.log_out(visitor, scope, &mut done).await;
        } else if let Some(requirement) = requires {
            done.instead = self.demand(self.visit.return_target(head), &requirement, &done.cookies);
        }
        done
    }

    async fn log_out(&self, visitor: &Visitor, scope: LogOut, done: &mut CarriedOut) {
        if visitor.key.is_old() {
            // A late answer must not touch the newer log-on.
            done.instead = Some(reply::session_moved());
            return;
        }
        let (visitors, deadline) = (self.visitors, self.visitors.sessions.deadline());
        let left = own::end_everything(visitors, self.now, visitor, scope, self.limits, deadline).await;
        done.instead = match left.outcome {
            LoggedOut::Done => None,
            LoggedOut::HereOnly => Some(reply::logged_out_here_only(&left.cookies)),
            LoggedOut::NotEverywhere => Some(reply::not_logged_out_everywhere(&left.cookies)),
            LoggedOut::Failed => Some(reply::not_logged_out()),
        };
        (done.log_out, done.cookies, done.not_saved) = (Some(left.outcome), left.cookies, left.not_saved);
    }

    /// The answer in place of the app's, when the visitor has not what it demands.
    fn demand(&self, target: ReturnTarget, requirement: &Requirement, cookies: &[String]) -> Option<Answer> {
        let Self { site, visit, opened, now, limits, .. } = *self;
        let page = visit.fetch.is_page();
        if let Err(why) = outage::demanded(!opened.degraded) {
            // Nothing was patched either, so there are no cookies to be set.
            return Some(reply::not_opened(why, page));
        }
        let view = opened.visitor.as_ref().and_then(|visitor| visitor.view(now, limits));
        if requirement.is_met(view.as_ref(), now) {
            return None;
        }
        if site.client.is_none() {
            return Some(reply::forbidden(page, cookies));
        }
        let how = step_up::demanded(requirement, view.as_ref(), &visit.fetch, now, limits);
        let ask = Ask { target, asked: true, max_age: requirement.max_age, restarted: false };
        Some(match how {
            Ok(how) => reply::ask(how, &ask, cookies),
            Err(_) => reply::step_up_loop(cookies),
        })
    }

    /// Takes an app's patch: onto the session that is there, or into a new one.
    pub(crate) async fn patch(&self, patch: Result<Patch, PatchRefused>) -> Result<Sealed, NotSaved> {
        let catalogue = &self.site.catalogue;
        let admitted = patch.and_then(|patch| patch.admit(&self.app.id, catalogue));
        match (&self.opened.visitor, admitted) {
            // Nothing was to be saved, so nothing is missing.
            (_, Err(why)) if self.opened.degraded => Ok(Sealed::refused(why)),
            (Some(_), Ok(_)) if self.opened.degraded => {
                Err(NotSaved("only a stale copy is at hand".to_owned()))
            }
            (None, Ok(_)) if self.opened.degraded => Ok(Sealed::refused("whose session it is, is not known")),
            (Some(visitor), Ok(admitted)) => self.onto(visitor, &admitted).await,
            (Some(visitor), Err(why)) => Ok(self.note_refusal(visitor, why).await),
            (None, Ok(admitted)) => self.first(&admitted).await,
            (None, Err(why)) => Ok(Sealed::refused(why)),
        }
    }

    /// Keeps the record in order where nothing is patched.
    pub(crate) async fn keep_up(&self) {
        if let Some(visitor) = self.opened.visitor.as_ref().filter(|_| !self.opened.degraded) {
            keep_up(self.visitors, visitor, self.now, self.limits).await;
        }
    }

    async fn onto(&self, visitor: &Visitor, admitted: &Admitted<'_>) -> Result<Sealed, NotSaved> {
        if visitor.key.is_old() {
            return Ok(Sealed::refused(PatchRefused::OldSecret));
        }
        let (now, limits, key) = (self.now, self.limits, visitor.key);
        // Who asks is who was shown to the app.
        let Some(shown) = visitor.view(self.visit.now, limits) else {
            return Ok(Sealed::refused(PatchRefused::Ended));
        };
        let asker = Asker::of(&shown);
        let mut refused = None;
        let committed = self.visitors.sessions.commit(visitor.handle(), |known, source| {
            let reading = Reading { last_seen: known.last_seen(), source };
            refused = None;
            match judge_newer(&known.session, &visitor.known.session, key, reading, now, limits) {
                Verdict::ReadAgain => Err(NoChange::ReadAgain),
                Verdict::Over(_) => {
                    refused = Some(PatchRefused::Ended);
                    Err(NoChange::Nothing)
                }
                Verdict::Lives(view) => match admitted.apply(&view, asker, now, limits) {
                    Ok(Some(session)) => Ok(session),
                    Ok(None) if view.upkeep().commits() => Ok(view.settled(now, limits)),
                    Ok(None) => Err(NoChange::Nothing),
                    Err(why) => {
                        refused = Some(why.clone());
                        // Settled, or the touch below would take a fall back.
                        Ok(view.settled(now, limits).with_refusal(self.app.id.clone(), why, now))
                    }
                },
            }
        });
        let mut saved = false;
        let refused = match committed.await? {
            Committed::Gone => Some(PatchRefused::Ended),
            Committed::Saved { .. } => {
                saved = true;
                refused
            }
            Committed::Unchanged => refused,
        };
        let lives = visitor.view(now, limits).is_some_and(|view| view.upkeep().touches());
        if refused != Some(PatchRefused::Ended) && lives {
            self.visitors.sessions.touch(&visitor.known, now);
        }
        match refused {
            Some(why) => Ok(Sealed::refused(why)),
            None if saved => Ok(Sealed { cookies: vec![cookie::set_at(self.visitors.node)], refused: None }),
            None => Ok(Sealed::default()),
        }
    }

    /// Writes into the session's life that an app's patch was refused. Not worth an error when it cannot be saved.
    async fn note_refusal(&self, visitor: &Visitor, why: PatchRefused) -> Sealed {
        if !visitor.key.is_old() {
            let (app, now) = (&self.app.id, self.now);
            let noted = self.visitors.sessions.commit(visitor.handle(), |known, _| {
                Ok::<Session, NoChange>(known.session.clone().with_refusal(app.clone(), why.clone(), now))
            });
            // The access line tells it all the same.
            let _ = noted.await;
            self.keep_up().await;
        }
        Sealed::refused(why)
    }

    /// The first patch of an anonymous visitor makes the session.
    async fn first(&self, admitted: &Admitted<'_>) -> Result<Sealed, NotSaved> {
        let (visitors, limits) = (self.visitors, self.limits);
        let permit = match mint::check(self.opened.vst, self.opened.keep, &self.visit.fetch) {
            Ok(permit) => permit,
            Err(why) => return Ok(Sealed::refused(why)),
        };
        let secrets = NewSecrets::draw(visitors);
        let fresh = secrets.fresh(visitors);
        let session = match admitted.first(permit, self.site.id.clone(), fresh, self.now, limits) {
            Ok(Some(session)) => session,
            Ok(None) => return Ok(Sealed::default()),
            Err(why) => return Ok(Sealed::refused(why)),
        };
        let handle = create(visitors, &session, visitors.sessions.deadline()).await?;
        Ok(Sealed {
            cookies: secrets.cookies(handle, CookieCause::FirstPatch, visitors, limits),
            refused: None,
        })
    }
}

impl Sealed {
    fn refused(why: impl std::fmt::Display) -> Self {
        Self { cookies: Vec::new(), refused: Some(why.to_string()) }
    }
}

/// Saves a new session under a new handle.
pub(crate) async fn create(
    visitors: &Visitors,
    session: &Session,
    deadline: Deadline,
) -> Result<Handle, NotSaved> {
    let handle = Handle::from_bytes(random(&*visitors.entropy));
    match visitors.sessions.create(handle, session, deadline).await? {
        Created::Created => Ok(handle),
        // 128 random bits: this is an error in the source of randomness.
        Created::Exists => Err(NotSaved("a new handle was taken".to_owned())),
    }
}

#[cfg(test)]
mod tests;
