//! Absorb: what an app asks of us in the head of its answer. Read here, done in `seal`.

use vestibule_domain::caching::{self, Cached, Caching};
use vestibule_domain::patch::{Patch, heed};
use vestibule_domain::patch_refused::{PatchRefused, Unheeded};
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
    let (fields, status) = (head.fields(), head.status().code());
    let requires = wish(head, Known::XContextRequire, |field| Requirement::parse(field).ok());
    let log_out = wish(head, Known::XContextLogout, LogOut::parse);
    let logs_out = matches!(log_out, Ok(Some(_)));
    let count = fields.all(Known::XContextUpdate).count();
    let patch = match fields.all(Known::XContextUpdate).next() {
        Some(field) => {
            Some(heed(status, count, logs_out).map_err(PatchRefused::from).and_then(|()| Patch::parse(field)))
        }
        // What stands elsewhere is not even read, and told all the same.
        None if was_interim => Some(Err(Unheeded::NotFinal.into())),
        None if is_announced(head) => Some(Err(Unheeded::Trailers.into())),
        None => None,
    };
    Wishes { patch, requires, log_out }
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
