//! Page views behind the proxy, with each session store and with the near cache on and off: how many, how long they take
//! and what processor time they cost, of Vestibule and of the store's server. Four in five visitors are anonymous, and now
//! and then somebody logs on.

mod drive;
mod house;
mod latency;
mod mix;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use tokio::runtime::Runtime;

use crate::cpu::Account;
use crate::fault::Fault;
use crate::machine::{self, Machine};
use crate::origin;
use crate::page;
use crate::path::{beside_us, shuffled};
use crate::progress::{Progress, about};
use crate::spread::Spread;
use crate::stopwatch::Stopwatch;
use drive::{BROWSERS, Driven, Pace};
use house::House;
use latency::Latencies;

/// How long visitors come as fast as they are answered.
const SLICE: Duration = Duration::from_secs(1);
/// How long they have come before that, which is not measured.
const WARM_SLICE: Duration = Duration::from_secs(1);
/// How long they come at a steady rate.
const STEADY_SLICE: Duration = Duration::from_secs(3);
const ROUNDS: usize = 5;
const QUICK_ROUNDS: usize = 1;
/// No round begins that would end later.
const RUN_MAX: Duration = Duration::from_mins(9);
/// Requests a second of the steady part, far below what any of them can do when built for release.
const RATE: u32 = 2_000;
const QUICK_RATE: u32 = 200;
/// What a log-on consists of.
const LOG_ON: &str = "all requests from the page that wants one to that page, by the form, with a password hash of the \
                      usual cost among them, and one page more";
const PROXY_CORE: usize = 0;
const LOAD_CORE: usize = 1;

/// How the benchmark runs.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// One round with few visitors: shows that everything works, measures nothing. A whole run takes some five minutes,
    /// and ten at most
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
    latencies: Latencies,
    /// In both parts; all of them lead to a page.
    log_ons: u64,
    /// Pages that were 503, in both parts, and pages in all.
    busy: u64,
    answers: u64,
}

/// Something of each house, by its place.
type Houses<T> = BTreeMap<usize, T>;

/// What was measured.
pub(crate) struct Report {
    machine: Machine,
    pinned: bool,
    visitors: mix::Visitors,
    names: Vec<String>,
    /// Requests a second of the steady part.
    rate: u32,
    /// Of each round, the houses by their places.
    rounds: Vec<Houses<Round>>,
    /// Houses that have failed, and why. They are left alone from then on.
    broken: Houses<String>,
}

/// Runs the benchmark.
pub(crate) fn run(options: &Options) -> Result<Report, Fault> {
    let binary = options.binary.clone().map_or_else(beside_us, Ok)?;
    if !binary.is_file() {
        return Err(Fault::NoBinary(binary));
    }
    let visitors = if options.quick { mix::QUICK } else { mix::USUAL };
    let progress = Progress::start();
    // Before the pinning, after which this program sees one core.
    let machine = Machine::look(vec![machine::said(&binary, "--version")]);
    let pinned = machine::cores() > LOAD_CORE && machine::pin_to(LOAD_CORE);
    let origin = origin::start()?;
    let core = pinned.then_some(PROXY_CORE);
    let houses = House::open_all(&options.only, &binary, core, origin, visitors, progress)?;
    let (wanted, rate) = if options.quick { (QUICK_ROUNDS, QUICK_RATE) } else { (ROUNDS, RATE) };
    let (rounds, broken) = measure_all(&houses, wanted, rate, progress)?;
    let names = houses.iter().map(House::name).collect();
    let machine = machine.with(houses.iter().filter_map(House::version));
    let report = Report { machine, pinned, visitors, names, rate, rounds, broken };
    if let Some(page) = &options.write {
        report.write(page)?;
    }
    Ok(report)
}

/// Round after round, as many as there is time for, in each of them every house; and those that have failed.
fn measure_all(
    houses: &[House],
    wanted: usize,
    rate: u32,
    progress: Progress,
) -> Result<(Vec<Houses<Round>>, Houses<String>), Fault> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = Rc::new(runtime.map_err(Fault::at("starting the load"))?);
    let (mut rounds, mut broken) = (Vec::new(), Houses::new());
    while rounds.len() < wanted {
        let watch = Stopwatch::start();
        let mut round = Houses::new();
        for at in shuffled(houses.len()) {
            if broken.contains_key(&at) {
                continue;
            }
            match measure(&houses[at], rate, &runtime) {
                Ok(measured) => drop(round.insert(at, measured)),
                Err(why) => {
                    progress.say(format_args!("{}: given up: {why}", houses[at].name()));
                    broken.insert(at, why.to_string());
                }
            }
        }
        rounds.push(round);
        let (took, left) = (watch.elapsed(), (wanted - rounds.len()) as u32);
        progress.say(format_args!(
            "round {} of {wanted} took {}, about {} to go",
            rounds.len(),
            about(took),
            about(took * left)
        ));
        if left > 0 && progress.elapsed() + took > RUN_MAX {
            progress.say("no time for another");
            break;
        }
    }
    Ok((rounds, broken))
}

