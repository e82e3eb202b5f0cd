//! How soon a revocation is true everywhere: two proxies, two gateways and a log-in as processes of their own, over each
//! session store. The time runs from the acknowledgement at one node to the first refusal at every other.

mod cluster;
mod probe;
mod report;
mod trial;

use std::path::PathBuf;

use crate::fault::Fault;
use crate::machine::{self, Machine};
use crate::origin;
use crate::path::beside_us;
use crate::server::Kind;
use cluster::Cluster;
use report::Report;
use trial::Times;

/// Trials of each store.
const TRIALS: usize = 1_000;

/// How the benchmark runs.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Revocations of each store
    #[arg(long, default_value_t = TRIALS)]
    trials: usize,
    /// Only the stores whose names begin with one of these
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Fail when one in a hundred revocations takes longer than 250 ms to be true everywhere
    #[arg(long)]
    gate: bool,
    /// The `vestibule` to measure; default: the one beside this program
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// Write the table into this page, between its marks
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
}

/// Runs the benchmark.
pub(crate) fn run(options: &Options) -> Result<Report, Fault> {
    let binary = options.binary.clone().map_or_else(beside_us, Ok)?;
    if !binary.is_file() {
        return Err(Fault::NoBinary(binary));
    }
    let origin = origin::start()?;
    let mut versions = vec![machine::said(&binary, "--version")];
    let mut stores = Vec::new();
    // The embedded store is of one process: there is no other node to reach.
    for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Embedded && kind.is_among(&options.only)) {
        let server = kind.start();
        let folder = tempfile::tempdir().map_err(Fault::at("making a folder"))?;
        let Some(place) = server.place("revoke") else { continue };
        versions.extend(server.version());
        let cluster = Cluster::start(&binary, folder.path(), origin, &place)?;
        let mut times = Times::default();
        for number in 0..options.trials {
            trial::run(&cluster, number, &mut times)?;
        }
        stores.push((kind.name(), times));
    }
    let report = Report { machine: Machine::look(versions), stores, gated: options.gate };
    if let Some(page) = &options.write {
        report.write(page)?;
    }
    Ok(report)
}
