//! What counts as the password in a file.

use super::*;

fn of(text: &str) -> Result<String, String> {
    let read = one_line(text.as_bytes());
    read.map(|password| password.expose().to_owned()).map_err(|error| error.to_string())
}

#[test]
fn a_line_without_its_end() {
    for text in ["correct horse", "correct horse\n", "correct horse\r\n"] {
        assert_eq!(of(text), Ok("correct horse".to_owned()));
    }
    assert_eq!(of(" a\t\n"), Ok(" a\t".to_owned()));
}

#[test]
fn other_files_are_refused() {
    assert_eq!(of("\n"), Err("is empty".to_owned()));
    assert_eq!(of("one\ntwo\n"), Err("has more than one line".to_owned()));
    assert_eq!(of("one\n\n"), Err("has more than one line".to_owned()));
    assert_eq!(of(&"x".repeat(1025)), Err("is longer than any password".to_owned()));
    assert!(one_line(&b"\xff\n"[..]).is_err());
}

#[test]
fn a_file_is_named_when_it_cannot_be_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("password");
    let error = read(Some(&path)).unwrap_err();
    assert!(error.to_string().ends_with("/password"), "{error}");
    std::fs::write(&path, "correct horse\n").unwrap();
    assert_eq!(read(Some(&path)).unwrap().expose(), "correct horse");
}
