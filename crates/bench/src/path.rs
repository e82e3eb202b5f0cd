//! What a relayed request costs: processor time for each request, every way through Vestibule beside nginx. Absolute
//! figures move with the machine's mood; the ratio within a round, whose slices are neighbours in time, holds.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use crate::candidate::Candidate;
use crate::cpu::Account;
use crate::fault::Fault;
use crate::load::{CONNECTIONS, Count, Load};
use crate::machine::{self, Machine};
use crate::nginx::Nginx;
use crate::origin;
use crate::shop::Shop;
use crate::spread::Spread;

/// How long each proxy is asked before it is another's turn.
const SLICE: Duration = Duration::from_millis(300);
/// Rounds that nobody counts: caches, pools and branch predictors fill.
const WARM_UP_ROUNDS: usize = 1;
const ROUNDS: usize = 31;
const QUICK_ROUNDS: usize = 5;
/// Starts of which the time to ready is taken, each in an empty folder.
const STARTS: usize = 5;
/// The most processor time that any way through Vestibule may take, as a share of nginx's.
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
    /// Fail when any way through Vestibule takes more than 1.2 times the processor time of nginx
    #[arg(long)]
    gate: bool,
    /// The `vestibule` to measure; default: the one beside this program
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// Another `vestibule`, measured in the same rounds: what a change costs
    #[arg(long, value_name = "FILE")]
    beside: Option<PathBuf>,
    /// Besides nginx, measure only ways whose name has this in it: for a profiler
    #[arg(long, value_name = "WORD")]
    way: Option<String>,
}

/// One slice: processor time of one request, and requests a second.
#[derive(Clone, Copy, Debug)]
struct Slice {
    microseconds: f64,
    per_second: f64,
}

/// The slices of one round, in the order of the candidates.
type Round = Vec<Slice>;

/// A way as it is reported.
struct Way {
    name: &'static str,
    request_bytes: usize,
    /// The same way through the other binary, by its place.
    twin: Option<usize>,
    /// Whether it counts for the gate.
    is_ours: bool,
}

/// What was measured.
pub(crate) struct Report {
    machine: Machine,
    pinned: bool,
    /// The first is what the others are compared with.
    ways: Vec<Way>,
    rounds: Vec<Round>,
    programs: Vec<Footprint>,
    gated: bool,
}

/// What a program takes besides processor time.
#[derive(Debug)]
struct Footprint {
    name: &'static str,
    ready_ms: Option<Spread>,
    idle_kib: u64,
    loaded_kib: u64,
}

/// Runs the benchmark.
pub(crate) fn run(options: &Options) -> Result<Report, Fault> {
    let binary = options.binary.clone().map_or_else(beside_us, Ok)?;
    if let Some(missing) =
        [Some(&binary), options.beside.as_ref()].into_iter().flatten().find(|it| !it.is_file())
    {
        return Err(Fault::NoBinary(missing.clone()));
    }
    let versions = vec![machine::said(&binary, "--version"), machine::said(Path::new("nginx"), "-v")];
    let machine = Machine::look(versions);
    // With a single core there is nothing to keep apart.
    let pinned = machine::cores() > LOAD_CORE && machine::pin_to(LOAD_CORE);
    let core = pinned.then_some(PROXY_CORE);
    let origin = origin::start()?;
    let nginx_ready = times_to_ready(|folder| Ok(Nginx::start(folder, core, origin)?.program().ready_after))?;
    let shop_ready =
        times_to_ready(|folder| Ok(Shop::start(&binary, folder, core, origin, "")?.program().ready_after))?;
    let folder = folder()?;
    let nginx = Nginx::start(folder.path(), core, origin)?;
    let shop = Shop::start(&binary, folder.path(), core, origin, "")?;
    let other_folder = self::folder()?;
    let other = options.beside.as_ref().map(|it| Shop::start(it, other_folder.path(), core, origin, ""));
    let other = other.transpose()?;
    let resident = || Ok::<_, Fault>([nginx.program().resident_kib()?, shop.program().resident_kib()?]);
    let idle = resident()?;
    let wanted = options.way.as_deref().unwrap_or_default();
    let ways_of = |shop: &Shop| {
        Ok::<Vec<_>, Fault>(shop.ways()?.into_iter().filter(|way| way.name.contains(wanted)).collect())
    };
    let mut candidates = vec![nginx.pass_through()];
    candidates.extend(ways_of(&shop)?);
    let ours = 1..candidates.len();
    if ours.is_empty() {
        return Err(Fault::Step("looking for ways", format!("none has {wanted:?} in its name")));
    }
    if let Some(other) = &other {
        candidates.extend(ways_of(other)?);
    }
    let rounds = measure(&candidates, if options.quick { QUICK_ROUNDS } else { ROUNDS })?;
    let loaded = resident()?;
    let footprint =
        |name, ready_ms, at: usize| Footprint { name, ready_ms, idle_kib: idle[at], loaded_kib: loaded[at] };
    let programs = vec![footprint("nginx", nginx_ready, 0), footprint("vestibule", shop_ready, 1)];
    let way = |(at, candidate): (usize, &Candidate)| Way {
        name: candidate.name,
        request_bytes: candidate.request.len(),
        twin: (at >= ours.end).then(|| at - ours.len()),
        is_ours: ours.contains(&at),
    };
    let ways = candidates.iter().enumerate().map(way).collect();
    Ok(Report { machine, pinned, ways, rounds, programs, gated: options.gate })
}

