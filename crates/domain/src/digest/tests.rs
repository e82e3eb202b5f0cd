//! Hashes against a published vector, and the boundary between parts.

use super::*;

#[test]
fn hashes_the_published_vector() {
    // FIPS 180-2 B.1
    let words: [u32; 8] = [
        0xba78_16bf,
        0x8f01_cfea,
        0x4141_40de,
        0x5dae_2223,
        0xb003_61a3,
        0x9617_7a9c,
        0xb410_ff61,
        0xf200_15ad,
    ];
    assert_eq!(sha256(b"abc").as_slice(), words.map(u32::to_be_bytes).as_flattened());
}

#[test]
fn parts_cannot_be_shifted_into_each_other() {
    let lists: [&[&[u8]]; 4] = [&[b"ab", b"c"], &[b"a", b"bc"], &[b"abc"], &[b"abc", b""]];
    for (i, left) in lists.iter().enumerate() {
        for (j, right) in lists.iter().enumerate() {
            assert_eq!(sha256_of_parts(left) == sha256_of_parts(right), i == j);
        }
    }
}
