//! Declared lengths, as a table.

use super::*;

#[test]
fn content_length_is_a_plain_number_or_refused() {
    for bad in [
        "",
        "+5",
        "-5",
        "-0",
        "0x5",
        "0o5",
        "1_0",
        "1 0",
        "5a",
        "\"\"",
        "5.0",
        "5;",
        "\x0b5",
        "99999999999999999999999",
        "005",
        "00",
        "5, 5",
        "5,10",
        " 5",
    ] {
        assert_eq!(
            Declared::default().content_length(bad.as_bytes()),
            Err(LengthFault::NotANumber),
            "{bad:?}"
        );
    }
    for (good, length) in
        [("0", BodyLength::None), ("5", BodyLength::Exact(5)), ("1000", BodyLength::Exact(1000))]
    {
        let mut declared = Declared::default();
        declared.content_length(good.as_bytes()).unwrap();
        assert_eq!(declared.length(false), Ok(Some(length)));
        assert_eq!(declared.content_length(good.as_bytes()), Err(LengthFault::Repeated));
    }
}

#[test]
fn transfer_encoding_is_chunked_or_refused() {
    for bad in [
        "",
        "identity",
        "gzip",
        "gzip, chunked",
        "chunked, chunked",
        "chunked;q=1",
        "xchunked",
        "\x0bchunked",
        "\"chunked\"",
    ] {
        assert_eq!(
            Declared::default().transfer_encoding(bad.as_bytes()),
            Err(LengthFault::Coding),
            "{bad:?}"
        );
    }
    let mut declared = Declared::default();
    declared.transfer_encoding(b"ChunKed").unwrap();
    assert_eq!(declared.length(false), Ok(Some(BodyLength::Chunked)));
    assert_eq!(declared.length(true), Err(LengthFault::CodingInOldVersion));
    assert_eq!(declared.transfer_encoding(b"chunked"), Err(LengthFault::Coding));
    declared.content_length(b"5").unwrap();
    assert_eq!(declared.length(false), Err(LengthFault::Both));
}

#[test]
fn a_reader_takes_its_own_and_no_more() {
    let mut reader = BodyReader::new(BodyLength::Exact(5));
    assert_eq!(reader.take(b"abc").unwrap().consumed, 3);
    assert!(!reader.is_done());
    assert_eq!(reader.take(b"defgh").unwrap(), Taken { consumed: 2, data: 0..2 });
    assert!(reader.is_done());
    assert_eq!(reader.take(b"GET").unwrap().consumed, 0);
}

#[test]
fn looking_ahead_finds_faults_and_takes_nothing() {
    let reader = BodyReader::new(BodyLength::Chunked);
    assert!(reader.check(b"5\r\nhel").is_ok());
    assert!(reader.check(b"5\r\nhello\r\n0\r\n\r\nGET").is_ok());
    assert_eq!(reader.check(b"5\r\nhello!"), Err(ChunkFault::LineEnd));
}

#[test]
fn a_broken_body_stays_broken() {
    let mut reader = BodyReader::new(BodyLength::Chunked);
    assert_eq!(reader.take(b"0\r\n: y\r\n\r\nGET"), Err(ChunkFault::Trailer));
    assert_eq!(reader.take(b"\r\nGET"), Err(ChunkFault::Trailer));
    assert!(!reader.is_done());
}

#[test]
fn what_is_announced() {
    let mut reader = BodyReader::new(BodyLength::Chunked);
    reader.take(b"ffff\r\n").unwrap();
    assert_eq!(reader.announced(), 0xffff);
    reader.take(b"abc").unwrap();
    assert_eq!(reader.announced(), 0xfffc);
    assert_eq!(BodyReader::new(BodyLength::Exact(7)).announced(), 7);
}
