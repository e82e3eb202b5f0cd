//! Signals: the first SIGTERM or SIGINT drains, a second one cuts at once. Both ways the process ends well, with exit code
//! 0, unless something hangs that nothing can cut: then a second one ends it all the same, with 1.

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use anyhow::Context as _;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals as SignalIterator;

use crate::serve::Running;

/// How long after the second signal the process may take to end by itself.
const CUT_MAX: Duration = Duration::from_secs(1);

/// How long a last line may take.
const TOLD_WITHIN: Duration = Duration::from_millis(50);

/// The signals that end the process.
pub(crate) struct Signals(Receiver<()>);

impl Signals {
    /// From now on SIGTERM and SIGINT are taken.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        let mut signals = SignalIterator::new([SIGTERM, SIGINT]).context("signals cannot be taken")?;
        let (sender, receiver) = channel();
        let forward = move || {
            for _ in signals.forever().take(2) {
                if sender.send(()).is_err() {
                    return;
                }
            }
            give_up();
        };
        std::thread::Builder::new().name("signals".to_owned()).spawn(forward)?;
        Ok(Self(receiver))
    }

    /// Waits for the first signal, then drains; a second one hurries.
    pub(crate) fn wait_and_drain(&self, running: Running) {
        // It can only fail when the signal thread has gone; then there is nothing to wait for.
        let _ = self.0.recv();
        running.drain(&self.0);
    }
}

/// Ends the process, whatever still hangs in it: a disk, a pipe that nobody reads. What was acknowledged is safe, and yet
/// this was no orderly end: the exit code is 1.
fn give_up() -> ! {
    pause(CUT_MAX);
    // A thread of its own writes it, because standard error may be such a pipe too.
    vestibule_wire::tell("cut short: something did not end by itself");
    pause(TOLD_WITHIN);
    std::process::exit(1)
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long a process may hang is real time, and nothing wakes this"
)]
fn pause(time: Duration) {
    std::thread::sleep(time);
}
