//! Page views behind the proxy, with each session store and with the near cache on and off: how many, how long they take
//! and what processor time they cost, of Vestibule and of the store's server. Four in five visitors are anonymous.

mod house;
mod mix;
mod open_loop;

use std::fmt;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use tokio::runtime::Runtime;

use crate::cpu::Account;
use crate::fault::Fault;
use crate::load::{CONNECTIONS, Count, Load};
use crate::machine::{self, Machine};
use crate::origin;
use crate::page;
use crate::path::{beside_us, shuffled};
use crate::spread::Spread;
use house::House;
use open_loop::Timed;

/// How long each is asked as fast as it answers.
const SLICE: Duration = Duration::from_millis(500);
/// How long each is asked at a steady rate.
const STEADY_SLICE: Duration = Duration::from_secs(3);
const ROUNDS: usize = 5;
const QUICK_ROUNDS: usize = 1;
/// Page views a second of the steady part, far below what any of them can do.
const RATE: u32 = 2_000;
const PROXY_CORE: usize = 0;
const LOAD_CORE: usize = 1;

/// How the benchmark runs.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// One round with few visitors: shows that everything works, measures nothing
    #[arg(long)]
    quick: bool,
    /// Only the stores whose names begin with one of these
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// The `vestibule` to measure; default: the one beside this program
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// Write the table into this page, between its marks
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
}

/// One house in one round.
struct Round {
    per_second: f64,
    ours_us: f64,
    server_us: f64,
    steady: Timed,
    /// Answers that were 503, in both parts, and answers in all.
    busy: u64,
    answers: u64,
}

/// What was measured.
pub(crate) struct Report {
    machine: Machine,
    pinned: bool,
    visitors: mix::Visitors,
    names: Vec<String>,
    rounds: Vec<Vec<Round>>,
}

/// Runs the benchmark.
pub(crate) fn run(options: &Options) -> Result<Report, Fault> {
    let binary = options.binary.clone().map_or_else(beside_us, Ok)?;
    if !binary.is_file() {
        return Err(Fault::NoBinary(binary));
    }
    let visitors = if options.quick { mix::QUICK } else { mix::USUAL };
    let pinned = machine::cores() > LOAD_CORE && machine::pin_to(LOAD_CORE);
    let origin = origin::start()?;
    let houses = House::open_all(&options.only, &binary, pinned.then_some(PROXY_CORE), origin, visitors)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = Rc::new(runtime.map_err(Fault::at("starting the load"))?);
    let mut rounds = Vec::new();
    for _ in 0..if options.quick { QUICK_ROUNDS } else { ROUNDS } {
        let mut round = Vec::new();
        for at in shuffled(houses.len()) {
            round.push((at, measure(&houses[at], &runtime)?));
        }
        round.sort_by_key(|(at, _)| *at);
        rounds.push(round.into_iter().map(|(_, measured)| measured).collect());
    }
    let names = houses.iter().map(House::name).collect();
    let mut versions = vec![machine::said(&binary, "--version")];
    versions.extend(houses.iter().filter_map(House::version));
    versions.dedup();
    let report = Report { machine: Machine::look(versions), pinned, visitors, names, rounds };
    if let Some(page) = &options.write {
        report.write(page)?;
    }
    Ok(report)
}

fn measure(house: &House, runtime: &Rc<Runtime>) -> Result<Round, Fault> {
    let answer = |error| Fault::Answer(house.kind(), error);
    // Only now: a connection that says nothing for long is closed.
    let mut load = Load::connect(runtime, house.address(), house.requests()).map_err(answer)?;
    let account = || Account::of(house.pid()).map_err(Fault::at("reading processor time"));
    let (ours, server) = (account()?, house.server_account()?);
    let Count { pages, busy } = load.slice(SLICE).map_err(answer)?;
    let views = (pages + busy) as f64;
    let (ours, server) = (account()?.since(&ours), house.server_account()?.since(&server));
    let logging_on = house.log_on_steadily(STEADY_SLICE);
    let steady = runtime
        .block_on(open_loop::run(house.address(), house.requests(), RATE, STEADY_SLICE))
        .map_err(answer)?;
    logging_on.finish()?;
    Ok(Round {
        per_second: views / SLICE.as_secs_f64(),
        ours_us: ours.as_secs_f64() * 1e6 / views,
        server_us: server.as_secs_f64() * 1e6 / views,
        busy: busy + steady.busy,
        answers: pages + busy + u64::from(RATE) * STEADY_SLICE.as_secs(),
        steady,
    })
}

const BEGIN: &str = "<!-- page views: begin (cargo xtask bench visits --write) -->";
const END: &str = "<!-- page views: end -->";

impl Report {
    fn median(&self, house: usize, of: impl Fn(&Round) -> f64) -> f64 {
        Spread::of(self.rounds.iter().map(|round| of(&round[house]))).map_or(0.0, |spread| spread.median)
    }

    fn write(&self, page: &Path) -> Result<(), Fault> {
        page::put(page, [BEGIN, END], &self.to_string())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cores = if self.pinned {
            "Vestibule has one core; load, upstream and the store's server share the other"
        } else {
            "cores not kept apart"
        };
        writeln!(f, "{}. {}; {cores}.", self.machine, self.visitors)?;
        writeln!(
            f,
            "{} rounds, houses in random order, medians. As fast as it goes: {CONNECTIONS} connections, {} ms. Steady: \
             {RATE} page views and {} log-ons a second for {} s; each latency counts from when its request was due.\n",
            self.rounds.len(),
            SLICE.as_millis(),
            house::LOG_ONS_PER_SECOND,
            STEADY_SLICE.as_secs()
        )?;
        writeln!(
            f,
            "| store, near cache | page views/s | CPU us, Vestibule | CPU us, server | steady p50 ms | p99 ms | max ms |"
        )?;
        writeln!(f, "|---|---:|---:|---:|---:|---:|---:|")?;
        for (at, name) in self.names.iter().enumerate() {
            writeln!(
                f,
                "| {name} | {:.0} | {:.1} | {:.1} | {:.2} | {:.2} | {:.1} |",
                self.median(at, |round| round.per_second),
                self.median(at, |round| round.ours_us),
                self.median(at, |round| round.server_us),
                self.median(at, |round| round.steady.p50_ms),
                self.median(at, |round| round.steady.p99_ms),
                self.median(at, |round| round.steady.max_ms),
            )?;
        }
        for (at, name) in self.names.iter().enumerate() {
            let sum = |of: fn(&Round) -> u64| self.rounds.iter().map(|round| of(&round[at])).sum::<u64>();
            let (busy, answers) = (sum(|round| round.busy), sum(|round| round.answers));
            if busy > 0 {
                writeln!(f, "\n{name}: {busy} of {answers} answers were 503.")?;
            }
        }
        Ok(())
    }
}
