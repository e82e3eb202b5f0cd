//! Signals: the first SIGTERM or SIGINT drains, a second one cuts at once. Both ways the process ends well, unless
//! something hangs that nothing can cut: then a second one ends it all the same.

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
            give_up_after(CUT_MAX);
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

/// Ends the process, whatever still hangs in it: a disk, a pipe that nobody reads. What was acknowledged is safe.
fn give_up_after(time: Duration) -> ! {
    let (_kept, never) = channel::<()>();
    let wait = |time| never.recv_timeout(time).is_err();
    let mut waited = wait(time);
    // Not waited for any longer, because standard error may be such a pipe too.
    vestibule_wire::tell("cut short: something did not end by itself");
    waited &= wait(TOLD_WITHIN);
    std::process::exit(i32::from(waited))
}
