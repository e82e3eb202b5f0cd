//! What a failure means for reads and writes.

use super::*;

fn refused(code: &str, detail: &str) -> Failure {
    Failure::Refused(Refusal::new(code, Some(detail)))
}

#[test]
fn a_write_in_doubt_is_unknown_and_a_refused_one_has_not_happened() {
    let lost = || Failure::Lost("gone".to_owned());
    assert_eq!(of_write(b"k", lost()), StoreError::Unknown("gone".to_owned()));
    assert_eq!(of_read(b"k", lost()), StoreError::Unreachable("gone".to_owned()));
    assert!(matches!(of_write(b"k", Failure::Unsent(String::new())), StoreError::Unreachable(_)));
    let unsafe_yet = Failure::Unsafe("one machine has it".to_owned());
    assert_eq!(of_write(b"k", unsafe_yet), StoreError::Unsafe("one machine has it".to_owned()));
    for code in UNABLE {
        assert!(matches!(of_write(b"k", refused(code, "x")), StoreError::Unreachable(_)), "{code}");
    }
    assert!(matches!(of_write(b"k", refused("ERR", "unknown command")), StoreError::Bug(_)));
    assert!(matches!(of_read(b"k", refused("WRONGTYPE", "x")), StoreError::Corrupt(_)));
}

#[test]
fn the_cause_is_found_in_what_an_old_script_engine_quotes() {
    let quoted = "Error running script (call to f_ab): @user_script:3: -READONLY You can't write";
    assert_eq!(Refusal::new("ERR", Some(quoted)).code, "READONLY");
    let plain = "Error running script (call to f_ab): @user_script:3: WRONGTYPE Operation against a key";
    assert_eq!(Refusal::new("ERR", Some(plain)).code, "WRONGTYPE");
}

#[test]
fn a_redirect_names_the_place() {
    let moved = Refusal::new("MOVED", Some("3999 127.0.0.1:6381"));
    assert_eq!(moved.redirect(), Some(Redirect::Moved("127.0.0.1:6381".to_owned())));
    assert_eq!(Refusal::new("ASK", Some("1 h:2")).redirect(), Some(Redirect::Ask("h:2".to_owned())));
    assert_eq!(Refusal::new("OOM", Some("1 h:2")).redirect(), None);
}