fn measure(house: &House, rate: u32, runtime: &Runtime) -> Result<Round, Fault> {
    let drive = |pace, lasts| {
        let driven = runtime.block_on(house.course().run(pace, lasts));
        driven.map_err(|error| Fault::Answer(house.kind(), error))
    };
    // What comes again within ten seconds is what the near cache is for; other houses have had their turn meanwhile.
    drive(Pace::AsAnswered, WARM_SLICE)?;
    let account = || Account::of(house.pid()).map_err(Fault::at("reading processor time"));
    let (ours, server) = (account()?, house.server_account()?);
    let fast: Driven = drive(Pace::AsAnswered, SLICE)?;
    let (ours, server) = (account()?.since(&ours), house.server_account()?.since(&server));
    let steady = drive(Pace::Steady(rate), STEADY_SLICE)?;
    let views = fast.views as f64;
    Ok(Round {
        per_second: views / fast.lasted.as_secs_f64(),
        ours_us: ours.as_secs_f64() * 1e6 / views,
        server_us: server.as_secs_f64() * 1e6 / views,
        log_ons: fast.log_ons + steady.log_ons,
        busy: fast.busy + steady.busy,
        answers: fast.views + steady.views,
        latencies: steady.latencies,
    })
}

const BEGIN: &str = "<!-- page views: begin (cargo xtask bench visits --write) -->";
const END: &str = "<!-- page views: end -->";

impl Report {
    /// Whether every house was measured to the end.
    pub(crate) fn is_whole(&self) -> bool {
        self.broken.is_empty()
    }

    fn of_house(&self, house: usize) -> impl Iterator<Item = &Round> {
        self.rounds.iter().filter_map(move |round| round.get(&house))
    }

    fn median(&self, house: usize, of: impl Fn(&Round) -> f64) -> f64 {
        Spread::of(self.of_house(house).map(of)).map_or(0.0, |spread| spread.median)
    }

    /// Those of all rounds.
    fn latencies(&self, house: usize) -> Option<Latencies> {
        let mut rounds = self.of_house(house);
        let mut all = rounds.next()?.latencies.clone();
        rounds.for_each(|round| all.add(&round.latencies));
        Some(all)
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
            "{} rounds, houses in random order. As fast as it goes: {BROWSERS} connections, {} s after one that is not \
             measured, medians; the CPU of the \
             log-ons is in that of the page views. Steady: {} requests a second of the same mix for {} s, all rounds \
             together; each latency counts from when its request was due. A log-on is {LOG_ON}.\n",
            self.rounds.len(),
            SLICE.as_secs(),
            self.rate,
            STEADY_SLICE.as_secs()
        )?;
        writeln!(
            f,
            "| store, near cache | page views/s | CPU us, Vestibule | CPU us, server | page p50 / p99 / max ms | patch | \
             log-on | log-ons |"
        )?;
        writeln!(f, "|---|---:|---:|---:|---:|---:|---:|---:|")?;
        for (at, name) in self.names.iter().enumerate() {
            let Some(latencies) = self.latencies(at) else { continue };
            writeln!(
                f,
                "| {name} | {:.0} | {:.1} | {:.1} | {latencies} | {} |",
                self.median(at, |round| round.per_second),
                self.median(at, |round| round.ours_us),
                self.median(at, |round| round.server_us),
                self.of_house(at).map(|round| round.log_ons).sum::<u64>()
            )?;
        }
        for (at, name) in self.names.iter().enumerate() {
            let sum = |of: fn(&Round) -> u64| self.of_house(at).map(of).sum::<u64>();
            let (busy, answers) = (sum(|round| round.busy), sum(|round| round.answers));
            if busy > 0 {
                writeln!(f, "\n{name}: {busy} of {answers} answers were 503.")?;
            }
            if let Some(why) = self.broken.get(&at) {
                writeln!(f, "\n{name}: given up: {why}.")?;
            }
        }
        Ok(())
    }
}
