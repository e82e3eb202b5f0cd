//! What was measured, as tables: for the terminal, and for a page between its marks.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::path::Path;
use std::time::Duration;

use super::chart;
use super::work::{Operation, Slice};
use crate::fault::Fault;
use crate::machine::Machine;
use crate::page;
use crate::spread::Spread;

/// An operation, so many callers, a store by its place.
pub(super) type Cell = (Operation, usize, usize);

const BEGIN: &str = "<!-- measured: begin (cargo xtask bench store --write) -->";
const END: &str = "<!-- measured: end -->";

/// One slice in figures.
#[derive(Debug)]
pub(super) struct Measured {
    per_second: f64,
    p50_ms: Option<f64>,
    p99_ms: Option<f64>,
    /// Microseconds of processor time for each operation; of none where none was answered.
    client: Option<f64>,
    server: Option<f64>,
    /// Operations that had no answer in time, of so many.
    failed: u64,
    tried: u64,
}

/// What a server takes with all sessions in it, and nothing done to them yet.
#[derive(Clone, Debug)]
pub(super) struct Footprint {
    pub(super) name: &'static str,
    pub(super) memory_kib: u64,
    pub(super) disk_bytes: u64,
    /// Part of that.
    pub(super) log_bytes: u64,
    /// What the sessions take by the store's own word.
    pub(super) own_bytes: u64,
    pub(super) fill: Duration,
}

/// A store that is not in the tables, or not to the end.
#[derive(Debug)]
pub(super) struct LeftOut {
    pub(super) name: &'static str,
    pub(super) why: String,
}

/// Everything.
pub(crate) struct Report {
    pub(super) machine: Machine,
    pub(super) sessions: u64,
    /// Rounds that were done, of so many.
    pub(super) rounds: usize,
    pub(super) rounds_wanted: usize,
    pub(super) lasts: Duration,
    pub(super) names: Vec<&'static str>,
    pub(super) cells: BTreeMap<Cell, Vec<Measured>>,
    pub(super) footprints: Vec<Footprint>,
    pub(super) left_out: Vec<LeftOut>,
    /// Stores whose sessions expire by themselves, by their places: there is nothing to sweep.
    pub(super) unswept: Vec<usize>,
}

impl Measured {
    /// `slice` has its latencies sorted.
    pub(super) fn of(slice: &Slice, client: Duration, server: Duration) -> Self {
        let latencies = &slice.latencies;
        let at = |share: f64| {
            let place = (share * latencies.len().saturating_sub(1) as f64).round() as usize;
            latencies.get(place).map(|latency| f64::from(*latency) / 1e3)
        };
        let count = latencies.len() as f64;
        let each = |spent: Duration| (count > 0.0).then(|| spent.as_secs_f64() * 1e6 / count);
        Self {
            per_second: count / slice.lasted.as_secs_f64(),
            p50_ms: at(0.5),
            p99_ms: at(0.99),
            client: each(client),
            server: each(server),
            failed: slice.failed,
            tried: slice.failed + latencies.len() as u64,
        }
    }
}

impl Report {
    /// Whether every store that was wanted was measured to the end.
    pub(crate) fn is_whole(&self) -> bool {
        self.left_out.is_empty() && self.rounds == self.rounds_wanted
    }

    fn median(&self, cell: Cell, of: impl Fn(&Measured) -> Option<f64>) -> Option<f64> {
        Spread::of(self.cells.get(&cell)?.iter().filter_map(of)).map(|spread| spread.median)
    }

    /// Operations a second.
    pub(super) fn per_second(&self, operation: Operation, callers: usize, store: usize) -> Option<f64> {
        self.median((operation, callers, store), |it| Some(it.per_second))
    }

