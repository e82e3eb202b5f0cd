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

#[test]
fn only_a_format_that_a_neighbouring_release_may_write_may_be_newer() {
    for (found, may_be) in [(0, false), (1, true), (AHEAD_MAX, true), (AHEAD_MAX + 1, false), (254, false)] {
        assert_eq!(Corrupt::Format(FORMAT.wrapping_add(found)).may_be_newer(), may_be, "{found} ahead");
    }
    assert!(!Corrupt::Format(FORMAT - 1).may_be_newer());
    assert!(!Corrupt::Empty.may_be_newer() && !Corrupt::Unreadable.may_be_newer());
}
