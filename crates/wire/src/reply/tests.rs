//! Every refusal is a JSON document and names no part of us.

use vestibule_message::framing::LengthFault;
use vestibule_message::target::TargetFault;

use super::*;

#[test]
fn refusals_read_well() {
    for (refusal, code) in [
        (Refusal::Scan(ScanFault::BareLf), 400),
        (Refusal::Head(HeadFault::Host), 400),
        (Refusal::Head(HeadFault::Length(LengthFault::Both)), 400),
        (Refusal::Head(HeadFault::Target(TargetFault::Parameter)), 400),
        (Refusal::Head(HeadFault::Target(TargetFault::Byte)), 400),
        (Refusal::Head(HeadFault::Length(LengthFault::Coding)), 400),
        (Refusal::Head(HeadFault::TooLarge("one field")), 431),
        (Refusal::Body(ChunkFault::Size), 400),
        (Refusal::Head(HeadFault::MethodNotAllowed), 405),
        (Refusal::HeadSlow, 408),
        (Refusal::Panic, 500),
    ] {
        let answer = refusal.answer();
        let body = String::from_utf8(answer.body).unwrap();
        assert_eq!(answer.status.code(), code, "{body}");
        assert_eq!(body.matches('"').count(), 10, "a quote inside would break the document: {body}");
        assert!(!body.contains('\\') && !body.to_lowercase().contains("vestibule"), "{body}");
    }
}
