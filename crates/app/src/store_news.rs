//! Tells whoever runs the process when the session store is lost, and when it is back: a line each, not one a request.
//! Knows no visitor.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use vestibule_ports::clock::{Clock, Mono};
use vestibule_ports::session_store::StoreError;

/// What fails for less long is told in access lines only.
const LOST_FOR: Duration = Duration::from_secs(1);
/// How long it is kept to itself after it was told last that it was lost.
const SELDOM: Duration = Duration::from_mins(1);
/// A call that is given up sooner was given up by a client who went away.
const GIVEN_UP_AFTER: Duration = Duration::from_millis(50);

/// What a call to the store does. A full disk can be read and not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Read,
    Write,
    /// A beat or a sweep, which needs hardly any room: where it fails nothing can be written, and that it works does not show
    /// that anything can be saved.
    Chore,
}

/// What is known of the store.
pub(crate) struct StoreNews {
    clock: Arc<dyn Clock>,
    reads: Mutex<Spell>,
    writes: Mutex<Spell>,
}

/// Since when calls have failed, without one that did not.
#[derive(Debug, Default)]
struct Spell {
    calls: Option<Mono>,
    chores: Option<Mono>,
    /// Since when what has been told of this spell fails.
    told: Option<Mono>,
    told_at: Option<Mono>,
}

impl StoreNews {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, reads: Mutex::default(), writes: Mutex::default() }
    }

    /// Listens to a call that begins now.
    pub(crate) fn listen(self: &Arc<Self>, kind: Kind) -> Listening {
        Listening { news: Arc::clone(self), kind, begun: self.clock.mono(), is_over: false }
    }

    fn hear(&self, kind: Kind, failure: Option<&str>) {
        let spell = if kind == Kind::Read { &self.reads } else { &self.writes };
        let told =
            spell.lock().unwrap_or_else(PoisonError::into_inner).hear(kind, failure, self.clock.mono());
        if let Some(line) = told {
            vestibule_wire::tell(line);
        }
    }
}

impl Spell {
    /// What there is to be told now.
    fn hear(&mut self, kind: Kind, failure: Option<&str>, now: Mono) -> Option<String> {
        let done = if kind == Kind::Read { "read" } else { "written" };
        let mine = if kind == Kind::Chore { &mut self.chores } else { &mut self.calls };
        let Some(why) = failure else {
            *mine = None;
            if kind == Kind::Chore && self.calls.is_some() {
                return None;
            }
            self.chores = None;
            let lasted = now.since(self.told.take()?).as_secs();
            return Some(format!("the session store can be {done} again, after {lasted} seconds"));
        };
        let since = *mine.get_or_insert(now);
        let is_due = now.since(since) >= LOST_FOR && self.told_at.is_none_or(|at| now.since(at) >= SELDOM);
        if self.told.is_some() || !is_due {
            return None;
        }
        (self.told, self.told_at) = (Some(since), Some(now));
        Some(format!("the session store cannot be {done}: {why}"))
    }
}

/// A call to the store that is under way. Dropped without an end, it had no answer in time.
pub(crate) struct Listening {
    news: Arc<StoreNews>,
    kind: Kind,
    begun: Mono,
    is_over: bool,
}

impl Listening {
    /// The call has its answer.
    pub(crate) fn end<T>(mut self, answer: &Result<T, StoreError>) {
        self.is_over = true;
        match answer {
            // Of one entry, or of us: the store itself has answered.
            Ok(_) | Err(StoreError::Corrupt(_) | StoreError::Newer(_) | StoreError::Bug(_)) => {
                self.news.hear(self.kind, None);
            }
            Err(why) => self.news.hear(self.kind, Some(&why.to_string())),
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        if !self.is_over && self.news.clock.mono().since(self.begun) >= GIVEN_UP_AFTER {
            self.news.hear(self.kind, Some("no answer in time"));
        }
    }
}

#[cfg(test)]
mod tests;
