//! A registry in memory, and a way to keep everybody from it.

use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use vestibule_domain::identity::Timestamp;
use vestibule_registry::{Caps, Registry};

/// What a house needs besides its registry to keep others from it.
pub(crate) struct Door(Arc<Registry>);

/// An empty registry.
pub(crate) fn fresh(caps: Caps) -> (Arc<Registry>, Door) {
    let registry = Arc::new(Registry::in_memory(caps).unwrap());
    (Arc::clone(&registry), Door(registry))
}

/// Keeps everybody else from the registry.
pub(crate) struct Hold {
    release: mpsc::Sender<()>,
    thread: thread::JoinHandle<()>,
}

impl Door {
    pub(crate) fn hold(&self, now: Timestamp) -> Hold {
        let registry = Arc::clone(&self.0);
        let (held, is_held) = mpsc::channel();
        let (release, released) = mpsc::channel();
        let thread = thread::spawn(move || {
            let wait = |_: &mut [_; 0]| {
                held.send(()).unwrap();
                released.recv().unwrap();
            };
            registry.throttle(&[], Duration::ZERO, now, wait).unwrap();
        });
        is_held.recv().unwrap();
        Hold { release, thread }
    }
}

impl Hold {
    pub(crate) fn release(self) {
        self.release.send(()).unwrap();
        self.thread.join().unwrap();
    }
}
