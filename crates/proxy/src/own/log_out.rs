//! `/.vestibule/logout` (POST, `scope=this|everywhere`): first the session's tombstone, then the IDP's end, then the
//! answer. A log-out that is not certain is never reported as done.

use std::sync::Arc;
use std::time::Duration;

use vestibule_domain::audit::{Cause, Tombstone};
use vestibule_domain::cookie;
use vestibule_domain::csrf;
use vestibule_domain::grace;
use vestibule_domain::identity::{Handle, Timestamp};
use vestibule_domain::limits::Limits;
use vestibule_domain::rise;
use vestibule_ports::issuer::{End, Issuer};
use vestibule_ports::session_store::StoreError;
use vestibule_sessions::Found;
use vestibule_wire::{Answer, Exchange};

use super::Call;
use crate::absorb::LogOut;
use crate::open::{self, Visitor};
use crate::{Note, Visitors, reply};

/// Bytes a log-out form may have.
const FORM_BYTES_MAX: usize = 4 * 1024;
/// How often the IDP is told again of an end that it did not confirm, each time after twice the wait.
const RETRIES_MAX: u32 = 10;
/// The first wait.
const RETRY_AFTER: Duration = Duration::from_millis(500);

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
    let Ok(body) = x.body(FORM_BYTES_MAX).await else { return reply::bad_form() };
    let scope = vestibule_oauth::form::Form::parse(&body).ok().and_then(|form| {
        let scope = form.get("scope").ok()?.unwrap_or("this");
        LogOut::parse(scope.as_bytes())
    });
    let Some(scope) = scope else { return reply::bad_form() };
    let limits = &call.proxy.live.limits;
    let found = open::open_fresh(call.visitors, call.site, &call.visit, limits).await;
    let Ok(found) = found else { return reply::not_logged_out() };
    let Some(visitor) = found else { return reply::redirect("/", &[]) };
    if grace::check(visitor.key, call.visit.fetch.method).is_err() {
        return reply::session_moved();
    }
    match end_everything(call.visitors, call.visit.now, &visitor, scope, limits).await {
        LoggedOut::Done => reply::redirect("/", &cookie::clear_session()),
        LoggedOut::HereOnly => reply::logged_out_here_only(&cookie::clear_session()),
        LoggedOut::NotEverywhere => reply::not_logged_out_everywhere(&cookie::clear_session()),
        LoggedOut::Failed => reply::not_logged_out(),
    }
}

/// Ends a session and what belongs to it: what the record holds now, not what it held when the request was opened.
pub(crate) async fn end_everything(
    visitors: &Visitors,
    now: Timestamp,
    visitor: &Visitor,
    asked: LogOut,
    limits: &Limits,
) -> LoggedOut {
    let newest = match visitors.sessions.get_fresh(visitor.handle()).await {
        Ok(Found::Live(known, _)) => known,
        Ok(Found::Gone) => Arc::clone(&visitor.known),
        Ok(Found::Stale { .. }) | Err(_) => return LoggedOut::Failed,
    };
    // Who is not logged on by now speaks for this browser, not for the user.
    let is_user = visitor.view(now, limits).is_some_and(|view| view.log_on().is_some());
    let scope = if is_user { asked } else { LogOut::This };
    let cause = match scope {
        LogOut::This => Cause::LogOut,
        LogOut::Everywhere => Cause::LogOutEverywhere,
    };
    let tombstone = rise::end(&newest.session, cause, now);
    if visitors.sessions.end(visitor.handle(), &tombstone).await.is_err() {
        return LoggedOut::Failed;
    }
    let ends = ends(visitor, &tombstone, scope);
    for (at, end) in ends.iter().enumerate() {
        if visitors.issuer.end(end.clone(), cause).await.is_err() {
            tell_again(&visitors.issuer, ends[at..].to_vec(), cause);
            return LoggedOut::HereOnly;
        }
    }
    if scope == asked { LoggedOut::Done } else { LoggedOut::NotEverywhere }
}

/// Ends the session that another user leaves behind, and its tokens with it.
pub(super) async fn end_other(
    visitors: &Visitors,
    handle: Handle,
    tombstone: &Tombstone,
) -> Result<(), StoreError> {
    visitors.sessions.end(handle, tombstone).await?;
    let end = End::Session { sid: handle, ep: tombstone.epoch };
    if visitors.issuer.end(end.clone(), tombstone.cause).await.is_err() {
        tell_again(&visitors.issuer, vec![end], tombstone.cause);
    }
    Ok(())
}

/// What the IDP has to end, from the tombstone.
fn ends(visitor: &Visitor, tombstone: &Tombstone, scope: LogOut) -> Vec<End> {
    let mut ends = vec![End::Session { sid: visitor.handle(), ep: tombstone.epoch }];
    ends.extend(match (scope, &tombstone.user, &tombstone.sign_on) {
        (LogOut::Everywhere, Some(user), _) => Some(End::User(user.clone())),
        (_, _, Some(sign_on)) => Some(End::SignOn(sign_on.clone())),
        _ => None,
    });
    ends
}

/// Tells the IDP in the background until it confirms.
fn tell_again(issuer: &Arc<dyn Issuer>, ends: Vec<End>, cause: Cause) {
    let issuer = Arc::clone(issuer);
    tokio::spawn(async move {
        let mut wait = RETRY_AFTER;
        for _ in 0..RETRIES_MAX {
            tokio::time::sleep(wait).await;
            wait *= 2;
            let mut confirmed = true;
            for end in &ends {
                confirmed &= issuer.end(end.clone(), cause).await.is_ok();
            }
            if confirmed {
                return;
            }
        }
    });
}
