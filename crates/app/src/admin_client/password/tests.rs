//! Where a password comes from.

use super::*;

#[test]
fn a_file_is_named_when_it_cannot_be_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("password");
    let error = read(Some(&path)).unwrap_err();
    assert!(error.to_string().ends_with("/password"), "{error}");
    std::fs::write(&path, "correct horse\n").unwrap();
    assert_eq!(read(Some(&path)).unwrap().expose(), "correct horse");
}
