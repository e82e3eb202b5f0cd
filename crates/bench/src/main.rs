//! `vestibule-bench`: measures Vestibule beside its peers, under the same load, in one interleaved run. Uses the released
//! binaries as anybody would; knows nothing of their insides.

mod browser;
mod candidate;
mod cpu;
mod fault;
mod load;
mod machine;
mod nginx;
mod origin;
mod path;
mod program;
mod shop;
mod spread;
mod stopwatch;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

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
}

fn main() -> ExitCode {
    let Arguments { benchmark: Benchmark::Path(options) } = Arguments::parse();
    let outcome = path::run(&options);
    // Where nobody listens there is nobody to tell.
    let _ = match &outcome {
        Ok(report) => write!(std::io::stdout(), "{report}"),
        Err(fault) => writeln!(std::io::stderr(), "vestibule-bench: {fault}"),
    };
    match outcome {
        Ok(report) if report.passes() => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}
