//! Only whole records of a known format are read.

use super::*;

#[test]
fn reads_whole_records_of_its_own_format() {
    let bytes = encode(&(7_u32, "text"));
    assert_eq!(decode::<(u32, String)>(&bytes), Ok((7, "text".to_owned())));
    assert_eq!(decode::<(u32, String)>(&[]), Err(Corrupt::Empty));
    for end in 1..bytes.len() {
        assert_eq!(decode::<(u32, String)>(&bytes[..end]), Err(Corrupt::Unreadable));
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert_eq!(decode::<(u32, String)>(&longer), Err(Corrupt::Unreadable));
    let newer = [&[FORMAT + 1], &bytes[1..]].concat();
    assert_eq!(decode::<(u32, String)>(&newer), Err(Corrupt::Format(FORMAT + 1)));
}
