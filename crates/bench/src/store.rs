//! Which session store? The work of a session layer over each of them, on real servers that this program starts, in one
//! interleaved run: operations a second, their latency, and the processor time of both sides.

mod candidates;
mod chart;
mod dice;
mod report;
mod work;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::cpu::Account;
use crate::fault::Fault;
use crate::machine::Machine;
use crate::path::shuffled;
use candidates::{Candidate, Houses};
pub(crate) use dice::Dice;
use report::{Cell, Measured};
pub(crate) use report::{Report, grouped};
use work::Operation;
pub(crate) use work::{BODY_BYTES, handle};

/// How long each store works before it is another's turn.
const SLICE: Duration = Duration::from_millis(500);
const ROUNDS: usize = 5;
/// Sessions that a store holds before anything is measured.
const SESSIONS: u64 = 1_000_000;
/// A run that only shows that everything works.
const QUICK_SESSIONS: u64 = 2_000;
const QUICK_SLICE: Duration = Duration::from_millis(30);
const QUICK_ROUNDS: usize = 1;

/// How the benchmark runs.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// 2,000 sessions and one short round: shows that everything works, measures nothing
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
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(Fault::at("starting the callers"))?;
    let houses = runtime.block_on(candidates::open(&options.only, sessions))?;
    let cells = runtime.block_on(measure(&houses, lasts, rounds))?;
    let footprints = houses.footprints()?;
    let report = Report {
        machine: Machine::look(houses.versions()),
        sessions,
        rounds,
        lasts,
        names: houses.candidates.iter().map(|candidate| candidate.name).collect(),
        cells,
        footprints,
    };
    if let Some(page) = &options.write {
        report.write(page)?;
    }
    Ok(report)
}

/// Every operation, by every number of callers, over every store: in each round all stores after each other, in random
/// order, before the next operation.
async fn measure(
    houses: &Houses,
    lasts: Duration,
    rounds: usize,
) -> Result<BTreeMap<Cell, Vec<Measured>>, Fault> {
    let mut cells: BTreeMap<Cell, Vec<Measured>> = BTreeMap::new();
    for round in 0..rounds {
        for operation in Operation::ALL {
            for callers in operation.callers() {
                for at in shuffled(houses.candidates.len()) {
                    let measured =
                        slice(houses, &houses.candidates[at], operation, *callers, lasts, round).await?;
                    cells.entry((operation, *callers, at)).or_default().push(measured);
                }
            }
        }
    }
    Ok(cells)
}

async fn slice(
    houses: &Houses,
    candidate: &Candidate,
    operation: Operation,
    callers: usize,
    lasts: Duration,
    round: usize,
) -> Result<Measured, Fault> {
    let broken = |why: work::Broken| Fault::Step(candidate.name, why.to_string());
    houses.prepare(candidate)?;
    let account = || Account::of(std::process::id()).map_err(Fault::at("reading processor time"));
    let (own, servers) = (account()?, houses.account(candidate)?);
    let seed = (round as u64) << 48 | (operation as u64) << 40 | (callers as u64) << 8;
    let mut slice = work::slice(operation, callers, lasts, &candidate.store, &candidate.stock, seed)
        .await
        .map_err(broken)?;
    let client = account()?.since(&own);
    let server = houses.account(candidate)?.since(&servers);
    slice.latencies.sort_unstable();
    Ok(Measured::of(operation, callers, &slice, client, server))
}
