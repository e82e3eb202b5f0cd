//! What a configuration says of a route's conduct, and what it leaves out.

use super::*;

#[test]
fn what_is_left_out_keeps_its_default_and_no_time_is_zero() {
    let read = |settings: ConductSettings| {
        let mut told = Vec::new();
        (settings.conduct(&mut |key, what| told.push(format!("{key} {what}"))), told)
    };
    assert_eq!(read(ConductSettings::default()), (Conduct::default(), Vec::new()));
    let settings = ConductSettings {
        body_bytes_max: Some(0),
        connect_timeout_ms: Some(1),
        answer_timeout_ms: Some(0),
        stall_timeout_ms: Some(3_000),
    };
    let default = Conduct::default();
    let expected = Conduct {
        body_bytes_max: 0,
        connect_timeout: Duration::from_millis(1),
        answer_timeout: default.answer_timeout,
        stall_timeout: Duration::from_secs(3),
    };
    assert_eq!(
        read(settings),
        (expected, vec!["answer_timeout_ms must be at least 1 (milliseconds)".to_owned()])
    );
}
