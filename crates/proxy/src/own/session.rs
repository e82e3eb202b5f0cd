//! `/.vestibule/session`: who am I, and for how long. For scripts of pages; `?slide=false` does not extend anything.

use serde::Serialize;
use vestibule_domain::audit::Cause;
use vestibule_domain::identity::Timestamp;
use vestibule_domain::judge::View;
use vestibule_domain::standing::Standing;
use vestibule_message::target::Target;
use vestibule_oauth::form::Form;
use vestibule_wire::Answer;

use super::Call;
use crate::open::{NotOpened, Visitor};
use crate::request::Stopped;
use crate::{Note, reply, seal};

/// Times are Unix seconds.
#[derive(Serialize)]
struct Session {
    standing: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<u8>,
    /// When the log-on ends, whatever happens.
    #[serde(skip_serializing_if = "Option::is_none")]
    log_on_ends_at: Option<i64>,
    /// Seconds left of this standing if nothing comes any more: to that end or to the idle limit, or until a returning
    /// visitor is forgotten.
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds_left: Option<u64>,
}

pub(super) async fn serve(call: &Call<'_>, target: &Target, note: &mut Note) -> Answer {
    let (now, limits, slides) = (call.visit.now, &call.proxy.live.limits, !says_no(target));
    let found = match find(call, slides).await {
        Ok(found) => found,
        Err(why) => return Stopped::of(why, false).noted(note),
    };
    if let Some(visitor) = found.as_ref().filter(|_| slides) {
        seal::keep_up(call.visitors, visitor, now, limits).await;
    }
    let view = found.as_ref().and_then(|visitor| Some((visitor.handle(), visitor.view(now, limits)?)));
    if let Some((handle, view)) = &view {
        note.tell(*handle, view.standing());
    }
    let touched = found.as_ref().and_then(|visitor| visitor.known.last_seen());
    let view = view.map(|(_, view)| view);
    reply::json(&describe(call, view.as_ref(), if slides { Some(now) } else { touched }))
}

/// The visitor whom a page would find now.
async fn find(call: &Call<'_>, slides: bool) -> Result<Option<Visitor>, NotOpened> {
    let (porter, deadline) = (call.porter(), || call.visitors.sessions.deadline());
    let mut found = porter.open_fresh(deadline()).await?;
    if porter.falls(found.as_ref()).await? {
        found = porter.open_fresh(deadline()).await?;
    }
    let Some(visitor) = &found else { return Ok(None) };
    match ended_elsewhere(call, visitor, slides).await {
        None => Ok(found),
        Some(Cause::Rule) => {
            porter.follow(visitor).await?;
            Ok(porter.open_fresh(deadline()).await?)
        }
        Some(cause) => {
            let ended = seal::end(call.visitors, visitor, cause, call.visit.now).await;
            ended.map(|()| None).map_err(|_| NotOpened::Moved)
        }
    }
}

/// Why the log-on has ended at the IDP, if it has. An IDP that cannot be asked ends nothing.
async fn ended_elsewhere(call: &Call<'_>, visitor: &Visitor, slides: bool) -> Option<Cause> {
    let (now, limits, tokens) = (call.visit.now, &call.proxy.live.limits, &call.visitors.tokens);
    let view = visitor.view(now, limits)?;
    // A call that does not slide here must not slide the IDP's sign-on session either.
    let before = visitor.known.last_seen().or(view.log_on().map(|log_on| log_on.risen_at));
    let seen = if slides { now } else { before.unwrap_or(now) };
    let why = tokens.of(call.site, Some((visitor.handle(), &view)), now, seen).await.err()?;
    tokens.end_of(&view, &why, now, limits)
}

/// Whether the call is not to extend anything.
fn says_no(target: &Target) -> bool {
    let form = Form::parse(target.query().unwrap_or_default().as_bytes());
    form.is_ok_and(|form| matches!(form.get("slide"), Ok(Some("false"))))
}

fn describe(call: &Call<'_>, view: Option<&View<'_>>, touched: Option<Timestamp>) -> Session {
    let standing = view.map_or(Standing::Anonymous, View::standing).as_str();
    let log_on = view.and_then(View::log_on);
    let limits = &call.proxy.live.limits;
    let ends_at = log_on.map(|log_on| log_on.ends_at.min(log_on.auth_time + limits.log_on));
    Session {
        standing,
        user: log_on.map(|log_on| log_on.user.to_string()),
        level: log_on.map(|log_on| log_on.level),
        log_on_ends_at: ends_at.map(Timestamp::as_secs),
        seconds_left: view.map(|view| view.lasts_until(touched, limits).since(call.visit.now).as_secs()),
    }
}

#[cfg(test)]
mod tests;