fn folder() -> Result<tempfile::TempDir, Fault> {
    tempfile::tempdir().map_err(Fault::at("making a folder"))
}

/// Milliseconds from the start of a program until it was ready, over several starts.
fn times_to_ready(start: impl Fn(&Path) -> Result<Duration, Fault>) -> Result<Option<Spread>, Fault> {
    let times: Result<Vec<f64>, Fault> =
        (0..STARTS).map(|_| Ok(start(folder()?.path())?.as_secs_f64() * 1e3)).collect();
    Ok(Spread::of(times?))
}

pub(crate) fn beside_us() -> Result<PathBuf, Fault> {
    let own = std::env::current_exe().map_err(Fault::at("looking for our own folder"))?;
    Ok(own.parent().unwrap_or(Path::new(".")).join("vestibule"))
}

fn measure(candidates: &[Candidate], rounds: usize) -> Result<Vec<Round>, Fault> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = Rc::new(runtime.map_err(Fault::at("starting the load"))?);
    let mut loads = Vec::new();
    for candidate in candidates {
        let load = Load::connect(&runtime, candidate.address, &[candidate.request.clone().into_bytes()]);
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
    let account = || Account::of(candidate.pid).map_err(Fault::at("reading processor time"));
    let before = account()?;
    let Count { pages, busy } = load.slice(SLICE).map_err(|error| Fault::Answer(candidate.name, error))?;
    if busy > 0 {
        return Err(Fault::Step(candidate.name, format!("{busy} of its answers were 503")));
    }
    let spent = account()?.since(&before);
    let requests = pages as f64;
    Ok(Slice {
        microseconds: spent.as_secs_f64() * 1e6 / requests,
        per_second: requests / SLICE.as_secs_f64(),
    })
}

/// The numbers up to `count` in a random order, so that no proxy always comes after the same other.
pub(crate) fn shuffled(count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_cached_key(|_| RandomState::new().build_hasher().finish());
    order
}

impl Report {
    /// Whether the measurement is good enough, where it was asked.
    pub(crate) fn passes(&self) -> bool {
        let is_cheap = |way| self.ratio(way, 0).is_some_and(|ratio| ratio.median <= GATE);
        !self.gated || (0..self.ways.len()).filter(|&way| self.ways[way].is_ours).all(is_cheap)
    }

    /// This way's processor time as a share of another's, in the same round.
    fn ratio(&self, way: usize, of: usize) -> Option<Spread> {
        Spread::of(self.rounds.iter().map(|round| round[way].microseconds / round[of].microseconds))
    }

    fn spread(&self, way: usize, of: impl Fn(&Slice) -> f64) -> Option<Spread> {
        Spread::of(self.rounds.iter().map(|round| of(&round[way])))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cores = if self.pinned {
            "one core for the proxies, another for load and upstream"
        } else {
            "cores not kept apart"
        };
        writeln!(f, "Processor time of the proxy for one relayed request, user and system")?;
        writeln!(f, "{}", self.machine)?;
        writeln!(
            f,
            "{CONNECTIONS} keep-alive connections, {}-byte page, {cores};\n\
             {} rounds of {} ms for each way in random order, median [quartiles]\n",
            origin::PAGE_BYTES,
            self.rounds.len(),
            SLICE.as_millis()
        )?;
        writeln!(
            f,
            "{:<22}{:>14}{:>20}{:>12}{:>20}",
            "", "request bytes", "us/request", "requests/s", "ratio to nginx"
        )?;
        for (at, way) in self.ways.iter().enumerate() {
            let time = self.spread(at, |slice| slice.microseconds);
            let rate = self.spread(at, |slice| slice.per_second);
            let (Some(time), Some(rate), Some(ratio)) = (time, rate, self.ratio(at, 0)) else { continue };
            let time = format!("{:.1} [{:.1}-{:.1}]", time.median, time.low, time.high);
            let ratio = format!("{:.2} [{:.2}-{:.2}]", ratio.median, ratio.low, ratio.high);
            let (name, bytes) = (way.name, way.request_bytes);
            write!(f, "{name:<22}{bytes:>14}{time:>20}{:>12.0}{ratio:>20}", rate.median)?;
            if let Some(change) = way.twin.and_then(|twin| self.ratio(twin, at)) {
                write!(
                    f,
                    "  beside; ours to it {:.2} [{:.2}-{:.2}]",
                    change.median, change.low, change.high
                )?;
            }
            writeln!(f)?;
        }
        writeln!(f, "\n{:<22}{:>30}{:>14}{:>20}", "", "ms until ready", "MiB idle", "MiB after the load")?;
        for Footprint { name, ready_ms, idle_kib, loaded_kib } in &self.programs {
            let Some(ready) = ready_ms else { continue };
            let ready = format!("{:.0} [{:.0}-{:.0}]", ready.median, ready.low, ready.high);
            let mib = |kib: u64| kib as f64 / 1024.0;
            writeln!(f, "{name:<22}{ready:>30}{:>14.1}{:>20.1}", mib(*idle_kib), mib(*loaded_kib))?;
        }
        if self.gated {
            writeln!(f, "\ngate {GATE}: {}", if self.passes() { "passed" } else { "failed" })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
