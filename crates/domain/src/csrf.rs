//! Cross-site requests: what changes something must come from the site's own pages.
//! Must not know sessions; whether a cookie of ours came along is a parameter.

use crate::fetch::{Fetch, FetchSite, Origin};

/// Why an unsafe request is refused before anything else happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CrossSite {
    /// `Origin` names somebody else, or nobody (`null`).
    #[error("Origin is not this site's")]
    Origin,
    /// `Sec-Fetch-Site` says that another site made it.
    #[error("Sec-Fetch-Site is not same-origin")]
    FetchSite,
    /// Neither field names a page of anybody's, but a cookie of ours came: an old browser, or a forgery that hides where it
    /// comes from.
    #[error("neither Origin nor Sec-Fetch-Site names a page, but a cookie came")]
    Unsaid,
}

/// Whether the request may go on. Routes that opt out do not ask.
pub fn check(fetch: &Fetch, carries_our_cookie: bool) -> Result<(), CrossSite> {
    if fetch.method.is_safe() {
        return Ok(());
    }
    if fetch.origin == Origin::Foreign {
        return Err(CrossSite::Origin);
    }
    match fetch.site {
        FetchSite::SameOrigin => Ok(()),
        FetchSite::SameSite | FetchSite::CrossSite => Err(CrossSite::FetchSite),
        // `none` says that the visitor did it, not from whose page: a form that a browser sends again has its `Origin`.
        FetchSite::None | FetchSite::Absent if fetch.origin == Origin::Absent && carries_our_cookie => {
            Err(CrossSite::Unsaid)
        }
        FetchSite::None | FetchSite::Absent => Ok(()),
    }
}

#[cfg(test)]
mod tests;
