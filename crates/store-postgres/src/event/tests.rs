//! Events survive the way through a payload.

use super::*;

fn handle(number: u8) -> Handle {
    Handle::from_bytes([number; 16])
}

fn through(events: &[Event]) -> Vec<Event> {
    payloads(events).iter().flat_map(|payload| read(payload).collect::<Vec<_>>()).collect()
}

#[test]
fn every_event_is_read_as_it_was_written() {
    let events = [
        Event::Changed { handle: handle(0), version: 1 },
        Event::Changed { handle: handle(255), version: u64::MAX },
        Event::Ended { handle: handle(251) },
        Event::Gap,
        Event::Alive(Beat { watcher: u64::MAX, sent: Mono::from_start(Duration::from_nanos(u64::MAX)) }),
        Event::Alive(Beat { watcher: 0, sent: Mono::from_start(Duration::ZERO) }),
    ];
    assert_eq!(through(&events), events);
}

#[test]
fn many_events_keep_their_order_in_payloads_that_the_server_takes() {
    let events: Vec<_> = (0..10_000)
        .map(|version| Event::Changed { handle: handle((version % 251) as u8), version })
        .collect();
    let payloads = payloads(&events);
    assert!(payloads.iter().all(|payload| payload.len() < 8_000), "the server refuses 8000");
    assert!(payloads.len() <= 10_000 / 250 + 1, "{} payloads", payloads.len());
    assert_eq!(through(&events), events);
}

#[test]
fn what_nobody_of_us_wrote_is_a_gap() {
    for text in [
        "",
        "x",
        "c",
        "c.1",
        "cAAAAAAAAAAAAAAAAAAAAAA",
        "cAAAAAAAAAAAAAAAAAAAAAA.x",
        "eAA",
        "b1",
        "bz.1",
        "é",
        "e e",
    ] {
        assert!(read(text).all(|event| event == Event::Gap), "{text:?}");
        assert!(read(text).count() > 0, "{text:?}");
    }
}
