//! Absorb: what an app asks of us in the head of its answer. Read here, done in `seal`.

use vestibule_domain::caching::{self, Cached, Caching};
use vestibule_domain::patch::{Answer, AnsweredBy, Patch, Place, heed};
use vestibule_domain::patch_refused::PatchRefused;
use vestibule_domain::standing::Standing;
use vestibule_domain::step_up::Requirement;
use vestibule_message::field::{Known, trim_ows};
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
    pub(crate) patch: Option<Result<Patch, PatchRefused>>,
    pub(crate) requires: Result<Option<Requirement>, Unreadable>,
    pub(crate) log_out: Result<Option<LogOut>, Unreadable>,
}

/// A wish came twice, or in words that mean nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable;

/// Reads the head of an answer. `was_interim` says that an update stood in one that was not final.
pub(crate) fn read(head: &ResponseHead<'_>, was_interim: bool) -> Wishes {
    let fields = head.fields();
    let status = head.status().code();
    let count = fields.all(Known::XContextUpdate).count();
    let answer = Answer { status, fields: count, place: Place::Head, by: AnsweredBy::App };
    let patch = match fields.all(Known::XContextUpdate).next() {
        Some(field) => Some(heed(&answer).map_err(PatchRefused::from).and_then(|()| Patch::parse(field))),
        // What stands elsewhere is not even read, and told all the same.
        None if was_interim => unheeded(&Answer { status: 100, fields: 1, ..answer }),
        None if is_announced(head) => unheeded(&Answer { place: Place::Trailers, fields: 1, ..answer }),
        None => None,
    };
    Wishes {
        patch,
        requires: wish(head, Known::XContextRequire, |field| Requirement::parse(field).ok()),
        log_out: wish(head, Known::XContextLogout, LogOut::parse),
    }
}

fn unheeded(answer: &Answer) -> Option<Result<Patch, PatchRefused>> {
    heed(answer).err().map(|why| Err(why.into()))
}

/// Whether trailers are to bring an update (RFC 9110 6.6.2). They come when the head has long gone.
fn is_announced(head: &ResponseHead<'_>) -> bool {
    let fields = head.fields();
    let names = fields.all(Known::Trailer).flat_map(|value| value.split(|b| *b == b','));
    names.map(trim_ows).any(|name| name.eq_ignore_ascii_case(Known::XContextUpdate.as_str().as_bytes()))
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
