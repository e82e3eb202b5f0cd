//! How long visitors have waited since their requests were due, by what they wanted.

use std::fmt;
use std::io;
use std::time::Duration;

use hdrhistogram::Histogram;

use super::mix::Step;

/// Latencies in microseconds, a histogram for each kind of step.
#[derive(Clone, Debug)]
pub(super) struct Latencies {
    pages: Histogram<u64>,
    patches: Histogram<u64>,
    log_ons: Histogram<u64>,
}

impl Latencies {
    pub(super) fn new() -> io::Result<Self> {
        let none = Histogram::new(3).map_err(io::Error::other)?;
        Ok(Self { pages: none.clone(), patches: none.clone(), log_ons: none })
    }

    pub(super) fn note(&mut self, step: &Step, took: Duration) -> io::Result<()> {
        let kind = match step {
            Step::Page(_) => &mut self.pages,
            Step::Patch(_) => &mut self.patches,
            Step::LogOn => &mut self.log_ons,
        };
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        kind.record(took.max(1)).map_err(io::Error::other)
    }

    /// Those of another slice are part of this.
    pub(super) fn add(&mut self, other: &Self) {
        let kinds = [
            (&mut self.pages, &other.pages),
            (&mut self.patches, &other.patches),
            (&mut self.log_ons, &other.log_ons),
        ];
        for (ours, theirs) in kinds {
            // Both grow as they need to, so nothing is too large.
            let _ = ours.add(theirs);
        }
    }
}

/// Three columns of a table: the middle, the slowest of a hundred, the slowest of all.
impl fmt::Display for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |microseconds: u64| microseconds as f64 / 1e3;
        for (number, kind) in [&self.pages, &self.patches, &self.log_ons].into_iter().enumerate() {
            let at = |share| ms(kind.value_at_quantile(share));
            let between = if number > 0 { " | " } else { "" };
            write!(f, "{between}{:.1} / {:.1} / {:.0}", at(0.5), at(0.99), ms(kind.max()))?;
        }
        Ok(())
    }
}
