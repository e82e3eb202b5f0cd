//! Signatures of ES256 in both of their forms.

use super::*;

#[test]
fn half_is_half_of_the_order() {
    let mut twice = [0_u8; 32];
    let mut carry = 0;
    for (index, byte) in HALF_ORDER.iter().enumerate().rev() {
        let sum = u16::from(*byte) * 2 + carry;
        twice[index] = sum as u8;
        carry = sum >> 8;
    }
    // n is odd
    twice[31] += 1;
    assert_eq!(twice, ORDER);
}

#[test]
fn low_ends_at_half() {
    let with_s = |s: [u8; 32]| [[1; 32], s].concat();
    let mut above = HALF_ORDER;
    above[31] += 1;
    assert!(is_low(&with_s([0; 32])));
    assert!(is_low(&with_s(HALF_ORDER)));
    assert!(!is_low(&with_s(above)));
    assert!(!is_low(&with_s([0; 32])[1..]));
}

#[test]
fn twin_of_twin_is_the_same_and_one_of_both_is_low() {
    for top in 0..=0xfe {
        let mut signature = [0x5a; SIGNATURE_BYTES];
        signature[32] = top;
        assert_eq!(twin(twin(signature)), signature);
        assert_ne!(is_low(&signature), is_low(&twin(signature)));
        assert!(is_low(&to_low(signature)));
        assert_eq!(to_low(signature)[..32], signature[..32], "r stays");
    }
}
