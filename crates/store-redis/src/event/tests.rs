//! Messages are read as they were sent.

use super::*;

#[test]
fn events_are_read_as_they_were_sent() {
    let handle = Handle::from_bytes([7; 16]);
    let alive = Beat { watcher: u64::MAX, sent: Mono::from_start(Duration::new(5, 999_999_999)) };
    assert_eq!(read(&changed(handle, 9)), Event::Changed { handle, version: 9 });
    assert_eq!(read(&ended(handle)), Event::Ended { handle });
    assert_eq!(read(&beat(alive)), Event::Alive(alive));
}

#[test]
fn what_cannot_be_read_is_a_gap() {
    let beat = beat(Beat { watcher: 1, sent: Mono::default() });
    for payload in [&b""[..], b"C", b"Eshort", b"hello", &beat[..20], &[beat.as_slice(), b"x"].concat()] {
        assert_eq!(read(payload), Event::Gap, "{payload:?}");
    }
}
