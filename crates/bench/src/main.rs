//! `vestibule-bench`: measures Vestibule beside its peers, under the same load, in one interleaved run. Uses the released
//! binaries as anybody would; knows nothing of their insides.

mod browser;
mod candidate;
mod cpu;
mod fault;
mod load;
mod machine;
mod memory;
mod nginx;
mod origin;
mod page;
mod path;
mod program;
mod progress;
mod revoke;
mod server;
mod shop;
mod spread;
mod stopwatch;
mod store;
mod visits;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// That of the program which is measured: what its parts take here, they take there.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(
    name = "vestibule-bench",
    about = "Compares Vestibule with its peers in one interleaved run",
    version
)]
struct Arguments {
    #[command(subcommand)]
    benchmark: Benchmark,
}

#[derive(Subcommand)]
enum Benchmark {
    /// CPU time of one relayed request: every way through Vestibule against nginx as a pass-through proxy
    Path(path::Options),
    /// How soon a revocation at one node is true at every other, over each session store
    Revoke(revoke::Options),
    /// The work of a session layer over each session store, on real servers that this program starts
    Store(store::Options),
    /// Page views of a mix of visitors, with each session store behind the proxy, near cache on and off
    Visits(visits::Options),
    /// Resident memory of 100,000 and of a million cached sessions
    Memory(memory::Options),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().benchmark {
        Benchmark::Path(options) => path::run(&options).map(|report| (report.to_string(), report.passes())),
        Benchmark::Revoke(options) => {
            revoke::run(&options).map(|report| (report.to_string(), report.passes()))
        }
        Benchmark::Store(options) => {
            store::run(&options).map(|report| (report.to_string(), report.is_whole()))
        }
        Benchmark::Visits(options) => {
            visits::run(&options).map(|report| (report.to_string(), report.is_whole()))
        }
        Benchmark::Memory(options) => memory::run(&options).map(|report| (report.to_string(), true)),
    };
    // Where nobody listens there is nobody to tell.
    let _ = match &outcome {
        Ok((report, _)) => write!(std::io::stdout(), "{report}"),
        Err(fault) => writeln!(std::io::stderr(), "vestibule-bench: {fault}"),
    };
    match outcome {
        Ok((_, true)) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}
