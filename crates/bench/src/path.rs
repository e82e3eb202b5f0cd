//! What a relayed request costs: processor time of the proxy for each request, Vestibule beside nginx. Absolute figures
//! move with the machine's mood; the ratio within a round, whose slices are neighbours in time, holds.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use crate::candidate::Candidate;
use crate::fault::Fault;
use crate::load::{CONNECTIONS, Load};
use crate::machine::{self, Machine};
use crate::spread::Spread;
use crate::{cpu, load, origin};

/// How long each proxy is asked before it is another's turn.
const SLICE: Duration = Duration::from_millis(300);
/// Rounds that nobody counts: caches, pools and branch predictors fill.
const WARM_UP_ROUNDS: usize = 1;
const ROUNDS: usize = 31;
const QUICK_ROUNDS: usize = 5;
/// The most processor time Vestibule may take, as a share of nginx's.
const GATE: f64 = 1.2;
/// The proxies' core, and that of load and upstream.
const PROXY_CORE: usize = 0;
const LOAD_CORE: usize = 1;

/// How the benchmark runs.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// 5 rounds instead of 31
    #[arg(long)]
    quick: bool,
    /// Fail when Vestibule takes more than 1.2 times the processor time of nginx
    #[arg(long)]
    gate: bool,
    /// The `vestibule` to measure; default: the one beside this program
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
}

/// One slice: processor time of one request, and requests a second.
#[derive(Clone, Copy, Debug)]
struct Slice {
    microseconds: f64,
    per_second: f64,
}

/// The slices of one round, in the order of the candidates.
type Round = Vec<Slice>;

/// What was measured.
pub(crate) struct Report {
    machine: Machine,
    pinned: bool,
    names: Vec<&'static str>,
    rounds: Vec<Round>,
    gated: bool,
}

/// Runs the benchmark.
pub(crate) fn run(options: &Options) -> Result<Report, Fault> {
    let binary = options.binary.clone().map_or_else(beside_us, Ok)?;
    if !binary.is_file() {
        return Err(Fault::NoBinary(binary));
    }
    let machine = Machine::look(&binary);
    // With a single core there is nothing to keep apart.
    let pinned = machine::cores() > LOAD_CORE && machine::pin_to(LOAD_CORE);
    let core = pinned.then_some(PROXY_CORE);
    let folder = tempfile::tempdir().map_err(Fault::at("making a folder"))?;
    let origin = origin::start()?;
    let candidates = [
        Candidate::nginx(folder.path(), core, origin)?,
        Candidate::vestibule(&binary, folder.path(), core, origin)?,
    ];
    let rounds = if options.quick { QUICK_ROUNDS } else { ROUNDS };
    let rounds = measure(&candidates, rounds)?;
    let names = candidates.iter().map(|candidate| candidate.name).collect();
    Ok(Report { machine, pinned, names, rounds, gated: options.gate })
}

fn beside_us() -> Result<PathBuf, Fault> {
    let own = std::env::current_exe().map_err(Fault::at("looking for our own folder"))?;
    Ok(own.parent().unwrap_or(Path::new(".")).join("vestibule"))
}

fn measure(candidates: &[Candidate], rounds: usize) -> Result<Vec<Round>, Fault> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = Rc::new(runtime.map_err(Fault::at("starting the load"))?);
    let mut loads = Vec::new();
    for candidate in candidates {
        let load = Load::connect(&runtime, candidate.address);
        loads.push(load.map_err(|error| Fault::Answer(candidate.name, error))?);
    }
    let mut measured = Vec::new();
    while measured.len() < WARM_UP_ROUNDS + rounds {
        let mut round = Vec::new();
        for at in shuffled(candidates.len()) {
            round.push((at, slice(&candidates[at], &mut loads[at])?));
        }
        round.sort_by_key(|(at, _)| *at);
        measured.push(round.into_iter().map(|(_, slice)| slice).collect());
    }
    Ok(measured.split_off(WARM_UP_ROUNDS))
}

fn slice(candidate: &Candidate, load: &mut Load) -> Result<Slice, Fault> {
    let used = || cpu::used(candidate.pid()).map_err(Fault::at("reading processor time"));
    let before = used()?;
    let requests = load.slice(SLICE).map_err(|error| Fault::Answer(candidate.name, error))?;
    let spent = used()?.saturating_sub(before);
    let requests = requests as f64;
    Ok(Slice {
        microseconds: spent.as_secs_f64() * 1e6 / requests,
        per_second: requests / SLICE.as_secs_f64(),
    })
}

/// The numbers up to `count` in a random order, so that no proxy always comes after the same other.
fn shuffled(count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_cached_key(|_| RandomState::new().build_hasher().finish());
    order
}

impl Report {
    /// Whether the measurement is good enough, where it was asked.
    pub(crate) fn passes(&self) -> bool {
        let last = self.names.len().saturating_sub(1);
        !self.gated || self.ratio(last).is_some_and(|ratio| ratio.median <= GATE)
    }

    /// This candidate's processor time as a share of the first one's, in the same round.
    fn ratio(&self, candidate: usize) -> Option<Spread> {
        Spread::of(self.rounds.iter().map(|round| round[candidate].microseconds / round[0].microseconds))
    }

    fn spread(&self, candidate: usize, of: impl Fn(&Slice) -> f64) -> Option<Spread> {
        Spread::of(self.rounds.iter().map(|round| of(&round[candidate])))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let request = load::request().len();
        let cores = if self.pinned {
            "one core for the proxy, another for load and upstream"
        } else {
            "cores not kept apart"
        };
        writeln!(f, "Processor time of the proxy for one relayed request, user and system")?;
        writeln!(f, "{}", self.machine)?;
        writeln!(
            f,
            "{CONNECTIONS} keep-alive connections, {request}-byte request, {}-byte page, {cores}; \
             {} rounds of {} ms each in random order, median [quartiles]\n",
            origin::PAGE_BYTES,
            self.rounds.len(),
            SLICE.as_millis()
        )?;
        writeln!(f, "{:<12}{:>22}{:>14}{:>24}", "", "us/request", "requests/s", "ratio to nginx")?;
        for (at, name) in self.names.iter().enumerate() {
            let time = self.spread(at, |slice| slice.microseconds);
            let rate = self.spread(at, |slice| slice.per_second);
            let (Some(time), Some(rate), Some(ratio)) = (time, rate, self.ratio(at)) else { continue };
            let time = format!("{:.1} [{:.1}-{:.1}]", time.median, time.low, time.high);
            let ratio = format!("{:.2} [{:.2}-{:.2}]", ratio.median, ratio.low, ratio.high);
            writeln!(f, "{name:<12}{time:>22}{:>14.0}{ratio:>24}", rate.median)?;
        }
        if self.gated {
            writeln!(f, "\ngate {GATE}: {}", if self.passes() { "passed" } else { "failed" })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
