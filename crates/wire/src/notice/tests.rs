//! One line a minute for one thing, whatever happens.

use super::*;

#[test]
fn a_notice_is_given_once_a_minute_at_most() {
    let (notice, start) = (Notice::new(), tick::now());
    let due: Vec<_> = [0, 1, 59, 60, 61, 119, 120]
        .into_iter()
        .filter(|second| notice.is_due(start + Duration::from_secs(*second)))
        .collect();
    assert_eq!(due, [0, 60, 120]);
}
