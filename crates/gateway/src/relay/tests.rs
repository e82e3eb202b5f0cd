//! Traces that go on and traces that do not. What is stripped is tested through the whole gateway, byte for byte.

use vestibule_message::head::{HeadLimits, RequestIndex};

use super::*;

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn traced(fields: &str) -> bool {
    let text = format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
    let mut index = RequestIndex::default();
    index.parse(text.as_bytes(), &HeadLimits::default()).unwrap();
    is_traced(&index.of(text.as_bytes()))
}

#[test]
fn a_trace_is_one_well_formed_field() {
    let line = |value: &str| format!("Traceparent: {value}\r\n");
    assert!(traced(&line(TRACE)));
    assert!(!traced(""));
    assert!(!traced(&line(TRACE).repeat(2)));
    assert!(!traced(&format!("trace_parent: {TRACE}\r\n")));
    for bad in [
        &TRACE.replace("00-0af", "01-0af"),
        &TRACE.replace("00-0af", "ff-0af"),
        &TRACE.to_ascii_uppercase(),
        &TRACE.replace("0af7651916cd43dd8448eb211c80319c", &"0".repeat(32)),
        &TRACE.replace("b7ad6b7169203331", &"0".repeat(16)),
        &TRACE.replace("-b7", "_b7"),
        &TRACE.replace("-01", "-0g"),
        &format!("{TRACE}-x"),
        &TRACE[..54].to_owned(),
    ] {
        assert!(!traced(&line(bad)), "{bad}");
    }
}

#[test]
fn our_own_traceparent_is_one() {
    // As wire makes it.
    assert!(is_traceparent(b"00-0123456789abcdeffedcba9876543210-fedcba9876543210-00"));
}
