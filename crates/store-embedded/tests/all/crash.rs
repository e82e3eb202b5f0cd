//! kill -9: at each named point of a commit and at random moments. Whatever was acknowledged is there afterwards,
//! whatever was asked and not acknowledged is there whole or not at all, and nothing else is.

mod child;
mod ledger;

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use ledger::Ledger;
use tempfile::TempDir;
use vestibule_store_embedded::{CommitPoint, Config, EmbeddedStore, OpenError};

/// How often the random test kills, unless the environment says otherwise.
const CRASHES: u64 = 50;
const CRASHES_VARIABLE: &str = "VESTIBULE_CRASHES";

/// When the child dies.
#[derive(Clone, Copy)]
enum Moment {
    /// It stands still at this point of its n-th commit.
    At(CommitPoint, u64),
    /// This many of its lines were read.
    AfterLines(u64),
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_at_any_named_point() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("sessions.redb");
    let mut ledger = Ledger::default();
    for point in [CommitPoint::BeforeCommit, CommitPoint::AfterCommit, CommitPoint::BeforeAck] {
        for commit in [1, 7] {
            run(&path, &mut ledger, Moment::At(point, commit));
            ledger.check(&path).await;
        }
    }
    assert!(ledger.acknowledged() > 20, "the child hardly did anything: {}", ledger.acknowledged());
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_at_random_moments() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("sessions.redb");
    let crashes = std::env::var(CRASHES_VARIABLE).map_or(CRASHES, |count| count.parse().unwrap());
    let mut ledger = Ledger::default();
    for crash in 0..crashes {
        // Spread over one to a few hundred lines; the machine's own timing makes the rest of the difference.
        run(&path, &mut ledger, Moment::AfterLines(1 + crash.wrapping_mul(0x9e37_79b9) % 400));
        ledger.check(&path).await;
    }
    assert!(ledger.acknowledged() > crashes, "the child hardly did anything: {}", ledger.acknowledged());
}

/// Lets a child write until its moment comes, then kills it and notes everything it said.
fn run(path: &Path, ledger: &mut Ledger, moment: Moment) {
    let mut child = child::start(path, moment, ledger.next_number());
    let mut lines = BufReader::new(child.stdout.take().expect("the output is piped")).lines();
    let mut heard = 0;
    for line in lines.by_ref() {
        let line = line.expect("the child writes ASCII");
        heard += u64::from(ledger.note(&line));
        let over = match moment {
            Moment::At(..) => line == child::STANDING,
            Moment::AfterLines(count) => heard == count,
        };
        if over {
            break;
        }
    }
    if matches!(moment, Moment::At(..)) {
        let second = EmbeddedStore::open(&Config::new(path));
        assert!(matches!(second, Err(OpenError::InUse { .. })), "the child holds the file: {second:?}");
    }
    kill(&mut child);
    // What it had said before it died still counts.
    for line in lines {
        ledger.note(&line.expect("the child writes ASCII"));
    }
}

fn kill(child: &mut Child) {
    child.kill().expect("the child runs until it is killed");
    let status = child.wait().expect("a killed child can be waited for");
    assert_eq!(status.code(), None, "the child ended by itself, before it was killed");
}

fn command() -> Command {
    let mut command = Command::new(std::env::current_exe().expect("a test knows its own file"));
    command.args(["--exact", "crash::child::runs_in_a_process_of_its_own", "--nocapture"]);
    command.stdout(Stdio::piped()).stderr(Stdio::inherit());
    command
}
