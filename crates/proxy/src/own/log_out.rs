//! `/.vestibule/logout` (POST, `scope=this|everywhere`): first the session's tombstone, then the IDP's end, then the
//! answer. A log-out that is not certain is never reported as done.

use std::sync::Arc;

use vestibule_domain::audit::Cause;
use vestibule_domain::cookie;
use vestibule_domain::csrf;
use vestibule_domain::grace;
use vestibule_domain::identity::Timestamp;
use vestibule_domain::limits::Limits;
use vestibule_domain::owed::{Debt, Reach};
use vestibule_domain::rise;
use vestibule_domain::session::Session;
use vestibule_message::field::{Known, trim_ows};
use vestibule_message::head::RequestHead;
use vestibule_sessions::{Deadline, Finished};
use vestibule_wire::{Answer, Exchange};

use super::Call;
use crate::absorb::LogOut;
use crate::open::{Damaged, Unknown, Visitor};
use crate::{Note, Visitors, owed, reply};

/// Bytes a log-out form may have.
const FORM_BYTES_MAX: usize = 4 * 1024;

/// A log-out, tried.
pub(crate) struct Left {
    pub(crate) outcome: LoggedOut,
    /// `Set-Cookie` values. Empty unless this very call has ended the session: a late answer must not clear the cookies
    /// of a newer log-on.
    pub(crate) cookies: Vec<String>,
    /// Why nothing has ended, for the log.
    pub(crate) not_saved: Option<String>,
}

/// What became of a log-out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoggedOut {
    /// Everywhere it should.
    Done,
    /// Here; the IDP has not confirmed the rest.
    HereOnly,
    /// Here; everywhere was asked for by somebody who is not logged on any more.
    NotEverywhere,
    /// Nothing has ended.
    Failed,
}

pub(super) async fn serve(call: &Call<'_>, x: &mut Exchange<'_, Note>) -> Answer {
    if csrf::check(&call.visit.fetch, call.visit.jar.any_of_ours()).is_err() {
        return reply::cross_site();
    }
    if call.visit.jar.is_doubled() {
        return reply::not_logged_out();
    }
    let is_form = is_form(&x.head());
    let Ok(body) = x.body(FORM_BYTES_MAX).await else { return reply::bad_form() };
    if !is_form && !body.is_empty() {
        return reply::no_form();
    }
    let scope = vestibule_oauth::form::Form::parse(&body).ok().and_then(|form| {
        let scope = form.get("scope").ok()?.unwrap_or("this");
        LogOut::parse(scope.as_bytes())
    });
    let Some(scope) = scope else { return reply::bad_form() };
    let limits = &call.proxy.live.limits;
    // One for all that the store is asked before there is an answer.
    let deadline = call.visitors.sessions.deadline();
    let (found, damaged) = match call.porter().open_to_end(deadline).await {
        Ok(found) => found,
        Err(Unknown(why)) => {
            x.note().unknown = Some(why);
            return reply::not_logged_out();
        }
    };
    x.note().unreadable = damaged.as_ref().map(|damaged| damaged.why.clone());
    let Some(visitor) = found else { return nobody_to_end(damaged.as_ref()) };
    if let Some(view) = visitor.view(call.visit.now, limits) {
        x.note().tell(visitor.handle(), view.standing());
    }
    if grace::check(visitor.key, call.visit.fetch.method).is_err() {
        return reply::session_moved();
    }
    let left = end_everything(call.visitors, call.visit.now, &visitor, scope, limits, deadline).await;
    let Left { outcome, cookies, not_saved } = left;
    x.note().not_saved = not_saved;
    match outcome {
        // The browser had another session, too.
        LoggedOut::Done if damaged.is_some() => reply::logged_out_of_damaged(&cookies),
        LoggedOut::Done => reply::redirect("/", &cookies),
        LoggedOut::HereOnly => reply::logged_out_here_only(&cookies),
        LoggedOut::NotEverywhere => reply::not_logged_out_everywhere(&cookies),
        LoggedOut::Failed => reply::not_logged_out(),
    }
}

/// Nobody is logged on here, as far as anybody can tell. A damaged session may have been: the IDP cannot be told of its
/// log-on, which may live on there and on other sites.
fn nobody_to_end(damaged: Option<&Damaged>) -> Answer {
    match damaged {
        None => reply::redirect("/", &[]),
        Some(Damaged { is_ended: true, .. }) => reply::logged_out_of_damaged(&[]),
        Some(Damaged { is_ended: false, .. }) => reply::not_logged_out(),
    }
}

/// Whether the body is a form as browsers send one, or nothing is said of it.
fn is_form(head: &RequestHead<'_>) -> bool {
    let form = b"application/x-www-form-urlencoded";
    head.fields().all(Known::ContentType).all(|value| {
        let media_type = value.split(|b| *b == b';').next().unwrap_or_default();
        trim_ows(media_type).eq_ignore_ascii_case(form)
    })
}

/// Ends a session and what belongs to it: what the record holds at that very moment, not what it held when the request
/// was opened.
pub(crate) async fn end_everything(
    visitors: &Visitors,
    now: Timestamp,
    visitor: &Visitor,
    asked: LogOut,
    limits: &Limits,
    deadline: Deadline,
) -> Left {
    let failed = |why: String| Left { outcome: LoggedOut::Failed, cookies: Vec::new(), not_saved: Some(why) };
    // Who is not logged on by now speaks for this browser, not for the user.
    let is_user = visitor.view(now, limits).is_some_and(|view| view.log_on().is_some());
    let reach = if is_user && asked == LogOut::Everywhere { Reach::User } else { Reach::SignOn };
    let debt = Debt::Session(visitor.handle(), reach);
    let entry = match owed::write_down(visitors, debt, now, deadline).await {
        Ok(entry) => entry,
        Err(why) => return failed(why.to_string()),
    };
    let end = |session: &Session| {
        let everywhere = reach == Reach::User && session.log_on().is_some();
        rise::end(session, if everywhere { Cause::LogOutEverywhere } else { Cause::LogOut }, now)
    };
    let (handle, known) = (visitor.handle(), Some(Arc::clone(&visitor.known)));
    let ended = visitors.sessions.end_by(handle, deadline, known, |newest| Some(end(&newest.session))).await;
    let (tombstone, cookies) = match ended {
        Ok(Finished::Ended(tombstone)) => (*tombstone, cookie::clear_session().to_vec()),
        // Somebody else was faster, and may not have told the IDP as much.
        Ok(Finished::Gone | Finished::Spared) => (end(&visitor.known.session), Vec::new()),
        Err(why) => return failed(why.to_string()),
    };
    let confirmed = owed::tell(visitors, entry, visitor.handle(), reach, &tombstone).await;
    let outcome = match (asked, tombstone.cause) {
        _ if !confirmed => LoggedOut::HereOnly,
        (LogOut::Everywhere, Cause::LogOut) => LoggedOut::NotEverywhere,
        _ => LoggedOut::Done,
    };
    Left { outcome, cookies, not_saved: None }
}

#[cfg(test)]
mod tests;
