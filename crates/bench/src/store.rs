//! Which session store? The work of a session layer over each of them, on real servers that this program starts, in one
//! interleaved run: operations a second, their latency, and the processor time of both sides.

mod candidates;
mod chart;
mod dice;
mod fill;
mod follower;
mod report;
mod work;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::cpu::Account;
use crate::fault::Fault;
use crate::machine::Machine;
use crate::path::shuffled;
use crate::progress::{Progress, about};
use crate::stopwatch::Stopwatch;
use candidates::{Candidate, Houses};
pub(crate) use dice::Dice;
use follower::Follower;
use report::{Cell, LeftOut, Measured};
pub(crate) use report::{Report, grouped};
use work::Operation;
pub(crate) use work::{BODY_BYTES, handle};

/// How long each store works before it is another's turn.
const SLICE: Duration = Duration::from_millis(500);
const ROUNDS: usize = 5;
/// Sessions that a store holds before anything is measured.
const SESSIONS: u64 = 1_000_000;
/// No round begins that would end later.
const RUN_MAX: Duration = Duration::from_mins(28);
/// A slice that does not end, with everything around it, is the store's end.
const SLICE_MAX: Duration = Duration::from_secs(20);
/// What passes around a slice, for the estimate.
const AROUND_SLICE: Duration = Duration::from_millis(200);
/// How long a store may take to be itself again after more than it could do.
const SETTLE_MAX: Duration = Duration::from_secs(5);
/// A store that takes a session in so little time is itself.
const SETTLED: Duration = Duration::from_millis(50);
/// A run that only shows that everything works.
const QUICK_SESSIONS: u64 = 2_000;
const QUICK_SLICE: Duration = Duration::from_millis(30);
const QUICK_ROUNDS: usize = 1;

/// How the benchmark runs.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// 2,000 sessions and one short round: shows that everything works, measures nothing. A whole run takes about a
    /// quarter of an hour
    #[arg(long)]
    quick: bool,
    /// Sessions that each store holds
    #[arg(long, value_name = "N")]
    sessions: Option<u64>,
    /// Only the stores whose names begin with one of these
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Write the tables into this page, between its marks, and the chart beside it
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
}

/// Runs the benchmark.
pub(crate) fn run(options: &Options) -> Result<Report, Fault> {
    let (lasts, rounds, usual) =
        if options.quick { (QUICK_SLICE, QUICK_ROUNDS, QUICK_SESSIONS) } else { (SLICE, ROUNDS, SESSIONS) };
    let sessions = options.sessions.unwrap_or(usual);
    let progress = Progress::start();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(Fault::at("starting the callers"))?;
    let (houses, mut left_out) = runtime.block_on(candidates::open(&options.only, sessions, progress));
    let mut run = Run { houses, lasts, progress, cells: BTreeMap::new(), broken: BTreeMap::new() };
    let done = runtime.block_on(run.measure(rounds))?;
    let Run { houses, cells, broken, .. } = run;
    let name = |at: usize| houses.candidates[at].name;
    left_out.extend(broken.into_iter().map(|(at, why)| LeftOut { name: name(at), why }));
    let sweeps = |at: &usize| houses.candidates[*at].store.capabilities().sweeps;
    let report = Report {
        machine: Machine::look(houses.versions()),
        sessions,
        rounds: done,
        rounds_wanted: rounds,
        lasts,
        names: houses.candidates.iter().map(|candidate| candidate.name).collect(),
        cells,
        footprints: houses.footprints(),
        left_out,
        unswept: (0..houses.candidates.len()).filter(|at| !sweeps(at)).collect(),
    };
    if let Some(page) = &options.write {
        report.write(page)?;
    }
    progress.say("done");
    Ok(report)
}

/// A run under way.
struct Run {
    houses: Houses,
    lasts: Duration,
    progress: Progress,
    cells: BTreeMap<Cell, Vec<Measured>>,
    /// Stores that have failed, by their places, and why. They are left alone from then on.
    broken: BTreeMap<usize, String>,
}

