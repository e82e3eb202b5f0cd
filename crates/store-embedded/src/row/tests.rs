//! Rows come back as they were written, or are noticed.

use super::*;

fn rows() -> Vec<Row> {
    let expires_at = Timestamp::from_millis(1_800_000_000_123);
    let record = |user: Option<&str>, body: &'static [u8]| Record {
        body: Bytes::from_static(body),
        user: user.map(str::to_owned),
        expires_at,
    };
    vec![
        Row::Live { version: 1, record: record(None, b"") },
        Row::Live { version: Version::MAX, record: record(Some(""), b"\0\xff") },
        Row::Live { version: 7, record: record(Some("ü"), b"body") },
        Row::Ended(Tombstone { body: Bytes::from_static(b"over"), expires_at }),
    ]
}

#[test]
fn a_row_is_read_as_it_was_written() {
    for row in rows() {
        assert_eq!(Row::decode(&row.encode()), Ok(row));
    }
}

#[test]
fn every_flipped_bit_and_every_cut_is_noticed() {
    for row in rows() {
        let bytes = row.encode();
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Row::decode(&flipped), Err(Unreadable::Checksum), "bit {bit} of {row:?}");
        }
        for length in 0..bytes.len() {
            assert!(Row::decode(&bytes[..length]).is_err(), "{length} bytes of {row:?}");
        }
    }
}

#[test]
fn an_unknown_kind_is_refused_even_with_a_right_checksum() {
    let mut bytes = rows()[0].encode();
    bytes[CHECKSUM_BYTES] = 9;
    let checksum = crc32fast::hash(&bytes[CHECKSUM_BYTES..]);
    bytes[..CHECKSUM_BYTES].copy_from_slice(&checksum.to_le_bytes());
    assert_eq!(Row::decode(&bytes), Err(Unreadable::Malformed));
}
