//! Signals: the first SIGTERM or SIGINT drains, a second one cuts at once. Both ways the process ends well.

use std::sync::mpsc::{Receiver, channel};

use anyhow::Context as _;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals as SignalIterator;

use crate::serve::Running;

/// The signals that end the process.
pub(crate) struct Signals(Receiver<()>);

impl Signals {
    /// From now on SIGTERM and SIGINT are taken.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        let mut signals = SignalIterator::new([SIGTERM, SIGINT]).context("signals cannot be taken")?;
        let (sender, receiver) = channel();
        let forward = move || {
            for _ in signals.forever() {
                if sender.send(()).is_err() {
                    return;
                }
            }
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
