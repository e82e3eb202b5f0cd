//! How a time is shown, the first and the last one too.

use super::*;

#[test]
fn a_time_is_shown_in_whole_seconds() {
    assert_eq!(Moment::from(Timestamp::from_millis(1_800_000_000_999)).to_string(), "2027-01-15T08:00:00Z");
    assert_eq!(Moment::from(Timestamp::from_millis(-1)).to_string(), "1969-12-31T23:59:59Z");
}

#[test]
fn no_time_is_too_far_away() {
    assert_eq!(Moment::from(Timestamp::from_millis(i64::MAX)).to_string(), "9999-12-30T22:00:00Z");
    assert_eq!(Moment::from(Timestamp::from_millis(i64::MIN)).to_string(), "-009999-01-02T01:59:59Z");
}

#[test]
fn what_is_shown_can_be_read() {
    let at = Moment::from(Timestamp::from_secs(1_800_000_000));
    let text = serde_json::to_string(&at).unwrap();
    assert_eq!(serde_json::from_str::<Moment>(&text).unwrap(), at);
    assert!(serde_json::from_str::<Moment>("\"yesterday\"").is_err());
}
