//! What `Accept` names (RFC 9110 12.5.1), as far as anybody asks: whether a page would be taken.

/// Whether one of the media ranges is `text/html`, refused ones (`q=0`) apart.
pub fn names_html(accept: &[u8]) -> bool {
    accept.split(|byte| *byte == b',').any(|range| {
        let mut parts = range.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
        let html = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(b"text/html"));
        html && !parts.any(|parameter| matches!(parameter, b"q=0" | b"q=0.0" | b"q=0.00" | b"q=0.000"))
    })
}

#[cfg(test)]
mod tests;
