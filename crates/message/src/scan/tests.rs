//! The scan finds the same end however the bytes are cut.

use super::*;

const HEAD: &[u8] = b"GET / HTTP/1.1\r\nhost: a\r\n\r\nbody\r\n\r\n";

#[test]
fn every_split_finds_the_same_end() {
    for cut in 0..HEAD.len() {
        let mut scan = HeadScan::default();
        let first = scan.find_end(&HEAD[..cut]).unwrap();
        let end = first.or_else(|| scan.find_end(HEAD).unwrap());
        assert_eq!(end, Some(27), "cut at {cut}");
    }
}

#[test]
fn byte_by_byte() {
    let mut scan = HeadScan::default();
    let end = (0..=HEAD.len()).find_map(|n| scan.find_end(&HEAD[..n]).unwrap());
    assert_eq!(end, Some(27));
    assert_eq!(scan.lines(), 3);
}

#[test]
fn bare_line_feeds_are_refused_at_once() {
    for bad in
        [&b"\n"[..], b"GET / HTTP/1.1\n", b"GET / HTTP/1.1\r\na: b\nc: d\r\n\r\n", b"GET / HTTP/1.1\r\n\n"]
    {
        assert_eq!(HeadScan::default().find_end(bad), Err(ScanFault::BareLf), "{bad:?}");
    }
}

#[test]
fn lines_that_end_in_cr_alone_are_refused_at_once_at_any_split() {
    for bad in [&b"GET / HTTP/1.1\rHost: a\r\r"[..], b"GET / HTTP/1.1\r\nHost: a\rX: b", b"\rG", b"\r\r"] {
        assert_eq!(HeadScan::default().find_end(bad), Err(ScanFault::BareCr), "{bad:?}");
        for cut in 0..bad.len() {
            let mut scan = HeadScan::default();
            let first = scan.find_end(&bad[..cut]);
            let either = first.and_then(|_| scan.find_end(bad));
            assert_eq!(either, Err(ScanFault::BareCr), "{bad:?} cut at {cut}");
        }
    }
    // Its line feed may still come.
    assert_eq!(HeadScan::default().find_end(b"GET / HTTP/1.1\r\nHost: a\r"), Ok(None));
}
