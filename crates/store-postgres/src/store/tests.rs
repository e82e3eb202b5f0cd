//! What is worked out before the server is asked.

use std::time::Duration;

use super::*;

fn handle(number: u8) -> Handle {
    Handle::from_bytes([number; 16])
}

#[test]
fn a_batch_of_touches_has_each_handle_once_in_order_with_its_newest_time() {
    let at = |secs| Timestamp::from_secs(secs);
    let seen = [(handle(2), at(5)), (handle(1), at(7)), (handle(2), at(9)), (handle(2), at(1))];
    let (handles, times) = newest(&seen);
    assert_eq!(handles, [vec![1; 16], vec![2; 16]]);
    assert_eq!(times, [(at(7)).as_millis(), (Timestamp::default() + Duration::from_secs(9)).as_millis()]);
}

#[test]
fn a_version_that_no_server_counts_to_is_never_expected() {
    assert_eq!(expected(7), 7);
    assert_eq!(expected(Version::MAX), -1);
}
