//! Slabs add up.

use super::*;

#[test]
fn slabs_are_summed() {
    let slabs = [Arc::new(Slab::default()), Arc::new(Slab::default())];
    slabs[0].add(Counter::Connections, 2);
    slabs[1].add(Counter::Connections, 3);
    slabs[1].add(Counter::ConnectionsClosed, 1);
    slabs[0].took(Duration::from_micros(250));
    slabs[1].took(Duration::from_micros(251));
    slabs[1].took(Duration::from_mins(1));
    let text = render(&slabs, 7);
    for line in [
        "vestibule_connections_total 5",
        "vestibule_connections 4",
        "vestibule_access_lines_dropped_total 7",
        "vestibule_request_duration_seconds_bucket{le=\"0.00025\"} 1",
        "vestibule_request_duration_seconds_bucket{le=\"0.0005\"} 2",
        "vestibule_request_duration_seconds_bucket{le=\"10\"} 2",
        "vestibule_request_duration_seconds_bucket{le=\"+Inf\"} 3",
        "vestibule_request_duration_seconds_count 3",
    ] {
        assert!(text.lines().any(|l| l == line), "{line} in {text}");
    }
}
