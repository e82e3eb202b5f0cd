//! How times are said.

use std::time::Duration;

use super::about;

#[test]
fn short_times_are_told_in_seconds_and_long_ones_in_minutes() {
    let said = [0, 1, 119, 120, 149, 150, 600].map(|seconds| about(Duration::from_secs(seconds)));
    assert_eq!(said, ["0 s", "1 s", "119 s", "2 min", "2 min", "3 min", "10 min"]);
}
