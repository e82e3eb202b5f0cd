//! The seeded source is the published algorithm; the system's does not repeat.

use super::*;

/// The first outputs of the reference implementation for seed 1234567.
#[test]
fn seeded_entropy_is_splitmix64() {
    let entropy = SeededEntropy::new(1_234_567);
    let expected = [6_457_827_717_110_365_317_u64, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
    for number in expected {
        assert_eq!(random::<8>(&entropy), number.to_le_bytes());
    }
}

#[test]
fn a_tail_shorter_than_a_word_is_filled() {
    let whole = random::<16>(&SeededEntropy::new(1));
    assert_eq!(random::<13>(&SeededEntropy::new(1)), whole[..13]);
}

#[test]
fn system_entropy_does_not_repeat() {
    assert_ne!(random::<16>(&SystemEntropy), random::<16>(&SystemEntropy));
}
