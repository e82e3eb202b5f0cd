//! The names of requests.

use super::*;

#[test]
fn a_request_id_is_a_trace_and_its_first_span() {
    let id = RequestId { prefix: 0x0123_4567_89ab_cdef, number: 0xfedc_ba98_7654_3210 };
    assert_eq!(&id.hex(), b"0123456789abcdeffedcba9876543210");
    assert_eq!(&id.traceparent(), b"00-0123456789abcdeffedcba9876543210-fedcba9876543210-00");
}
