//! Asking a visitor to log on, or to log on again: what a route requires before its app is called, and what an app
//! demands in its answer.
//! Must not know status codes; `fetch` says whether the answer may be a redirect.

use std::time::Duration;

use crate::fetch::Fetch;
use crate::identity::Timestamp;
use crate::judge::View;
use crate::limits::Limits;
use crate::session::LogOn;
use crate::standing::Standing;

/// What a visitor must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requirement {
    /// The least standing.
    pub standing: Standing,
    /// How long ago the credentials may have been given.
    pub max_age: Option<Duration>,
}

/// `x-context-require` says nothing that can be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed requirement")]
pub struct MalformedRequirement;

/// How the visitor is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ask {
    /// A page: by a redirect to the log-in, which comes back.
    Redirect,
    /// Anything else: by a problem document that names the log-in. A script would follow a redirect blindly, and a
    /// form's body would be lost.
    Problem,
}

/// An app asks for what it has just been given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("step-up asked for again without effect")]
pub struct StepUpLoop;

impl Requirement {
    /// Any visitor of at least this standing.
    pub const fn of(standing: Standing) -> Self {
        Self { standing, max_age: None }
    }

    /// Reads `x-context-require`: `logged-on`, or `logged-on; max-age=SECONDS`.
    pub fn parse(field: &[u8]) -> Result<Self, MalformedRequirement> {
        let text = str::from_utf8(field).map_err(|_| MalformedRequirement)?;
        let (standing, parameter) = match text.split_once(';') {
            None => (text, None),
            Some((standing, parameter)) => (standing, Some(parameter.trim_ascii())),
        };
        if standing.trim_ascii() != Standing::LoggedOn.as_str() {
            return Err(MalformedRequirement);
        }
        let max_age = parameter.map(|parameter| {
            let digits =
                parameter.strip_prefix("max-age=").filter(|it| it.bytes().all(|b| b.is_ascii_digit()));
            digits.and_then(|digits| digits.parse().ok()).map(Duration::from_secs).ok_or(MalformedRequirement)
        });
        Ok(Self { standing: Standing::LoggedOn, max_age: max_age.transpose()? })
    }

    /// Whether a visitor has it; `None` is an anonymous one.
    pub fn is_met(&self, visitor: Option<&View<'_>>, now: Timestamp) -> bool {
        let standing = visitor.map_or(Standing::Anonymous, View::standing);
        let log_on = visitor.and_then(View::log_on);
        let fresh = self.max_age.is_none_or(|age| log_on.is_some_and(|log_on| is_fresh(log_on, age, now)));
        standing >= self.standing && fresh
    }

    /// Whether the log-on was what this demands when it was made. Nothing comes back from the log-in at no age at all.
    fn was_met(&self, log_on: &LogOn) -> bool {
        self.max_age.is_none_or(|age| !age.is_zero() && is_fresh(log_on, age, log_on.risen_at))
    }
}

fn is_fresh(log_on: &LogOn, age: Duration, now: Timestamp) -> bool {
    now.since(log_on.auth_time) <= age
}

/// How the request's visitor would be asked to log on.
pub fn ask(fetch: &Fetch) -> Ask {
    if fetch.is_page() { Ask::Redirect } else { Ask::Problem }
}

/// What an app's demand leads to. A log-on that an app had asked for, and that was not what this demands even when it was
/// made, has had no effect: asking for ever would be a loop.
pub fn demanded(
    requirement: &Requirement,
    visitor: Option<&View<'_>>,
    fetch: &Fetch,
    now: Timestamp,
    limits: &Limits,
) -> Result<Ask, StepUpLoop> {
    let answered = visitor.and_then(View::log_on).filter(|log_on| log_on.asked);
    let in_vain =
        |log_on: &LogOn| now.since(log_on.risen_at) < limits.step_up_again && !requirement.was_met(log_on);
    if answered.is_some_and(in_vain) {
        return Err(StepUpLoop);
    }
    Ok(ask(fetch))
}

#[cfg(test)]
mod tests;
