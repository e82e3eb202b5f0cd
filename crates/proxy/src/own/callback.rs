//! `/.vestibule/callback`: the browser is back from the IDP with a code. Only the browser that began a log-in redeems
//! it; then the session rises, with new secrets (RFC 6749 4.1.2, RFC 9207).

use vestibule_domain::attempt::{self, ATTEMPT_LIFE, Attempt, State, Tries};
use vestibule_domain::audit::Cause;
use vestibule_domain::claims::Claims;
use vestibule_domain::cookie::{self, Committed as CookieCause, Cookie};
use vestibule_domain::grace;
use vestibule_domain::identity::{Handle, Timestamp};
use vestibule_domain::owed::{Debt, Reach};
use vestibule_domain::rise::{self, LogOnRefused, Proof, Risen};
use vestibule_domain::rule::Footing;
use vestibule_domain::session::Session;
use vestibule_domain::standing::Standing;
use vestibule_message::target::Target;
use vestibule_oauth::authorize_response::{AuthorizeResponse, Outcome};
use vestibule_oauth::form::Form;
use vestibule_oauth::token::Code;
use vestibule_ports::issuer::{IssuerError, LogOn, Redeem};
use vestibule_sessions::{Committed, Deadline, Finished, NoChange};
use vestibule_wire::Answer;

use super::Call;
use super::log_in::{self, Ask};
use crate::open::{Unknown, Visitor};
use crate::seal::{self, NewSecrets, NotSaved};
use crate::{Note, owed, reply};

/// Times a rise is tried on a session that others change at the same time.
const RISES_MAX: usize = 5;

pub(crate) async fn serve(call: &Call<'_>, target: &Target, note: &mut Note) -> Answer {
    let Some(issuer) = &call.proxy.live.issuer else { return reply::no_log_in() };
    let response = Form::parse(target.query().unwrap_or_default().as_bytes())
        .ok()
        .and_then(|form| AuthorizeResponse::parse(&form, issuer).ok());
    let Some(response) = response else { return reply::bad_callback() };
    let Some(state) = State::parse(&response.state) else { return reply::bad_callback() };
    let mut tries = call.visit.jar.tries();
    let begun_here = tries.take(&state);
    let taken = match call.visitors.sessions.take_attempt(state.key()).await {
        Ok(taken) => taken,
        Err(why) => {
            note.unknown = Some(why.to_string());
            return reply::unavailable_page();
        }
    };
    match attempt::callback(begun_here, &call.site.id, taken, call.visit.now) {
        attempt::Callback::Refuse => reply::bad_callback(),
        attempt::Callback::Restart(target) => {
            log_in::begin(call, &Ask { target, asked: false, max_age: None, restarted: true }, note).await
        }
        attempt::Callback::Redeem(attempt) => match response.outcome {
            Outcome::Granted(code) => log_on(call, &state, *attempt, code, &tries, note).await,
            Outcome::Refused(_) => reply::log_in_refused(&[try_cookie(&tries)]),
        },
    }
}

async fn log_on(
    call: &Call<'_>,
    state: &State,
    attempt: Attempt,
    code: Code,
    tries: &Tries,
    note: &mut Note,
) -> Answer {
    let (target, begun_at, asked) = (attempt.target.clone(), attempt.begun_at, attempt.asked);
    let redeem = Redeem {
        site: call.site.id.clone(),
        code,
        verifier: attempt.verifier.clone(),
        nonce: attempt.nonce.clone(),
        redirect_uri: log_in::redirect_uri(call),
    };
    let proof = match call.visitors.issuer.redeem(redeem).await {
        Ok(log_on) => proof(log_on, asked, call.visit.footing),
        Err(IssuerError::Refused(_)) => return reply::log_in_refused(&[try_cookie(tries)]),
        Err(_) => return later(call, state, &attempt, tries, note).await,
    };
    let secrets = NewSecrets::draw(call.visitors);
    let risen = rise(call, &proof, &secrets, begun_at).await;
    if risen.is_err() {
        // No browser has a cookie of it, whatever was saved.
        owed::forsake(call.visitors, &proof.grant, call.visit.now).await;
    }
    match risen {
        Ok(handle) => {
            note.tell(handle, Standing::LoggedOn);
            let limits = &call.proxy.live.limits;
            let mut cookies = secrets.cookies(handle, CookieCause::LogOn, call.visitors, limits);
            cookies.push(try_cookie(tries));
            reply::redirect(target.as_str(), &cookies)
        }
        Err(NotRisen::Refused(LogOnRefused::Over)) => {
            // The credentials are too old by now: ask for them.
            let ask = Ask { target, asked: false, max_age: Some(std::time::Duration::ZERO), restarted: true };
            log_in::begin(call, &ask, note).await
        }
        // Another tab has logged on meanwhile, and the browser has its cookies.
        Err(NotRisen::Refused(LogOnRefused::Moved)) => reply::redirect(target.as_str(), &[]),
        // The store has not kept the log-on, so it is not asked to keep the attempt.
        Err(NotRisen::Unknown(Unknown(why))) => {
            note.unknown = Some(why);
            reply::unavailable_page()
        }
        Err(NotRisen::NotSaved(NotSaved(why))) => {
            note.not_saved = Some(why);
            reply::unavailable_page()
        }
    }
}

