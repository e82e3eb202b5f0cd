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

/// Whether a `Cookie` value has a cookie whose name begins with `prefix`.
pub fn has(value: &[u8], prefix: &str) -> bool {
    pieces(value).any(|piece| is_named(piece, prefix))
}

/// A `Cookie` value without the cookies whose name begins with `prefix`, in parts that belong together as they are; the
/// rest stays byte for byte and in order. No parts when none is left.
pub fn without<'v>(value: &'v [u8], prefix: &str) -> impl Iterator<Item = [&'v [u8]; 2]> {
    let mut between = &b""[..];
    pieces(value).filter(move |piece| !is_named(piece, prefix)).filter_map(move |piece| {
        let is_first = between.is_empty();
        let exact = if is_first { piece.strip_prefix(b" ").unwrap_or(piece) } else { piece };
        (!is_first || !exact.is_empty()).then(|| [std::mem::replace(&mut between, b";"), exact])
    })
}

/// Whether a `Set-Cookie` value would set a cookie whose name begins with `prefix`, in any case, with spaces or
/// `=` before it. A browser sends a nameless cookie `=x=y` back as `x=y`.
pub fn sets(value: &[u8], prefix: &str) -> bool {
    is_named(value, prefix)
}

fn pieces(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(value);
    std::iter::from_fn(move || {
        let value = rest?;
        let Some(end) = memchr::memchr(b';', value) else { return rest.take() };
        rest = Some(&value[end + 1..]);
        Some(&value[..end])
    })
}

fn is_named(piece: &[u8], prefix: &str) -> bool {
    let start = piece.iter().position(|b| !matches!(b, b' ' | b'\t' | b'=')).unwrap_or(piece.len());
    let name = &piece[start..];
    name.len() >= prefix.len() && name[..prefix.len()].eq_ignore_ascii_case(prefix.as_bytes())
}

#[cfg(test)]
mod tests;
