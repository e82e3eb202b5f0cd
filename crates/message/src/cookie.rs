//! Cookie fields (RFC 6265 4.2, 5.4) byte for byte: no trimming beyond the one space after `;`, no quotes, no
//! decoding. Browsers accept look-alike names; who trims them makes them real.

/// The pairs of one `Cookie` value in order: name and value exactly as they stand. A piece without `=` is left out.
pub fn pairs(value: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    pieces(value).filter_map(|piece| {
        let exact = piece.strip_prefix(b" ").unwrap_or(piece);
        let eq = memchr::memchr(b'=', exact)?;
        Some((&exact[..eq], &exact[eq + 1..]))
    })
}

/// Appends to `out` a `Cookie` value without the cookies whose name begins with `prefix`; the rest stays byte for
/// byte and in order. `None`, with nothing appended, when no cookie is to go; else whether any is left.
pub fn without(value: &[u8], prefix: &str, out: &mut Vec<u8>) -> Option<bool> {
    if !pieces(value).any(|piece| is_named(piece, prefix)) {
        return None;
    }
    let start = out.len();
    for piece in pieces(value).filter(|piece| !is_named(piece, prefix)) {
        if out.len() == start {
            out.extend_from_slice(piece.strip_prefix(b" ").unwrap_or(piece));
        } else {
            out.push(b';');
            out.extend_from_slice(piece);
        }
    }
    Some(out.len() > start)
}

/// Whether a `Set-Cookie` value would set a cookie whose name begins with `prefix`, in any case, with spaces or
/// `=` before it. A browser sends a nameless cookie `=x=y` back as `x=y`.
pub fn sets(value: &[u8], prefix: &str) -> bool {
    is_named(value, prefix)
}

fn pieces(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|b| *b == b';')
}

fn is_named(piece: &[u8], prefix: &str) -> bool {
    let start = piece.iter().position(|b| !matches!(b, b' ' | b'\t' | b'=')).unwrap_or(piece.len());
    let name = &piece[start..];
    name.len() >= prefix.len() && name[..prefix.len()].eq_ignore_ascii_case(prefix.as_bytes())
}

#[cfg(test)]
mod tests;
