//! The lines we add. What is stripped is tested through the whole proxy, byte for byte.

use super::*;

#[test]
fn a_traceparent_carries_the_request_id() {
    let id = *b"0123456789abcdeffedcba9876543210";
    assert_eq!(&traceparent(&id), b"00-0123456789abcdeffedcba9876543210-fedcba9876543210-00");
}
