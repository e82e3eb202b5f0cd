//! Seal: everything a request changes, committed before the head of its answer leaves. What the browser sees has been
//! saved; what could not be saved is not shown as if it had been.

use vestibule_domain::audit::Cause;
use vestibule_domain::cookie::{self, Committed as CookieCause, SessionCookies};
use vestibule_domain::identity::{Handle, SessionSecret, Timestamp, VisitorId};
use vestibule_domain::judge::{Reading, Upkeep, Verdict, judge};
use vestibule_domain::key::Secrets;
use vestibule_domain::limits::Limits;
use vestibule_domain::mint;
use vestibule_domain::patch::{Admitted, Opened as Asker, Patch};
use vestibule_domain::patch_refused::PatchRefused;
use vestibule_domain::rise::{self, Fresh};
use vestibule_domain::session::Session;
use vestibule_ports::entropy::random;
use vestibule_ports::session_store::Created;
use vestibule_sessions::{Committed, NoChange};

use crate::Visitors;
use crate::absorb::Refused;
use crate::open::{Opened, Visitor};
use crate::site::{App, Site};
use crate::visit::Visit;

/// A change could not be saved: the store did not answer, or others came first every time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NotSaved(pub(crate) String);

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
    if upkeep == Upkeep::Settle {
        let key = visitor.key;
        let settled = visitors.sessions.commit(visitor.handle(), |known, source| {
            let reading = Reading { last_seen: known.last_seen(), source };
            match judge(&known.session, key, reading, now, limits) {
                Verdict::Lives(view) if view.upkeep() == Upkeep::Settle => Ok(view.settled(now, limits)),
                Verdict::ReadAgain => Err(NoChange::ReadAgain),
                Verdict::Lives(_) | Verdict::Over(_) => Err(NoChange::Nothing),
            }
        });
        if settled.await.is_err() {
            return;
        }
    }
    if upkeep != Upkeep::None {
        visitors.sessions.touch(&visitor.known, now);
    }
}

/// Ends a session whose log-on has ended elsewhere. If that cannot be saved it is found again by the next request.
pub(crate) async fn end(visitors: &Visitors, visitor: &Visitor, cause: Cause, now: Timestamp) {
    let tombstone = rise::end(&visitor.known.session, cause, now);
    // Not reported: this request goes on without the session either way.
    let _ = visitors.sessions.end(visitor.handle(), &tombstone).await;
}

/// Takes an app's patch: onto the session that is there, or into a new one.
pub(crate) async fn patch(
    visitors: &Visitors,
    site: &Site,
    app: &App,
    visit: &Visit<'_>,
    opened: &Opened,
    patch: Result<Patch, Refused>,
    limits: &Limits,
) -> Result<Sealed, NotSaved> {
    let admitted = patch.and_then(|patch| patch.admit(&app.id, &site.catalogue).map_err(Refused::Patch));
    match (&opened.visitor, admitted) {
        (_, _) if opened.degraded => Ok(Sealed::refused("the session is not known well enough")),
        (Some(visitor), Ok(admitted)) => onto(visitors, app, visit.now, visitor, &admitted, limits).await,
        (Some(visitor), Err(Refused::Patch(why))) => {
            note_refusal(visitors, app, visit.now, visitor, why, limits).await
        }
        (None, Ok(admitted)) => first(visitors, site, visit, opened, &admitted, limits).await,
        (_, Err(Refused::Unheeded(why))) => Ok(Sealed::refused(why)),
        (None, Err(Refused::Patch(why))) => Ok(Sealed::refused(why)),
    }
}

impl Sealed {
    fn refused(why: impl std::fmt::Display) -> Self {
        Self { cookies: Vec::new(), refused: Some(why.to_string()) }
    }
}