impl Run {
    /// Round after round, as many as there is time for: how many that were.
    async fn measure(&mut self, rounds: usize) -> Result<usize, Fault> {
        let slices: usize = Operation::ALL.iter().map(|operation| operation.callers().len()).sum();
        let slices = slices * self.houses.candidates.len() * rounds;
        // Supplies are made, a first beat comes back, and what was too much comes to rest.
        self.progress.say(format_args!(
            "{slices} slices of {} ms: about {}",
            self.lasts.as_millis(),
            about((self.lasts * 3 / 2 + AROUND_SLICE) * slices as u32)
        ));
        for done in 0..rounds {
            let watch = Stopwatch::start();
            self.round(done).await?;
            let (took, left) = (watch.elapsed(), (rounds - done - 1) as u32);
            self.progress.say(format_args!(
                "round {} of {rounds} took {}, about {} to go",
                done + 1,
                about(took),
                about(took * left)
            ));
            if left > 0 && self.progress.elapsed() + took > RUN_MAX {
                self.progress.say("no time for another");
                return Ok(done + 1);
            }
        }
        Ok(rounds)
    }

    /// Every operation, by every number of callers, over every store: all stores after each other, in random order,
    /// before the next operation.
    async fn round(&mut self, round: usize) -> Result<(), Fault> {
        for operation in Operation::ALL {
            for callers in operation.callers() {
                for at in shuffled(self.houses.candidates.len()) {
                    let candidate = &self.houses.candidates[at];
                    let idle = operation == Operation::Sweep && !candidate.store.capabilities().sweeps;
                    if idle || self.broken.contains_key(&at) {
                        continue;
                    }
                    let slice = self.slice(candidate, operation, *callers, round);
                    match tokio::time::timeout(SLICE_MAX, slice).await {
                        Ok(Ok(measured)) => {
                            self.cells.entry((operation, *callers, at)).or_default().push(measured);
                        }
                        Ok(Err(why)) => self.give_up(at, operation, &why.to_string()),
                        Err(_) => self.give_up(at, operation, "did not end"),
                    }
                }
            }
            if self.broken.len() == self.houses.candidates.len() {
                let why = self.broken.values().next().cloned().unwrap_or_else(|| "none is there".to_owned());
                return Err(Fault::Step("measuring stores", why));
            }
        }
        Ok(())
    }

    fn give_up(&mut self, at: usize, operation: Operation, why: &str) {
        let why = format!("{}: {why}", operation.name());
        self.progress.say(format_args!("{}: given up: {why}", self.houses.candidates[at].name));
        self.broken.insert(at, why);
    }

    async fn slice(
        &self,
        candidate: &Candidate,
        operation: Operation,
        callers: usize,
        round: usize,
    ) -> Result<Measured, Fault> {
        let broken = |why: work::Broken| Fault::Step(candidate.name, why.to_string());
        let (store, stock) = (&candidate.store, &candidate.stock);
        self.houses.prepare(candidate)?;
        let _follower = Follower::start(store).await.map_err(|why| broken(why.into()))?;
        let supplies = stock.supply(operation, store, self.lasts).await.map_err(broken)?;
        let account = || Account::of(std::process::id()).map_err(Fault::at("reading processor time"));
        let (own, servers) = (account()?, self.houses.account(candidate)?);
        let seed = (round as u64) << 48 | (operation as u64) << 40 | (callers as u64) << 8;
        let mut slice = work::slice(operation, callers, self.lasts, store, stock, supplies, seed)
            .await
            .map_err(broken)?;
        let client = account()?.since(&own);
        let server = self.houses.account(candidate)?.since(&servers);
        slice.latencies.sort_unstable();
        if slice.failed > 0 {
            settle(candidate).await;
        }
        Ok(Measured::of(&slice, client, server))
    }
}

/// Lets a store finish what nobody waits for any more, so that the next one to be measured does not pay for it.
async fn settle(candidate: &Candidate) {
    let settled = async {
        loop {
            let begun = Stopwatch::start();
            // A write: reads may not have to wait for anybody.
            if candidate.stock.add(&candidate.store).await.is_ok() && begun.elapsed() < SETTLED {
                break;
            }
            tokio::time::sleep(SETTLED).await;
        }
    };
    // One that takes longer is measured as it is.
    let _late = tokio::time::timeout(SETTLE_MAX, settled).await;
}
