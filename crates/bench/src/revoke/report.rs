//! The table of a run: for each store, when revocations were true everywhere.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use super::trial::{Cause, Times, Trial};
use crate::fault::Fault;
use crate::machine::Machine;
use crate::page;

/// By when all but one in a hundred revocations must be true everywhere.
const BOUND: Duration = Duration::from_millis(250);

const BEGIN: &str = "<!-- revocation: begin (cargo xtask bench revoke --write) -->";
const END: &str = "<!-- revocation: end -->";

/// What was measured.
pub(crate) struct Report {
    pub(super) machine: Machine,
    pub(super) stores: Vec<(&'static str, Times)>,
    pub(super) gated: bool,
}

impl Report {
    /// Whether the measurement is good enough, where it was asked.
    pub(crate) fn passes(&self) -> bool {
        let is_soon = |trials: &[Trial]| {
            let times: Vec<_> = trials.iter().map(Trial::everywhere).collect();
            percentile(&times, 99) <= BOUND
        };
        !self.gated || self.stores.iter().flat_map(|(_, times)| times.values()).all(|trials| is_soon(trials))
    }

    /// Puts the table into a page, between its marks.
    pub(super) fn write(&self, page: &Path) -> Result<(), Fault> {
        page::put(page, [BEGIN, END], &self.to_string())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}.", self.machine)?;
        writeln!(
            f,
            "Two proxies, two gateways and a log-in, a process each, all with warm caches. Milliseconds from the \
             acknowledgement at one node to the first refusal at the slowest of the others, each asked without a pause.\n"
        )?;
        writeln!(
            f,
            "| store | revocation | trials | proxies p50 / p99 / max | gateways p50 / p99 / max | everywhere p50 / p99 / max |"
        )?;
        writeln!(f, "|---|---|---:|---:|---:|---:|")?;
        for (store, times) in &self.stores {
            for cause in Cause::ALL {
                let trials = times.get(&cause).map_or(&[][..], Vec::as_slice);
                let cell = |of: fn(&Trial) -> Duration| cell(&trials.iter().map(of).collect::<Vec<_>>());
                writeln!(
                    f,
                    "| {store} | {} | {} | {} | {} | {} |",
                    cause.name(),
                    trials.len(),
                    cell(|trial| trial.proxies),
                    cell(|trial| trial.gateways),
                    cell(Trial::everywhere),
                )?;
            }
        }
        if self.gated {
            let outcome = if self.passes() { "held" } else { "missed" };
            writeln!(f, "\nThe bound of {} ms at p99 is {outcome}.", BOUND.as_millis())?;
        }
        Ok(())
    }
}

/// Median, 99th percentile and longest.
fn cell(times: &[Duration]) -> String {
    if times.is_empty() {
        return "-".to_owned();
    }
    let ms = |share| format!("{:.1}", percentile(times, share).as_secs_f64() * 1e3);
    format!("{} / {} / {}", ms(50), ms(99), ms(100))
}

/// The time that this share of all, in percent, did not exceed. Of nothing it is nothing.
fn percentile(times: &[Duration], share: usize) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let at = (sorted.len() * share).div_ceil(100).saturating_sub(1);
    sorted.get(at).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests;
