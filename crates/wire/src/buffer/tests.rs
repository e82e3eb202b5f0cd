//! Buffers keep their bytes in order whatever moves underneath.

use super::*;

#[test]
fn bytes_come_out_as_they_went_in() {
    let mut buffer = Buffer::default();
    assert!(!buffer.is_backed());
    let (mut put, mut got) = (Vec::new(), Vec::new());
    for round in 0..200usize {
        let piece = vec![round as u8; 700];
        if round % 2 == 0 {
            buffer.put(&piece);
        } else {
            let mut left = &piece[..];
            while !left.is_empty() {
                let room = buffer.room();
                let n = room.len().min(left.len());
                room[..n].copy_from_slice(&left[..n]);
                buffer.filled(n);
                left = &left[n..];
            }
        }
        put.extend_from_slice(&piece);
        let n = buffer.len().min(699);
        got.extend_from_slice(&buffer.data()[..n]);
        buffer.consume(n);
    }
    got.extend_from_slice(buffer.data());
    assert!(put == got);
    buffer.clear();
    assert!(buffer.is_empty());
}
