//! Lines for whoever runs the process, on standard error: seldom, and never waited for, since nobody may be reading.

use std::io::Write as _;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crate::tick;

/// How often one notice is given at most.
const SELDOM: Duration = Duration::from_mins(1);
/// Lines that may wait to be written; more are lost.
const WAITING_MAX: usize = 16;

static WRITER: OnceLock<Option<SyncSender<String>>> = OnceLock::new();

/// Writes `vestibule: TEXT` on standard error, by a thread of its own.
pub fn tell(text: impl std::fmt::Display) {
    let writer = WRITER.get_or_init(|| {
        let (lines, waiting) = sync_channel::<String>(WAITING_MAX);
        let write = move || {
            for line in waiting {
                // Nothing is left to be done when even this cannot be written.
                let _ = std::io::stderr().write_all(line.as_bytes());
            }
        };
        std::thread::Builder::new().name("notices".to_owned()).spawn(write).ok().map(|_| lines)
    });
    if let Some(lines) = writer {
        // What does not fit is lost: whoever has something to say has something to do.
        let _ = lines.try_send(format!("vestibule: {text}\n"));
    }
}

/// Something that may be worth a line again and again, and is told once a minute at most.
#[derive(Debug, Default)]
pub struct Notice(Mutex<Option<Instant>>);

impl Notice {
    /// Nothing has been told yet.
    pub const fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// Tells it, unless it was told within the last minute. Whether it was told now.
    pub fn give<T: std::fmt::Display>(&self, text: impl FnOnce() -> T) -> bool {
        let is_due = self.is_due(tick::now());
        if is_due {
            tell(text());
        }
        is_due
    }

    fn is_due(&self, now: Instant) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = last.is_none_or(|last| now.duration_since(last) >= SELDOM);
        if is_due {
            *last = Some(now);
        }
        is_due
    }
}

#[cfg(test)]
mod tests;
