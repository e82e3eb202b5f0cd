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
use crate::fall::Watch;
use crate::open::{self, Visitor};
use crate::tokens::NoToken;
use crate::{reply, seal};

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

pub(super) async fn serve(call: &Call<'_>, target: &Target) -> Answer {
    let (now, limits) = (call.visit.now, &call.proxy.live.limits);
    let Ok(mut found) = open::open_fresh(call.visitors, call.site, &call.visit, limits).await else {
        return reply::unavailable(true);
    };
    let watch = Watch {
        visitors: call.visitors,
        site: call.site,
        visit: &call.visit,
        rules: call.proxy.live.rules,
        limits,
    };
    found = match watch.enforce_fresh(found).await {
        Ok(found) => found,
        Err(_) => return reply::unavailable(true),
    };
    let slides = !says_no(target);
    if let Some(visitor) = &found
        && let Some(cause) = ended_elsewhere(call, visitor, slides).await
    {
        found = if cause == Cause::Rule {
            match watch.follow_fresh(visitor).await {
                Ok(found) => found,
                Err(_) => return reply::unavailable(true),
            }
        } else if seal::end(call.visitors, visitor, cause, now).await.is_err() {
            return reply::session_moved();
        } else {
            None
        };
    }
    if let Some(visitor) = found.as_ref().filter(|_| slides) {
        seal::keep_up(call.visitors, visitor, now, limits).await;
    }
    let view = found.as_ref().and_then(|visitor| visitor.view(now, limits));
    let touched = found.as_ref().and_then(|visitor| visitor.known.last_seen());
    reply::json(&describe(call, view.as_ref(), if slides { Some(now) } else { touched }))
}

/// Why the log-on has ended at the IDP, if it has. An IDP that cannot be asked ends nothing.
async fn ended_elsewhere(call: &Call<'_>, visitor: &Visitor, slides: bool) -> Option<Cause> {
    let now = call.visit.now;
    let view = visitor.view(now, &call.proxy.live.limits)?;
    // A call that does not slide here must not slide the IDP's sign-on session either.
    let before = visitor.known.last_seen().or(view.log_on().map(|log_on| log_on.risen_at));
    let seen = if slides { now } else { before.unwrap_or(now) };
    match call.visitors.tokens.of(call.site, Some((visitor.handle(), &view)), now, seen).await {
        Err(NoToken::Ended(cause)) => Some(cause),
        _ => None,
    }
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
