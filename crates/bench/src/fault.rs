//! Why there is no measurement.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a benchmark cannot be run to its end.
#[derive(Debug, Error)]
pub(crate) enum Fault {
    /// A step that needs the system failed.
    #[error("{0}: {1}")]
    System(&'static str, io::Error),
    /// There is no binary to measure.
    #[error("{} is not there: build it with `cargo build --release`, or name it with --binary", .0.display())]
    NoBinary(PathBuf),
    /// A program cannot be started.
    #[error("cannot start {0}: {1}")]
    Start(&'static str, io::Error),
    /// A program answered nothing in time; the text is its own last words.
    #[error("{0} was not ready in time: {1}")]
    NotReady(&'static str, String),
    /// The way to a log-on or a token ended early; the text says where.
    #[error("{0} failed: {1}")]
    Step(&'static str, String),
    /// A proxy broke the run: it closed a connection or answered something else than the page.
    #[error("{0} gave no proper answer: {1}")]
    Answer(&'static str, io::Error),
}

impl Fault {
    /// For `map_err`: this step failed.
    pub(crate) fn at(step: &'static str) -> impl Fn(io::Error) -> Self {
        move |error| Self::System(step, error)
    }
}
