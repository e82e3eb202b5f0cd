//! The measuring itself, with nginx against nginx: nothing is compared, everything is used.

use super::{Report, measure};
use crate::candidate::Candidate;
use crate::machine::Machine;
use crate::origin;

#[test]
fn measures_proxies_that_answer() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let origin = origin::start().unwrap();
    let candidates = folders.each_ref().map(|folder| Candidate::nginx(folder.path(), None, origin).unwrap());
    let rounds = measure(&candidates, 1).unwrap();
    assert_eq!((rounds.len(), rounds[0].len()), (1, 2));
    for slice in &rounds[0] {
        assert!(slice.per_second > 100.0 && slice.microseconds > 0.1, "{slice:?}");
    }
    let machine = Machine::look("nginx".as_ref());
    let report = Report { machine, pinned: false, names: vec!["nginx", "again"], rounds, gated: false };
    assert!(report.passes());
    let text = report.to_string();
    assert!(
        text.lines().any(|line| line.starts_with("nginx ") && line.contains("1.00 [1.00-1.00]")),
        "{text}"
    );
}
