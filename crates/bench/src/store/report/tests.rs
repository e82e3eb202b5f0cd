//! What the tables say of slices without an answer, of stores that failed, and of those that need no sweep.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{LeftOut, Measured, Report};
use crate::machine::Machine;
use crate::store::work::{Operation, Slice};

const LASTED: Duration = Duration::from_millis(500);

fn measured(latencies: &[u32], failed: u64) -> Measured {
    let slice = Slice { latencies: latencies.to_vec(), failed, lasted: LASTED };
    Measured::of(&slice, Duration::from_micros(600), Duration::from_micros(300))
}

fn report(cells: BTreeMap<super::Cell, Vec<Measured>>) -> Report {
    Report {
        machine: Machine::look(Vec::new()),
        sessions: 2_000,
        rounds: 1,
        rounds_wanted: 1,
        lasts: LASTED,
        names: vec!["redis, everysec", "mongo, majority"],
        cells,
        footprints: Vec::new(),
        left_out: Vec::new(),
        unswept: vec![0],
    }
}

#[test]
fn a_row_has_rates_latencies_and_processor_time_of_each_operation() {
    let text =
        report([((Operation::Sweep, 1, 1), vec![measured(&[1_000, 2_000, 4_000], 0)])].into()).tables();
    assert!(text.contains("| mongo, majority | 6 |"), "{text}");
    assert!(text.contains("| mongo, majority | 2.00 / 4.00 | 200 / 100 |"), "{text}");
}

#[test]
fn where_nothing_was_answered_there_is_no_latency() {
    let text = report([((Operation::Sweep, 1, 1), vec![measured(&[], 7)])].into()).tables();
    assert!(text.contains("| mongo, majority | - / - | - / - |"), "{text}");
    assert!(text.contains("mongo, majority: 7 of 7 had no answer in time."), "{text}");
}

#[test]
fn a_store_whose_keys_expire_has_nothing_to_sweep() {
    let text = report(BTreeMap::new()).tables();
    assert!(text.contains("| redis, everysec | none: its keys expire |"), "{text}");
    assert_eq!(text.matches("| redis, everysec | - / -").count(), Operation::ALL.len() - 1, "{text}");
}

#[test]
fn latency_and_processor_time_are_told_for_each_number_of_callers() {
    let cell = |callers, latency| ((Operation::Patch, callers, 0), vec![measured(&[latency], 0)]);
    let text = report([cell(1, 1_000), cell(16, 2_000), cell(64, 3_000)].into()).tables();
    let row =
        "| redis, everysec | 1.00 / 1.00 | 600 / 300 | 2.00 / 2.00 | 600 / 300 | 3.00 / 3.00 | 600 / 300 |";
    assert!(text.contains(row), "{text}");
}

#[test]
fn a_run_without_a_store_or_a_round_says_so_and_is_not_whole() {
    let mut report = report(BTreeMap::new());
    assert!(report.is_whole());
    report.left_out.push(LeftOut { name: "postgres", why: "filling: it is gone".to_owned() });
    assert!(!report.is_whole());
    assert!(report.to_string().contains("postgres is not here, or not to the end: filling: it is gone"));
    report.left_out.clear();
    report.rounds_wanted = 5;
    assert!(!report.is_whole() && report.to_string().contains("1 rounds of 5 wanted"));
}
