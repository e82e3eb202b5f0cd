//! Chunked bodies: what is accepted, what is refused, and that cutting the bytes changes neither.

use proptest::prelude::*;

use super::*;

fn decode(bytes: &[u8], cut: usize) -> Result<(Vec<u8>, bool, usize), ChunkFault> {
    let mut decoder = Decoder::default();
    let (mut body, mut at, mut done) = (Vec::new(), 0, false);
    while at < bytes.len() && !done {
        let piece = &bytes[at..(at + cut).min(bytes.len())];
        let step = decoder.step(piece)?;
        body.extend_from_slice(&piece[step.data.clone()]);
        at += step.consumed;
        done = step.done;
    }
    Ok((body, done, at))
}

#[test]
fn accepted() {
    for (bytes, body) in [
        (&b"0\r\n\r\n"[..], &b""[..]),
        (b"5\r\nhello\r\n0\r\n\r\n", b"hello"),
        (b"005\r\nhello\r\nA\r\n0123456789\r\n0\r\n\r\n", b"hello0123456789"),
        (b"5;a=b\r\nhello\r\n0;x;y=\"q \\\" r\"\r\n\r\n", b"hello"),
        (b"1\r\nx\r\n0\r\nHost: evil\r\nx-a:\r\n\r\n", b"x"),
    ] {
        for cut in 1..=bytes.len() {
            assert_eq!(decode(bytes, cut), Ok((body.to_vec(), true, bytes.len())), "{bytes:?} cut {cut}");
        }
    }
}

#[test]
fn what_follows_the_body_is_left_alone() {
    let bytes = b"1\r\nx\r\n0\r\n\r\nGET / HTTP/1.1\r\n";
    assert_eq!(decode(bytes, bytes.len()), Ok((b"x".to_vec(), true, 11)));
}

#[test]
fn refused() {
    use ChunkFault::*;
    for (bytes, fault) in [
        (&b"\r\n"[..], Size),
        (b"0x5\r\n", Size),
        (b"+5\r\n", Size),
        (b"-5\r\n", Size),
        (b"0_5\r\n", Size),
        (b" 5\r\n", Size),
        (b"5 \r\n", Size),
        (b"\"5\"\r\n", Size),
        (b"10000000000000005\r\n", Size),
        (b"5\nhello", Size),
        (b"5\rhello", LineEnd),
        (b"5;\r\n", Extension),
        (b"5; a\r\n", Extension),
        (b"5;a=\r\n", Extension),
        (b"5;a=\0\r\n", Extension),
        (b"5;a\n", Extension),
        (b"5;a=\"\r\n", Extension),
        (b"5\r\nhelloX\r\n", LineEnd),
        (b"5\r\nhello\n0\r\n\r\n", LineEnd),
        (b"5\r\nhello\rX", LineEnd),
        (b"0\r\n\n", Trailer),
        (b"0\r\n\rX", LineEnd),
        (b"0\r\n: x\r\n\r\n", Trailer),
        (b"0\r\na b: x\r\n\r\n", Trailer),
        (b"0\r\na: \0\r\n\r\n", Trailer),
        (b"0\r\na: b\n\r\n", Trailer),
        (b"0\r\na\r\n\r\n", Trailer),
    ] {
        for cut in 1..=bytes.len() {
            assert_eq!(decode(bytes, cut), Err(fault), "{:?} cut {cut}", String::from_utf8_lossy(bytes));
        }
    }
}

#[test]
fn floods_are_refused() {
    let long = format!("1;{}\r\n", "a".repeat(EXTENSION_BYTES_MAX as usize));
    assert_eq!(decode(long.as_bytes(), long.len()), Err(ChunkFault::ExtensionsTooLarge));
    let spread = "1;a\r\nx\r\n".repeat(EXTENSION_BYTES_MAX as usize / 2 + 1);
    assert_eq!(decode(spread.as_bytes(), spread.len()), Err(ChunkFault::ExtensionsTooLarge));
    let fields = format!("0\r\n{}\r\n", "a:\r\n".repeat(usize::from(TRAILER_FIELDS_MAX) + 1));
    assert_eq!(decode(fields.as_bytes(), fields.len()), Err(ChunkFault::TrailersTooLarge));
    let large = format!("0\r\na: {}\r\n\r\n", "b".repeat(TRAILER_BYTES_MAX as usize));
    assert_eq!(decode(large.as_bytes(), large.len()), Err(ChunkFault::TrailersTooLarge));
}

proptest! {
    #[test]
    fn what_was_chunked_comes_back(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..8), cut in 1usize..50) {
        let mut bytes = Vec::new();
        for chunk in &chunks {
            bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            bytes.extend_from_slice(chunk);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"0\r\n\r\n");
        prop_assert_eq!(decode(&bytes, cut), Ok((chunks.concat(), true, bytes.len())));
    }

    #[test]
    fn any_bytes_give_the_same_answer_however_they_are_cut(bytes in prop::collection::vec(prop::sample::select(b"0123aF;=\"\\\r\n: xG\0".to_vec()), 0..60), cut in 1usize..8) {
        let whole = decode(&bytes, bytes.len().max(1));
        prop_assert_eq!(decode(&bytes, cut), whole);
    }
}
