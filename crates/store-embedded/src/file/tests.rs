//! Too little room is told before it is met.

use super::*;

#[test]
fn a_disk_with_less_room_than_a_commit_may_need_is_warned_of() {
    let directory = Path::new("/var/lib/vestibule");
    assert_eq!(too_little_room(directory, FREE_BYTES_MIN), None);
    let warning = too_little_room(directory, 12 * 1024 * 1024).unwrap();
    assert!(
        warning.starts_with("/var/lib/vestibule: 12 MiB are free on this disk; below 64 MiB"),
        "{warning}"
    );
}

#[test]
fn a_directory_that_is_yet_to_be_made_lies_on_the_disk_of_its_parent() {
    let parent = tempfile::TempDir::new().unwrap();
    let free = free_bytes(parent.path()).unwrap();
    assert_eq!(warnings(&parent.path().join("not/yet/there")).is_empty(), free >= FREE_BYTES_MIN);
}
