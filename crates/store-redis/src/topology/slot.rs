//! Which slot of a cluster a key belongs to, as the cluster specification defines it: CRC16, and tags in braces.

/// Slots of a cluster.
pub(crate) const SLOTS: u16 = 16_384;

/// The slot of a key: of what stands between its first braces, if something does, else of all of it.
pub(crate) fn slot(key: &[u8]) -> u16 {
    let tag = key.iter().position(|byte| *byte == b'{').and_then(|open| {
        let rest = &key[open + 1..];
        let length = rest.iter().position(|byte| *byte == b'}')?;
        (length > 0).then(|| &rest[..length])
    });
    crc16(tag.unwrap_or(key)) % SLOTS
}

/// The smallest number whose text, as a tag, falls into this slot.
pub(super) fn tag(wanted: u16) -> u32 {
    (0..u32::MAX).find(|number| slot(number.to_string().as_bytes()) == wanted).unwrap_or_default()
}

/// CRC16-XMODEM, bit by bit: keys are short.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
        })
    })
}
