//! Threads come and go; what is left over of them must not be counted wrongly.

use std::time::Duration;

use super::Account;

fn account<const N: usize>(threads: [(&str, u64); N]) -> Account {
    Account(threads.map(|(thread, used)| (thread.to_owned(), used)).into())
}

#[test]
fn only_what_was_used_between_counts() {
    let before = account([("1", 700), ("2", 5_000)]);
    let after = account([("1", 900), ("3", 40)]);
    assert_eq!(after.since(&before), Duration::from_nanos(240));
    assert_eq!(after.since(&after), Duration::ZERO);
}
