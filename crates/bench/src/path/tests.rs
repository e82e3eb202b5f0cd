//! The measuring itself, with nginx against nginx: nothing is compared, everything is used.

use super::{Footprint, Report, Slice, Way, measure};
use crate::machine::Machine;
use crate::nginx::Nginx;
use crate::origin;
use crate::spread::Spread;

#[test]
fn measures_proxies_that_answer() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let origin = origin::start().unwrap();
    let programs = folders.each_ref().map(|folder| Nginx::start(folder.path(), None, origin).unwrap());
    assert!(programs[0].program().resident_kib().unwrap() > 100);
    assert!(!programs[0].program().ready_after.is_zero());
    let candidates = programs.each_ref().map(Nginx::pass_through);
    let rounds = measure(&candidates, 1).unwrap();
    assert_eq!((rounds.len(), rounds[0].len()), (1, 2));
    for slice in &rounds[0] {
        assert!(slice.per_second > 100.0 && slice.microseconds > 0.1, "{slice:?}");
    }
}

/// A report of two ways, the second of which takes these shares of the first's time.
fn report(shares: &[f64], gated: bool) -> Report {
    let slice = |microseconds| Slice { microseconds, per_second: 1e6 / microseconds };
    Report {
        machine: Machine::look(vec!["nginx".to_owned()]),
        pinned: false,
        ways: vec![
            Way { name: "nginx", request_bytes: 500, twin: None, is_ours: false },
            Way { name: "other", request_bytes: 600, twin: None, is_ours: true },
        ],
        rounds: shares.iter().map(|share| vec![slice(20.0), slice(20.0 * share)]).collect(),
        programs: vec![Footprint {
            name: "other",
            ready_ms: Spread::of([80.0]),
            idle_kib: 2048,
            loaded_kib: 4096,
        }],
        gated,
    }
}

#[test]
fn a_way_that_is_too_dear_fails_the_gate() {
    assert!(report(&[1.0, 1.1, 9.0], true).passes());
    assert!(!report(&[1.0, 1.3, 1.3], true).passes());
    assert!(report(&[1.0, 1.3, 1.3], false).passes());
    assert!(!report(&[], true).passes());
}

#[test]
fn a_report_says_what_was_measured() {
    let text = report(&[1.0, 1.1, 1.2], true).to_string();
    let has =
        |start: &str, part: &str| text.lines().any(|line| line.starts_with(start) && line.contains(part));
    assert!(has("nginx ", "1.00 [1.00-1.00]"), "{text}");
    assert!(has("other ", "1.10 [1.05-1.15]"), "{text}");
    assert!(has("other ", "80 [80-80]") && has("other ", "4.0"), "{text}");
    assert!(has("gate 1.2", "passed"), "{text}");
}

#[test]
fn another_binary_is_compared_round_by_round_and_not_gated() {
    let mut report = report(&[1.0, 1.1, 1.0], true);
    report.ways.push(Way { name: "other", request_bytes: 600, twin: Some(1), is_ours: false });
    for (round, share) in report.rounds.iter_mut().zip([2.0, 2.0, 4.0]) {
        round.push(Slice { microseconds: round[1].microseconds * share, per_second: 1.0 });
    }
    assert!(report.passes());
    let text = report.to_string();
    assert!(text.contains("beside; ours to it 0.50 ["), "{text}");
}
