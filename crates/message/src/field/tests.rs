//! Folding, and the table of known names against itself.

use super::*;

#[test]
fn every_known_name_is_found_in_every_spelling() {
    for known in Known::ALL {
        let name = known.as_str();
        assert_eq!(Known::of(name.as_bytes()), (*known, fold_hash(name.as_bytes()), true), "{name}");
        assert_eq!(Known::of(name.to_uppercase().as_bytes()).0, *known);
        for other in [name.replace('-', "_"), name.replace('-', ".")] {
            let (found, hash, exact) = Known::of(other.as_bytes());
            assert_eq!((found, hash), (*known, fold_hash(name.as_bytes())), "{other}");
            assert_eq!(exact, !name.contains('-'), "{other}");
        }
    }
    assert!(Known::ALL.len() < 64, "a KnownSet has 64 places");
}

#[test]
fn eight_bytes_fold_as_one_does() {
    for byte in u8::MIN..=u8::MAX {
        for length in 1..=20 {
            for at in 0..length {
                let mut name = vec![b'x'; length];
                name[at] = byte;
                let folded: Vec<_> = name.iter().map(|b| fold_byte(*b)).collect();
                assert_eq!(fold_hash(&name), fold_hash(&folded), "{byte:#x} at {at} of {length}");
                let plain = vec![b'x'; length];
                assert_eq!(fold_hash(&name) == fold_hash(&plain), folded[at] == b'x');
                assert_eq!(is_in_any_case(&name, &plain), name.eq_ignore_ascii_case(&plain));
            }
        }
    }
}

#[test]
fn unknown_names_are_other() {
    for name in [&b"x-user"[..], b"contentlength", b"content--length", b""] {
        assert_eq!(Known::of(name).0, Known::Other);
    }
}

#[test]
fn sets_hold_what_was_put_in() {
    let set = KnownSet::of(&[Known::Host, Known::Te]);
    assert!(set.has(Known::Host) && set.has(Known::Te) && !set.has(Known::Cookie) && !set.has(Known::Other));
    assert!(set.and(KnownSet::of(&[Known::Cookie])).has(Known::Cookie));
}

#[test]
fn prefixes_fold() {
    for name in ["x-context-user", "X_Context.USER", "x.context_"] {
        assert!(has_folded_prefix(name.as_bytes(), "x-context-"), "{name}");
    }
    assert!(!has_folded_prefix(b"x-contex", "x-context-"));
}

#[test]
fn trimming() {
    assert_eq!(trim_ows(b" \t a b \t"), b"a b");
    assert_eq!(trim_ows(b" \t"), b"");
}
