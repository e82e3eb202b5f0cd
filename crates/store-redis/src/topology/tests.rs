//! Slots and tags.

use super::slot::{SLOTS, slot, tag};

#[test]
fn slots_are_those_of_the_specification() {
    assert_eq!(slot(b"123456789"), 0x31c3 % SLOTS);
    assert_eq!(slot(b"foo"), 12_182);
    assert_eq!(slot(b"{foo}bar"), slot(b"foo"));
    assert_eq!(slot(b"x{foo}{bar}"), slot(b"foo"));
    assert_eq!(slot(b"foo{}{bar}"), 8_363, "an empty tag is none");
    assert_eq!(slot(b"foo{{bar}}"), slot(b"{bar"));
}

#[test]
fn there_is_a_tag_for_every_slot() {
    for wanted in [0, 1, 5_461, SLOTS - 1] {
        assert_eq!(slot(format!("vst:beat:{{{}}}", tag(wanted)).as_bytes()), wanted);
    }
}
