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
        assert_eq!(unfresh(Duration::from_secs(seconds), method, app_writes), expected);
    }
}
