//! When the session store cannot be asked: unknown is not anonymous, and what was cached goes on for a while.
//! Must not know how an outage is noticed.

use std::time::Duration;

use crate::fetch::Method;

/// How long after the last live lease a cached session may serve while the store cannot be reached, at most.
pub const UNFRESH_MAX: Duration = Duration::from_secs(10);

/// What a route does with a visitor whose cookie cannot be resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum WhenUnknown {
    /// Refuses for now.
    #[default]
    Refuse,
    /// Goes on as if anonymous, marked as degraded: nothing is patched and no cookie set.
    Anonymous,
}

/// The request cannot be served now. Cookies stay as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// Whose request it is cannot be found out.
    #[error("the session cannot be read")]
    Unknown,
    /// The app might change the context, and that could not be saved.
    #[error("a change could not be saved")]
    Unsaved,
}

/// What a visitor is whose cookie cannot be resolved: on a route that opts in, anonymous and degraded.
pub fn unresolved(route: WhenUnknown) -> Result<(), Unavailable> {
    match route {
        WhenUnknown::Refuse => Err(Unavailable::Unknown),
        WhenUnknown::Anonymous => Ok(()),
    }
}

/// Whether a request may be served from a session that was cached before the store was lost, this long after the
/// last live lease, and at most `unfresh_max` after it; zero allows none. An order must not be placed twice because its
/// patch could not be saved.
pub fn unfresh(
    since_lease: Duration,
    unfresh_max: Duration,
    method: Method,
    app_writes: bool,
) -> Result<(), Unavailable> {
    if unfresh_max.is_zero() || since_lease > unfresh_max.min(UNFRESH_MAX) {
        return Err(Unavailable::Unknown);
    }
    if app_writes && !method.is_safe() { Err(Unavailable::Unsaved) } else { Ok(()) }
}

/// Whether a visitor can be said to have, or to lack, the log-on that an app demands. Not by a copy from before the store
/// was lost: the log-on may have ended since, or a newer one have come.
pub fn demanded(is_certain: bool) -> Result<(), Unavailable> {
    if is_certain { Ok(()) } else { Err(Unavailable::Unknown) }
}

#[cfg(test)]
mod tests;