    /// The tables, in Markdown, and a table is readable on a terminal too.
    fn tables(&self) -> String {
        let mut text = String::new();
        for operation in Operation::ALL {
            self.table(&mut text, operation);
        }
        let _ = writeln!(text, "**{} sessions kept**\n", grouped(self.sessions as f64));
        text.push_str(
            "| store | memory, MiB | disk, MiB | of it logs, MiB | bytes a session | filled in, s |\n\
             |---|---:|---:|---:|---:|---:|\n",
        );
        for house in &self.footprints {
            let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
            let _ = writeln!(
                text,
                "| {} | {:.0} | {:.0} | {:.0} | {} | {} |",
                house.name,
                house.memory_kib as f64 / 1024.0,
                mib(house.disk_bytes),
                mib(house.log_bytes),
                grouped(house.own_bytes as f64 / self.sessions.max(1) as f64),
                house.fill.as_secs()
            );
        }
        for LeftOut { name, why } in &self.left_out {
            let _ = writeln!(text, "\n{name} is not here, or not to the end: {why}");
        }
        text
    }

    /// How many, and below that how long each takes and what it costs.
    fn table(&self, text: &mut String, operation: Operation) {
        let callers = operation.callers();
        let row = |cell: &dyn Fn(usize) -> String| callers.iter().map(|n| cell(*n)).collect::<String>();
        let _ = writeln!(text, "**{}**\n", operation.name());
        let _ = writeln!(text, "| store |{}", row(&|n| format!(" per second, {n} |")));
        let _ = writeln!(text, "|---|{}", row(&|_| "---:|".to_owned()));
        let is_unswept = |at| operation == Operation::Sweep && self.unswept.contains(&at);
        for (at, name) in self.names.iter().enumerate() {
            let rate = |n| self.per_second(operation, n, at).map_or_else(none, grouped);
            let rates = if is_unswept(at) {
                " none: its keys expire |".to_owned()
            } else {
                row(&|n| format!(" {} |", rate(n)))
            };
            let _ = writeln!(text, "| {name} |{rates}");
        }
        let heads = row(&|n| format!(" p50 / p99 ms, {n} | CPU us, ours / server, {n} |"));
        let _ = writeln!(text, "\n| store |{heads}");
        let _ = writeln!(text, "|---|{}", row(&|_| "---:|---:|".to_owned()));
        for (at, name) in self.names.iter().enumerate().filter(|(at, _)| !is_unswept(*at)) {
            let _ = writeln!(text, "| {name} |{}", row(&|n| self.each((operation, n, at))));
        }
        text.push('\n');
        for (at, name) in self.names.iter().enumerate() {
            let of_store =
                self.cells.iter().filter(|((done, _, store), _)| *done == operation && *store == at);
            let slices = || of_store.clone().flat_map(|(_, slices)| slices);
            let failed: u64 = slices().map(|slice| slice.failed).sum();
            if failed > 0 {
                let tried: u64 = slices().map(|slice| slice.tried).sum();
                let _ = writeln!(text, "{name}: {failed} of {tried} had no answer in time.\n");
            }
        }
    }

    /// Two columns: how long one takes, and its processor time.
    fn each(&self, cell: Cell) -> String {
        let one = |of: fn(&Measured) -> Option<f64>, digits: usize| {
            self.median(cell, of).map_or_else(none, |value| format!("{value:.digits$}"))
        };
        format!(
            " {} / {} | {} / {} |",
            one(|it| it.p50_ms, 2),
            one(|it| it.p99_ms, 2),
            one(|it| it.client, 0),
            one(|it| it.server, 0)
        )
    }

    fn head(&self) -> String {
        let Self { machine, rounds, rounds_wanted, .. } = self;
        let broken_off =
            if rounds == rounds_wanted { String::new() } else { format!(" of {rounds_wanted} wanted") };
        format!(
            "{machine}. {} sessions of {} bytes; {rounds} rounds{broken_off} of {} ms for each cell, stores in random order; \
             medians of the rounds.",
            grouped(self.sessions as f64),
            super::work::BODY_BYTES,
            self.lasts.as_millis()
        )
    }

    /// Puts the tables between the marks of a page, and the chart beside it.
    pub(super) fn write(&self, page: &Path) -> Result<(), Fault> {
        page::put(page, [BEGIN, END], &format!("{}\n\n{}", self.head(), self.tables()))?;
        std::fs::write(page.with_extension("svg"), chart::draw(self)).map_err(Fault::at("drawing the chart"))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n\n{}", self.head(), self.tables())
    }
}

fn none() -> String {
    "-".to_owned()
}

/// A whole number with commas between its thousands.
pub(crate) fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests;
