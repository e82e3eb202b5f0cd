//! What counts as the secret in a file.

use super::*;

fn of(text: &str) -> Result<String, String> {
    read(text.as_bytes()).map_err(|none| none.to_string())
}

#[test]
fn a_line_without_its_end() {
    for text in ["correct horse", "correct horse\n", "correct horse\r\n"] {
        assert_eq!(of(text), Ok("correct horse".to_owned()));
    }
    assert_eq!(of(" a\t\n"), Ok(" a\t".to_owned()));
    assert_eq!(of(&"x".repeat(1024)), Ok("x".repeat(1024)));
}

#[test]
fn other_files_are_refused() {
    for (text, why) in [
        ("", "is empty"),
        ("\n", "is empty"),
        ("one\ntwo\n", "has more than one line"),
        ("one\n\n", "has more than one line"),
        ("one\rtwo", "has more than one line"),
        (&"x".repeat(1025), "is longer than any secret"),
    ] {
        assert_eq!(of(text), Err(why.to_owned()), "{text:?}");
    }
    assert!(matches!(read(&b"\xff\n"[..]), Err(NoSecret::Unreadable(_))));
}
