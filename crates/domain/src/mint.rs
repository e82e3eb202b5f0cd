//! May this request create a session? A patch of an anonymous visitor does, unless its cookies could overwrite a
//! session that is alive somewhere.
//! Must not know what the patch says.

use crate::fetch::{Fetch, FetchSite, Origin};

/// What became of one session cookie of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It was not sent.
    NotSent,
    /// It was sent and finds nothing that lives: ended, expired, another site's, or no value of ours at all.
    Gone,
    /// It finds a session, read from the store itself, whose secret is another.
    WrongSecret,
    /// It could not be resolved.
    Unknown,
    /// It came twice, with whatever values.
    Doubled,
}

/// Leave to create one session.
#[derive(Debug)]
pub struct MintPermit(());

/// Why no session may be created; the page is delivered without the patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MintRefused {
    /// A cookie that could not be resolved may still be a session's.
    #[error("the session cookie could not be resolved")]
    Unknown,
    /// Two cookies of one name.
    #[error("two session cookies of one name")]
    Doubled,
    /// Another site made the request, so the browser may have held its cookies back.
    #[error("the request comes from another site")]
    CrossSite,
}

/// Decides by the fates of both session cookies and by what the browser says of the request.
pub fn check(vst: Fate, keep: Fate, fetch: &Fetch) -> Result<MintPermit, MintRefused> {
    let carried = [vst, keep];
    if carried.contains(&Fate::Doubled) {
        return Err(MintRefused::Doubled);
    }
    if carried.contains(&Fate::Unknown) {
        return Err(MintRefused::Unknown);
    }
    let by_own_page = matches!(fetch.site, FetchSite::SameOrigin | FetchSite::None | FetchSite::Absent)
        && fetch.origin != Origin::Foreign;
    if by_own_page || fetch.is_top_navigation() { Ok(MintPermit(())) } else { Err(MintRefused::CrossSite) }
}

#[cfg(test)]
mod tests;
