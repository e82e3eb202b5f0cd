//! The low form of an ECDSA signature on P-256. For every signature `(r, s)` also `(r, n - s)` verifies, so a
//! token would have two texts; we sign with the lower s and refuse the other. RFC 7518 3.4 allows both.

/// Bytes of a signature: r, then s, 32 each, big endian.
pub(crate) const SIGNATURE_BYTES: usize = 64;

/// n, the order of the group (FIPS 186-5, P-256).
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc,
    0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// n / 2, rounded down.
const HALF_ORDER: [u8; 32] = [
    0x7f, 0xff, 0xff, 0xff, 0x80, 0x00, 0x00, 0x00, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xde,
    0x73, 0x7d, 0x56, 0xd3, 0x8b, 0xcf, 0x42, 0x79, 0xdc, 0xe5, 0x61, 0x7e, 0x31, 0x92, 0xa8,
];

/// Whether a signature of the right length is in the low form.
pub(crate) fn is_low(signature: &[u8]) -> bool {
    signature.len() == SIGNATURE_BYTES && signature[32..] <= HALF_ORDER[..]
}

/// The low form of a signature.
pub(crate) fn to_low(signature: [u8; SIGNATURE_BYTES]) -> [u8; SIGNATURE_BYTES] {
    if is_low(&signature) { signature } else { twin(signature) }
}

/// The other signature that verifies whenever this one does: n - s for s.
pub(crate) fn twin(mut signature: [u8; SIGNATURE_BYTES]) -> [u8; SIGNATURE_BYTES] {
    let mut borrow = false;
    for (byte, order) in signature[32..].iter_mut().zip(ORDER).rev() {
        let (difference, first) = order.overflowing_sub(*byte);
        let (difference, second) = difference.overflowing_sub(u8::from(borrow));
        *byte = difference;
        borrow = first || second;
    }
    signature
}

#[cfg(test)]
mod tests;
