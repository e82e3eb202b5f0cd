//! Counters of the data path: one slab of numbers a core, written by that core only, summed when somebody asks.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

macro_rules! counters {
    ($($id:ident $name:literal $help:literal,)+) => {
        /// What is counted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(usize)]
        pub(crate) enum Counter { $(#[doc = $help] $id,)+ }

        const COUNTERS: &[(&str, &str)] = &[$(($name, $help),)+];
    };
}

counters! {
    Connections "vestibule_connections_total" "Connections accepted from clients.",
    ConnectionsClosed "vestibule_connections_closed_total" "Connections of clients that have ended.",
    Requests "vestibule_requests_total" "Requests that got an answer or were cut.",
    Answers1xx "vestibule_answers_1xx_total" "Requests that ended before a final answer.",
    Answers2xx "vestibule_answers_2xx_total" "Answers 200 to 299.",
    Answers3xx "vestibule_answers_3xx_total" "Answers 300 to 399.",
    Answers4xx "vestibule_answers_4xx_total" "Answers 400 to 499.",
    Answers5xx "vestibule_answers_5xx_total" "Answers 500 to 599.",
    Refused "vestibule_refused_total" "Requests refused before they had a route.",
    Aborted "vestibule_aborted_total" "Answers cut before their end.",
    Cut "vestibule_cut_total" "Requests cut because what allowed them had ended, or was not known any more.",
    Leashed "vestibule_leashed_total" "Answers and uploads that streamed under a session or a token.",
    Unleashed "vestibule_leashed_over_total" "Those of them that are over.",
    HeadsCrowdedOut "vestibule_heads_crowded_out_total" "Requests refused because unfinished heads held too much memory.",
    Panics "vestibule_panics_total" "Requests that died of a bug of ours.",
    BytesIn "vestibule_request_body_bytes_total" "Bytes of request bodies relayed.",
    BytesOut "vestibule_answer_bytes_total" "Bytes of answers sent, heads included.",
    UpstreamOpened "vestibule_upstream_connections_total" "Connections opened to upstreams.",
    UpstreamReused "vestibule_upstream_reused_total" "Requests sent on a pooled connection.",
    UpstreamFailed "vestibule_upstream_failures_total" "Requests whose upstream failed before its final head.",
    Degraded "vestibule_degraded_total" "Requests that went on with less than they should have had: no token for the app, or an old copy of the session.",
    NotSaved "vestibule_context_not_saved_total" "Changes that could not be saved: patches of apps, log-ons, log-outs.",
    PatchRefused "vestibule_patches_refused_total" "Context patches that were not allowed, or came where none counts.",
    SessionUnknown "vestibule_sessions_unknown_total" "Requests whose session could not be read.",
    SessionUnreadable "vestibule_sessions_unreadable_total" "Requests whose session is damaged in the store, and over with that.",
    CookiesDoubled "vestibule_cookies_doubled_total" "Requests with two session cookies of one name.",
    DurationMicros "vestibule_request_duration_microseconds_total" "Time from a request's head to the end of its answer, summed.",
}

/// What a face counts of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// It went on with less than it should have had.
    Degraded,
    /// A context patch could not be saved.
    NotSaved,
    /// A context patch was not taken.
    PatchRefused,
    /// The session could not be read.
    SessionUnknown,
    /// What is stored of the session is damaged.
    SessionUnreadable,
    /// A session cookie came twice.
    CookiesDoubled,
}

/// Where a face counts what happened to a request.
pub struct Tally<'s>(pub(crate) &'s Slab);

impl Tally<'_> {
    /// Counts `what` if it happened.
    pub fn add(&mut self, what: Happening, happened: bool) {
        let counter = match what {
            Happening::Degraded => Counter::Degraded,
            Happening::NotSaved => Counter::NotSaved,
            Happening::PatchRefused => Counter::PatchRefused,
            Happening::SessionUnknown => Counter::SessionUnknown,
            Happening::SessionUnreadable => Counter::SessionUnreadable,
            Happening::CookiesDoubled => Counter::CookiesDoubled,
        };
        if happened {
            self.0.add(counter, 1);
        }
    }
}

/// Upper bounds of the duration histogram, in microseconds.
const BOUNDS: [u64; 12] =
    [250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 10_000_000];

/// The numbers of one core.
pub(crate) struct Slab {
    counters: [AtomicU64; COUNTERS.len()],
    durations: [AtomicU64; BOUNDS.len() + 1],
}

impl Default for Slab {
    fn default() -> Self {
        Self { counters: [const { AtomicU64::new(0) }; _], durations: [const { AtomicU64::new(0) }; _] }
    }
}

impl Slab {
    /// Adds to a counter. Only one thread writes a slab, so a load and a store are enough.
    pub(crate) fn add(&self, counter: Counter, n: u64) {
        let cell = &self.counters[counter as usize];
        cell.store(cell.load(Ordering::Relaxed) + n, Ordering::Relaxed);
    }

    pub(crate) fn took(&self, duration: Duration) {
        let micros = duration.as_micros() as u64;
        self.add(Counter::DurationMicros, micros);
        let cell = &self.durations[BOUNDS.partition_point(|bound| *bound < micros)];
        cell.store(cell.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    fn get(&self, counter: usize) -> u64 {
        self.counters[counter].load(Ordering::Relaxed)
    }
}

/// The sum of all slabs in the text format of Prometheus.
pub(crate) fn render(slabs: &[Arc<Slab>], dropped_lines: u64) -> String {
    let mut out = String::new();
    let mut number = |name: &str, help: &str, kind: &str, value: u64| {
        // Writing to a String cannot fail.
        let _ = write!(out, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n");
    };
    let sum = |at: usize| slabs.iter().map(|slab| slab.get(at)).sum::<u64>();
    for (at, (name, help)) in COUNTERS.iter().enumerate() {
        number(name, help, "counter", sum(at));
    }
    let open = sum(Counter::Connections as usize).saturating_sub(sum(Counter::ConnectionsClosed as usize));
    number("vestibule_connections", "Connections of clients now open.", "gauge", open);
    let leashed = sum(Counter::Leashed as usize).saturating_sub(sum(Counter::Unleashed as usize));
    number(
        "vestibule_leashed",
        "Answers and uploads that now stream under a session or a token.",
        "gauge",
        leashed,
    );
    number(
        "vestibule_access_lines_dropped_total",
        "Access lines lost because the log was too slow or could not be written.",
        "counter",
        dropped_lines,
    );
    let name = "vestibule_request_duration_seconds";
    let _ = write!(
        out,
        "# HELP {name} Time from a request's head to the end of its answer.\n# TYPE {name} histogram\n"
    );
    let mut so_far = 0;
    for at in 0..=BOUNDS.len() {
        so_far += slabs.iter().map(|slab| slab.durations[at].load(Ordering::Relaxed)).sum::<u64>();
        let bound = BOUNDS.get(at).map_or("+Inf".to_owned(), |micros| (*micros as f64 / 1e6).to_string());
        let _ = writeln!(out, "{name}_bucket{{le=\"{bound}\"}} {so_far}");
    }
    let seconds = sum(Counter::DurationMicros as usize) as f64 / 1e6;
    let _ = writeln!(out, "{name}_sum {seconds}\n{name}_count {so_far}");
    out
}

#[cfg(test)]
mod tests;
