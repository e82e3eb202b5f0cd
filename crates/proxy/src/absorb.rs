//! Absorb: what an app asks of us in the head of its answer. Read here, done in `seal`.

use vestibule_domain::caching::{self, Cached, Caching};
use vestibule_domain::patch::{Answer, AnsweredBy, Patch, Place, Unheeded, heed};
use vestibule_domain::patch_refused::PatchRefused;
use vestibule_domain::standing::Standing;
use vestibule_domain::step_up::Requirement;
use vestibule_message::field::Known;
use vestibule_message::head::ResponseHead;

use crate::site::App;

/// How far a log-out goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogOut {
    /// This browser.
    This,
    /// All of the user.
    Everywhere,
}

impl LogOut {
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        match text {
            b"this" => Some(Self::This),
            b"everywhere" => Some(Self::Everywhere),
            _ => None,
        }
    }
}

/// What an app asks.
pub(crate) struct Wishes {
    pub(crate) patch: Option<Result<Patch, Refused>>,
    pub(crate) requires: Result<Option<Requirement>, Unreadable>,
    pub(crate) log_out: Result<Option<LogOut>, Unreadable>,
}

/// A wish came twice, or in words that mean nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable;

/// Why a patch is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Unheeded(Unheeded),
    Patch(PatchRefused),
}

/// Reads the head of an answer.
pub(crate) fn read(head: &ResponseHead<'_>) -> Wishes {
    let fields = head.fields();
    let count = fields.all(Known::XContextUpdate).count();
    let answer =
        Answer { status: head.status().code(), fields: count, place: Place::Head, by: AnsweredBy::App };
    let patch = fields.all(Known::XContextUpdate).next().map(|field| {
        heed(&answer).map_err(Refused::Unheeded)?;
        Patch::parse(field).map_err(Refused::Patch)
    });
    Wishes {
        patch,
        requires: wish(head, Known::XContextRequire, |field| Requirement::parse(field).ok()),
        log_out: wish(head, Known::XContextLogout, LogOut::parse),
    }
}

/// A wish that stands once or not at all. Like a patch, it does not count from an app that failed.
fn wish<W>(
    head: &ResponseHead<'_>,
    name: Known,
    parse: impl FnOnce(&[u8]) -> Option<W>,
) -> Result<Option<W>, Unreadable> {
    let fields = head.fields();
    if head.status().code() >= 500 || fields.all(name).next().is_none() {
        return Ok(None);
    }
    fields.only(name).and_then(parse).map(Some).ok_or(Unreadable)
}

/// What caches may do with the answer.
pub(crate) fn caching(
    head: &ResponseHead<'_>,
    standing: Standing,
    sets_our_cookie: bool,
    app: &App,
) -> Caching {
    let said: Vec<_> = head.fields().all(Known::CacheControl).collect();
    let joined = said.join(&b", "[..]);
    let cache_control = (!said.is_empty()).then_some(joined.as_slice());
    caching::caching(&Cached { standing, sets_our_cookie, route: app.cache, cache_control })
}