/// The IDP has not answered. Whoever repeats this address later begins anew and comes back to the same page: the attempt
/// is there again, and its value not in the cookie, so that nothing is redeemed for it.
async fn later(call: &Call<'_>, state: &State, attempt: &Attempt, tries: &Tries, note: &mut Note) -> Answer {
    let kept = call.visitors.sessions.put_attempt(state.key(), attempt).await;
    let cookies = kept.is_ok().then(|| try_cookie(tries));
    note.not_saved = kept.err().map(|why| why.to_string());
    reply::unavailable_page_with(cookies.as_slice())
}

enum NotRisen {
    Refused(LogOnRefused),
    Unknown(Unknown),
    NotSaved(NotSaved),
}

impl From<Unknown> for NotRisen {
    fn from(why: Unknown) -> Self {
        Self::Unknown(why)
    }
}

impl From<NotSaved> for NotRisen {
    fn from(why: NotSaved) -> Self {
        Self::NotSaved(why)
    }
}

/// Raises the browser's session, or makes one, within one deadline of the store's.
async fn rise(
    call: &Call<'_>,
    proof: &Proof,
    secrets: &NewSecrets,
    begun_at: Timestamp,
) -> Result<Handle, NotRisen> {
    let (limits, deadline) = (&call.proxy.live.limits, call.visitors.sessions.deadline());
    for _ in 0..RISES_MAX {
        let found = call.porter().open_fresh(deadline).await?;
        let view = found.as_ref().and_then(|visitor| visitor.view(call.visit.now, limits));
        if view.as_ref().is_some_and(|view| grace::is_stranded(view, begun_at)) {
            return Err(NotSaved("the browser has never got its newest cookies".to_owned()).into());
        }
        let fresh = secrets.fresh(call.visitors);
        let risen =
            rise::log_on(view.as_ref(), call.site.id.clone(), proof.clone(), fresh, call.visit.now, limits)
                .map_err(NotRisen::Refused)?;
        match (risen, &found) {
            (Risen::New { session, ended }, _) => {
                // First the new one: if it cannot be saved, nothing has changed.
                let handle = seal::create(call.visitors, &session, deadline).await?;
                if let (Some(_), Some(old)) = (ended, &found)
                    && let Err(why) = end_other(call, old, deadline).await
                {
                    // Nobody has its cookies. If it stays, it stays unseen.
                    let end = |new: &Session| rise::end(new, Cause::OtherUser, call.visit.now);
                    let _ = call.visitors.sessions.end(handle, |new| Some(end(&new.session))).await;
                    return Err(why);
                }
                return Ok(handle);
            }
            (Risen::Same(session), Some(visitor)) => {
                if replace(call, visitor, session, deadline).await? {
                    return Ok(visitor.handle());
                }
            }
            (Risen::Same(_), None) => break,
        }
    }
    Err(NotSaved("others came first, every time".to_owned()).into())
}

/// Ends the session that another user leaves behind, and its tokens with it. One that has risen meanwhile belongs to a
/// log-on that came later than this one, whose cookies the browser has.
async fn end_other(call: &Call<'_>, old: &Visitor, deadline: Deadline) -> Result<(), NotRisen> {
    let (visitors, now) = (call.visitors, call.visit.now);
    let debt = Debt::Session(old.handle(), Reach::Session);
    let entry = owed::write_down(visitors, debt, now, deadline).await.map_err(NotSaved::from)?;
    let ended = visitors.sessions.end_by(old.handle(), deadline, None, |newest| {
        let moved = newest.session.has_risen_since(&old.known.session);
        (!moved).then(|| rise::end(&newest.session, Cause::OtherUser, now))
    });
    match ended.await.map_err(NotSaved::from)? {
        Finished::Ended(tombstone) => {
            // The answer does not wait for an IDP that has not confirmed: who logs on is somebody else.
            owed::tell(visitors, entry, old.handle(), Reach::Session, &tombstone).await;
            Ok(())
        }
        Finished::Gone => Ok(()),
        Finished::Spared => Err(NotRisen::Refused(LogOnRefused::Moved)),
    }
}

/// Commits a rise on exactly the version it was made from. `false` when that is not the newest any more.
async fn replace(
    call: &Call<'_>,
    visitor: &Visitor,
    session: Session,
    deadline: Deadline,
) -> Result<bool, NotSaved> {
    let mut session = Some(session);
    let committed = call.visitors.sessions.commit_by(visitor.handle(), deadline, |known, _| {
        let same = known.version == visitor.known.version;
        session.take().filter(|_| same).ok_or(NoChange::Nothing)
    });
    Ok(matches!(committed.await?, Committed::Saved { .. }))
}

fn proof(log_on: LogOn, asked: bool, footing: Option<Footing>) -> Proof {
    Proof {
        user: log_on.sub,
        grant: log_on.grant,
        auth_time: log_on.auth_time,
        level: log_on.level,
        ends_at: log_on.ends_at,
        sign_on: log_on.sign_on,
        // Claims are shown, never decided by: what cannot be read is not shown.
        claims: Claims::parse(&log_on.claims).unwrap_or_default(),
        asked,
        footing,
    }
}

fn try_cookie(tries: &Tries) -> String {
    if tries.is_empty() {
        cookie::clear(Cookie::Try)
    } else {
        cookie::set(Cookie::Try, &tries.expose(), Some(ATTEMPT_LIFE))
    }
}

#[cfg(test)]
mod tests;
