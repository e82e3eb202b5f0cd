//! Who is served while the store is lost.

use super::*;

#[test]
fn unknown_is_anonymous_only_where_a_route_says_so() {
    assert_eq!(unresolved(WhenUnknown::default()), Err(Unavailable::Unknown));
    assert_eq!(unresolved(WhenUnknown::Anonymous), Ok(()));
}

#[test]
fn cached_sessions_go_on_for_ten_seconds_but_order_nothing() {
    let cases = [
        (0, Method::Get, true, Ok(())),
        (10, Method::Head, true, Ok(())),
        (10, Method::Unsafe, false, Ok(())),
        (0, Method::Unsafe, true, Err(Unavailable::Unsaved)),
        (11, Method::Get, false, Err(Unavailable::Unknown)),
        (11, Method::Unsafe, true, Err(Unavailable::Unknown)),
    ];
    for (seconds, method, app_writes, expected) in cases {
        assert_eq!(unfresh(Duration::from_secs(seconds), UNFRESH_MAX, method, app_writes), expected);
    }
}

#[test]
fn they_go_on_for_less_where_less_is_wanted_and_never_for_more() {
    let served = |since_millis, max_seconds| {
        let (since, max) = (Duration::from_millis(since_millis), Duration::from_secs(max_seconds));
        unfresh(since, max, Method::Get, false).is_ok()
    };
    assert!(served(3_000, 3) && !served(3_001, 3));
    assert!(!served(0, 0), "none is none");
    assert!(served(10_000, 60) && !served(10_001, 60));
}

#[test]
fn what_an_app_demands_is_neither_met_nor_asked_for_on_a_guess() {
    assert_eq!(demanded(true), Ok(()));
    assert_eq!(demanded(false), Err(Unavailable::Unknown));
}
