//! Names that drafts have, what is left of them, and that no other file is touched.

use std::collections::BTreeSet;

use super::*;

const KIND: Drafts = Drafts(&["-wal"]);

fn names(folder: &Path) -> BTreeSet<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_draft_gets_its_name_once_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kept.db");
    for (token, content) in [(1, "first"), (2, "second")] {
        let draft = KIND.beside(&path, token);
        fs::write(draft.path(), content).unwrap();
        fs::write(with_end(draft.path(), "-wal"), "log").unwrap();
        draft.put(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "first");
        assert_eq!(names(folder.path()), ["kept.db".to_owned()].into());
    }
}

#[test]
fn what_crashes_leave_is_removed_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kept.db");
    let left = ["kept.db.0123456789abcdef.new", "kept.db.ffffffffffffffff.new-wal"];
    let others = [
        "kept.db",
        "kept.db-wal",
        "kept.db.new",
        "kept.db.0123456789abcde.new",
        "kept.db.0123456789abcdeg.new",
        "kept.db.0123456789abcdef.new-shm",
        "kept.db.0123456789abcdef.new.mine",
        "other.db.0123456789abcdef.new",
    ];
    for name in left.iter().chain(&others) {
        fs::write(folder.path().join(name), "").unwrap();
    }
    KIND.remove_all(&path).unwrap();
    assert_eq!(names(folder.path()), others.map(str::to_owned).into());
}

#[test]
fn a_bare_name_is_in_the_working_directory() {
    assert_eq!(directory_of(Path::new("kept.db")), Path::new("."));
    assert_eq!(directory_of(Path::new("data/kept.db")), Path::new("data"));
}
