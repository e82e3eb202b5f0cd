//! Who wants traffic and cannot serve it is not ready.

use vestibule_store_embedded::{Config, EmbeddedStore};

use super::*;

#[test]
fn a_process_whose_sessions_cannot_be_read_is_not_ready() {
    let directory = tempfile::TempDir::new().unwrap();
    let store = EmbeddedStore::open(&Config::new(directory.path().join("sessions.redb"))).unwrap();
    let readiness = Readiness::with(Some(store.condition()));
    let health = Health { readiness: readiness.clone(), monitor: Monitor::default(), idp: None };
    let ready = || health.page("/readyz").status().code();
    assert_eq!(ready(), 503, "not wanted yet");
    readiness.set(true);
    assert_eq!(ready(), 200);
    drop(store);
    assert_eq!((ready(), health.page("/healthz").status().code()), (503, 200));
}
