//! How soon a revocation is true everywhere: two proxies, two gateways and a log-in as processes of their own, over each
//! session store. The time runs from the acknowledgement at one node to the first refusal at every other.

mod cluster;
mod probe;
mod report;
mod trial;

use std::path::PathBuf;
use std::time::Duration;

use crate::fault::Fault;
use crate::machine::{self, Machine};
use crate::origin;
use crate::path::beside_us;
use crate::progress::{Progress, about};
use crate::server::Kind;
use crate::stopwatch::Stopwatch;
use cluster::Cluster;
use report::Report;
use trial::Times;

/// Trials of each store.
const TRIALS: usize = 1_000;
/// No store gets more time.
const STORE_MAX: Duration = Duration::from_secs(290);
/// So many trials are between two words of progress.
const WORD_EVERY: usize = 200;

/// How the benchmark runs.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Revocations of each store, of six causes that take turns. A thousand take about three minutes, and five at most
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
    let progress = Progress::start();
    let origin = origin::start()?;
    let mut versions = vec![machine::said(&binary, "--version")];
    let mut stores = Vec::new();
    // The embedded store is of one process: there is no other node to reach.
    for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Embedded && kind.is_among(&options.only)) {
        let server = kind.start();
        let folder = tempfile::tempdir().map_err(Fault::at("making a folder"))?;
        let Some(place) = server.place("revoke") else { continue };
        versions.extend(server.version());
        let mut cluster = Cluster::start(&binary, folder.path(), origin, &place)?;
        let times = trials(&mut cluster, kind.name(), options.trials, progress)?;
        stores.push((kind.name(), times));
    }
    let report = Report { machine: Machine::look(versions), stores, gated: options.gate };
    if let Some(page) = &options.write {
        report.write(page)?;
    }
    Ok(report)
}

/// So many trials over one store, or as many as there is time for.
fn trials(
    cluster: &mut Cluster,
    store: &'static str,
    wanted: usize,
    progress: Progress,
) -> Result<Times, Fault> {
    let watch = Stopwatch::start();
    let mut times = Times::default();
    for number in 0..wanted {
        if watch.elapsed() > STORE_MAX {
            progress.say(format_args!("{store}: no time for more than {number} trials"));
            break;
        }
        trial::run(cluster, number, &mut times)?;
        let done = number + 1;
        if done % WORD_EVERY == 0 {
            let left = watch.elapsed() / done as u32 * (wanted - done) as u32;
            progress.say(format_args!("{store}: {done} of {wanted} trials, about {} to go", about(left)));
        }
    }
    Ok(times)
}
