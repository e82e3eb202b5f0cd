//! The process that is killed: eight writers log on, patch and log out for ever, saying what they ask and what
//! was acknowledged, a line each.

use std::io::{self, Write as _};
use std::path::Path;
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use tokio::task::JoinSet;
use vestibule_ports::session_store::{Created, Ended, SessionStore, Updated};
use vestibule_store_embedded::{CommitPoint, Config, EmbeddedStore};

use super::ledger::{NOW, handle, record, tombstone};
use super::{Moment, command};

/// The child has reached its point and waits there to be killed.
pub(super) const STANDING: &str = "standing";

const PATH: &str = "VESTIBULE_CRASH_PATH";
const FIRST: &str = "VESTIBULE_CRASH_FIRST";
const POINT: &str = "VESTIBULE_CRASH_POINT";
const COMMIT: &str = "VESTIBULE_CRASH_COMMIT";
const WRITERS: u64 = 8;

/// Starts this test binary once more, with sessions numbered from `first`.
pub(super) fn start(path: &Path, moment: Moment, first: u64) -> Child {
    let mut command = command();
    command.env(PATH, path).env(FIRST, first.to_string());
    if let Moment::At(point, commit) = moment {
        command.env(POINT, format!("{point:?}")).env(COMMIT, commit.to_string());
    }
    command.spawn().expect("a test can start itself")
}

/// Only does something when `start` has started it; as a test of the suite it has nothing to say.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_in_a_process_of_its_own() {
    let Ok(path) = std::env::var(PATH) else { return };
    let first: u64 = std::env::var(FIRST).unwrap().parse().unwrap();
    // Ends the line that the test harness has begun.
    println!();
    let store = Arc::new(EmbeddedStore::open_with_hook(&Config::new(path), stand_still()).unwrap());
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        writers.spawn(write_for_ever(Arc::clone(&store), first + writer));
    }
    writers.join_all().await;
}

/// Stops the writer's thread at the point that the parent has named, if it has.
fn stand_still() -> impl Fn(CommitPoint) + Send {
    let point = std::env::var(POINT).unwrap_or_default();
    let commit = std::env::var(COMMIT).map_or(0, |commit| commit.parse().expect("written by `start`"));
    let reached = AtomicU64::new(0);
    move |at| {
        if format!("{at:?}") == point && reached.fetch_add(1, Ordering::Relaxed) + 1 == commit {
            say(STANDING);
            loop {
                thread::park();
            }
        }
    }
}

/// A line for the parent. Standard output is a line at a time, so it has left the process when this returns.
fn say(line: &str) {
    writeln!(io::stdout(), "{line}").expect("the parent reads until this process is dead");
}

/// Each session: created, patched three times, and every second one ended.
async fn write_for_ever(store: Arc<EmbeddedStore>, first: u64) {
    for number in (first..).step_by(WRITERS as usize) {
        say(&format!("ask {number} 1"));
        assert_eq!(store.create(handle(number), record(number, 1)).await, Ok(Created::Created));
        say(&format!("ack {number} 1"));
        for version in 1..4 {
            say(&format!("ask {number} {}", version + 1));
            let updated = store.update(handle(number), version, record(number, version + 1), NOW).await;
            assert_eq!(updated, Ok(Updated::Updated(version + 1)));
            say(&format!("ack {number} {}", version + 1));
        }
        if number % 2 == 0 {
            say(&format!("ask {number} end"));
            assert_eq!(store.end(handle(number), None, tombstone(number), NOW).await, Ok(Ended::Ended));
            say(&format!("ack {number} end"));
        }
    }
}
