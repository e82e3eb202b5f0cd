//! What the children asked for and were promised, and whether the file agrees.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use vestibule_domain::identity::{Handle, Timestamp};
use vestibule_ports::session_store::{Record, SessionStore, Slot, Tombstone, Version};
use vestibule_store_embedded::{Config, EmbeddedStore};

pub(super) const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

/// A session on its way: absent, then versions, then perhaps ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Absent,
    Live(Version),
    Ended,
}

#[derive(Debug, Clone, Copy)]
struct Promise {
    acknowledged: Step,
    asked: Step,
}

/// All sessions of all children so far.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    promises: BTreeMap<u64, Promise>,
    acknowledgements: u64,
}

pub(super) fn handle(number: u64) -> Handle {
    let mut bytes = [0; 16];
    // Spread over the key space, as random handles are.
    bytes[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    bytes[8..].copy_from_slice(&number.to_be_bytes());
    Handle::from_bytes(bytes)
}

fn user(number: u64) -> String {
    format!("user-{}", number % 5)
}

pub(super) fn record(number: u64, version: Version) -> Record {
    let body = format!("{number}/{version};").repeat(100);
    let expires_at = NOW + Duration::from_secs(3_600 + version);
    Record { body: body.into(), user: Some(user(number)), expires_at }
}

pub(super) fn tombstone(number: u64) -> Tombstone {
    Tombstone { body: format!("{number} is over").into(), expires_at: NOW + Duration::from_hours(3) }
}

impl Ledger {
    /// Where the next child begins to number its sessions.
    pub(super) fn next_number(&self) -> u64 {
        self.promises.last_key_value().map_or(0, |(number, _)| (number + 1).next_multiple_of(8))
    }

    pub(super) fn acknowledged(&self) -> u64 {
        self.acknowledgements
    }

    /// Notes a line of a child and returns whether it was one of the two kinds: `ask N STEP` or `ack N STEP`.
    pub(super) fn note(&mut self, line: &str) -> bool {
        let words: Vec<&str> = line.split(' ').collect();
        let &[kind @ ("ask" | "ack"), number, step] = words.as_slice() else { return false };
        let number = number.parse().expect("the child counts its sessions");
        let step = step.parse().map_or(Step::Ended, Step::Live);
        let promise = self
            .promises
            .entry(number)
            .or_insert(Promise { acknowledged: Step::Absent, asked: Step::Absent });
        if kind == "ask" {
            promise.asked = step;
        } else {
            promise.acknowledged = step;
            self.acknowledgements += 1;
        }
        true
    }

    /// Opens the file as the next process would, and compares all of it with what was promised.
    pub(super) async fn check(&mut self, path: &Path) {
        let store =
            EmbeddedStore::open(&Config::new(path)).expect("a crash leaves a file that can be opened");
        let mut live = BTreeMap::<String, usize>::new();
        let mut entries = 0;
        for (number, promise) in &mut self.promises {
            let slot = store.get(handle(*number), NOW).await.expect("every row can be read");
            let found = match &slot {
                Slot::Absent => Step::Absent,
                Slot::Live(stored) => {
                    assert_eq!(
                        stored.record,
                        record(*number, stored.version),
                        "session {number} is a mixture"
                    );
                    *live.entry(user(*number)).or_default() += 1;
                    Step::Live(stored.version)
                }
                Slot::Ended(found) => {
                    assert_eq!(*found, tombstone(*number));
                    Step::Ended
                }
            };
            assert!(
                found == promise.acknowledged || found == promise.asked,
                "session {number} is {found:?}, promised was {promise:?}"
            );
            // What is there after a crash is what the next one must keep.
            *promise = Promise { acknowledged: found, asked: found };
            entries += usize::from(found != Step::Absent);
        }
        for number in 0..5 {
            let listed =
                store.list_user(&user(number), usize::MAX, NOW).await.expect("the index can be read");
            assert_eq!(
                listed.len(),
                live.get(&user(number)).copied().unwrap_or_default(),
                "index of {number}"
            );
        }
        assert_eq!(
            expiring(path, store).await,
            entries,
            "entries that nobody asked for, or an index that lost some"
        );
    }
}

/// Counts every row by sweeping a copy of the file empty.
async fn expiring(path: &Path, store: EmbeddedStore) -> usize {
    drop(store);
    let copy = path.with_extension("copy");
    std::fs::copy(path, &copy).expect("a closed file can be copied");
    let store = EmbeddedStore::open(&Config::new(&copy)).expect("a copy can be opened");
    let mut removed = 0;
    loop {
        let swept = store.sweep(NOW + Duration::from_hours(4), 500).await.expect("a copy can be swept");
        removed += swept.removed;
        if !swept.more {
            return removed;
        }
    }
}