async fn onto(
    visitors: &Visitors,
    app: &App,
    now: Timestamp,
    visitor: &Visitor,
    admitted: &Admitted<'_>,
    limits: &Limits,
) -> Result<Sealed, NotSaved> {
    if visitor.key.is_old() {
        return Ok(Sealed::refused(PatchRefused::OldSecret));
    }
    let Some(view) = visitor.view(now, limits) else { return Ok(Sealed::refused(PatchRefused::Ended)) };
    let (asker, key) = (Asker::of(&view), visitor.key);
    let mut refused = None;
    let committed = visitors.sessions.commit(visitor.handle(), |known, source| {
        let reading = Reading { last_seen: known.last_seen(), source };
        refused = None;
        match judge(&known.session, key, reading, now, limits) {
            Verdict::ReadAgain => Err(NoChange::ReadAgain),
            Verdict::Over(_) => {
                refused = Some(PatchRefused::Ended);
                Err(NoChange::Nothing)
            }
            Verdict::Lives(view) => match admitted.apply(&view, asker, now, limits) {
                Ok(Some(session)) => Ok(session),
                Ok(None) if view.upkeep() == Upkeep::Settle => Ok(view.settled(now, limits)),
                Ok(None) => Err(NoChange::Nothing),
                Err(why) => {
                    refused = Some(why.clone());
                    Ok(known.session.clone().with_refusal(app.id.clone(), why, now))
                }
            },
        }
    });
    let refused = match committed.await {
        Err(why) => return Err(NotSaved(why.to_string())),
        Ok(Committed::Gone) => Some(PatchRefused::Ended),
        Ok(Committed::Saved { .. } | Committed::Unchanged) => refused,
    };
    if refused != Some(PatchRefused::Ended) && view.upkeep() != Upkeep::None {
        visitors.sessions.touch(&visitor.known, now);
    }
    match refused {
        Some(why) => Ok(Sealed::refused(why)),
        None => Ok(Sealed { cookies: vec![cookie::set_at(visitors.node)], refused: None }),
    }
}

/// Writes into the session's life that an app's patch was refused. Not worth an error when it cannot be saved.
async fn note_refusal(
    visitors: &Visitors,
    app: &App,
    now: Timestamp,
    visitor: &Visitor,
    why: PatchRefused,
    limits: &Limits,
) -> Result<Sealed, NotSaved> {
    if !visitor.key.is_old() {
        let noted = visitors.sessions.commit(visitor.handle(), |known, _| {
            Ok::<Session, NoChange>(known.session.clone().with_refusal(app.id.clone(), why.clone(), now))
        });
        // The access line tells it all the same.
        let _ = noted.await;
        keep_up(visitors, visitor, now, limits).await;
    }
    Ok(Sealed::refused(why))
}

/// The first patch of an anonymous visitor makes the session.
async fn first(
    visitors: &Visitors,
    site: &Site,
    visit: &Visit<'_>,
    opened: &Opened,
    admitted: &Admitted<'_>,
    limits: &Limits,
) -> Result<Sealed, NotSaved> {
    let permit = match mint::check(opened.vst, opened.keep, &visit.fetch) {
        Ok(permit) => permit,
        Err(why) => return Ok(Sealed::refused(why)),
    };
    let secrets = NewSecrets::draw(visitors);
    let session = match admitted.first(permit, site.id.clone(), secrets.fresh(visitors), visit.now, limits) {
        Ok(Some(session)) => session,
        Ok(None) => return Ok(Sealed::default()),
        Err(why) => return Ok(Sealed::refused(why)),
    };
    let handle = create(visitors, &session).await?;
    Ok(Sealed { cookies: secrets.cookies(handle, CookieCause::FirstPatch, visitors, limits), refused: None })
}

/// Saves a new session under a new handle.
pub(crate) async fn create(visitors: &Visitors, session: &Session) -> Result<Handle, NotSaved> {
    let handle = Handle::from_bytes(random(&*visitors.entropy));
    match visitors.sessions.create(handle, session).await {
        Ok(Created::Created) => Ok(handle),
        // 128 random bits: this is an error in the source of randomness.
        Ok(Created::Exists) => Err(NotSaved("a new handle was taken".to_owned())),
        Err(why) => Err(NotSaved(why.to_string())),
    }
}
