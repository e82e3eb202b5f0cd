//! What a run says while it lasts, on standard error with the time since its start. The tables come to standard output
//! when all is done.

use std::fmt;
use std::io::Write as _;
use std::time::Duration;

use crate::stopwatch::Stopwatch;

/// A run under way.
#[derive(Clone, Copy)]
pub(crate) struct Progress(Stopwatch);

impl Progress {
    /// It starts now.
    pub(crate) fn start() -> Self {
        Self(Stopwatch::start())
    }

    /// How long it has lasted.
    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }

    /// Tells whoever looks on.
    pub(crate) fn say(self, what: impl fmt::Display) {
        let at = self.elapsed().as_secs();
        // Where nobody listens there is nobody to tell.
        let _unheard = writeln!(std::io::stderr(), "[{:2}:{:02}] {what}", at / 60, at % 60);
    }
}

/// A length of time as people say it.
pub(crate) fn about(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..=119 => format!("{seconds} s"),
        seconds => format!("{} min", (seconds + 30) / 60),
    }
}

#[cfg(test)]
mod tests;
