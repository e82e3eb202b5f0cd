//! Lines hold what was pushed, and nothing can break out of them.

use super::*;

#[test]
fn lines_are_rendered() {
    let mut lines = Lines::default();
    lines.push("a", "1").unwrap();
    lines.push("b", "").unwrap();
    let mut all = Lines::default();
    all.append(&lines);
    assert_eq!(all.as_bytes(), b"a: 1\r\nb: \r\n");
}

#[test]
fn nothing_breaks_out() {
    let mut lines = Lines::default();
    for (name, value) in [
        ("a", "x\r\nb: y"),
        ("a", "x\n"),
        ("a", "\0"),
        ("a", "\u{fc}"),
        ("a", " x"),
        ("a", "x "),
        ("a b", "x"),
        ("a:", "x"),
        ("", "x"),
        ("a\r\n", "x"),
    ] {
        assert_eq!(lines.push(name, value), Err(LineFault), "{name:?} {value:?}");
    }
    assert!(lines.as_bytes().is_empty());
}
