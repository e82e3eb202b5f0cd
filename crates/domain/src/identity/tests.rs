//! Strict reading of names and secrets, and what must not print.

use proptest::prelude::*;

use super::*;

const ZERO: &str = "AAAAAAAAAAAAAAAAAAAAAA";

#[test]
fn reads_only_the_one_text_of_a_handle() {
    assert_eq!(ZERO.parse::<Handle>(), Ok(Handle::from_bytes([0; 16])));
    let wrong = [
        "",
        "A",
        "AAAAAAAAAAAAAAAAAAAAA",    // one less
        "AAAAAAAAAAAAAAAAAAAAAAA",  // one more
        "AAAAAAAAAAAAAAAAAAAAAA==", // padding
        "AAAAAAAAAAAAAAAAAAAAAB",   // a bit beyond the last byte
        "AAAAAAAAAAAAAAAAAAAAA+",   // the other alphabet
        " AAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAA\0",
        "AAAAAAAAAAAAAAAAAAAA\u{e9}",
    ];
    for text in wrong {
        assert_eq!(text.parse::<Handle>(), Err(Malformed), "{text:?}");
        assert!(SessionSecret::parse(text.as_bytes()).is_err(), "{text:?}");
    }
}

#[test]
fn reads_users_sites_and_sign_on_sessions() {
    let long = "x".repeat(TEXT_BYTES_MAX);
    let longer = "x".repeat(TEXT_BYTES_MAX + 1);
    // text, user, site, sign-on session
    let cases = [
        ("alice", true, true, true),
        (long.as_str(), true, true, true),
        (longer.as_str(), false, false, false),
        ("", false, false, false),
        ("v:alice", false, false, true),
        ("a@b", true, false, true),
        ("two words", false, false, false),
        ("caf\u{e9}", false, false, false),
        ("a\r\n", false, false, false),
    ];
    for (text, user, site, sign_on) in cases {
        assert_eq!(UserId::parse(text).is_ok(), user, "{text:?}");
        assert_eq!(SiteId::parse(text).is_ok(), site, "{text:?}");
        assert_eq!(SignOnId::parse(text).is_ok(), sign_on, "{text:?}");
    }
    assert_eq!(UserId::from_random(&[0; 16]).as_str(), ZERO);
}

#[test]
fn secrets_do_not_print() {
    let secret = SessionSecret::from_bytes([0; 16]);
    assert_eq!(format!("{secret:?} {:?}", secret.digest()), "SessionSecret(..) SecretDigest(..)");
}

#[test]
fn json_holds_the_text_of_a_handle_and_takes_no_other() {
    let json = format!("\"{ZERO}\"");
    assert_eq!(serde_json::to_string(&Handle::from_bytes([0; 16])).unwrap(), json);
    assert_eq!(serde_json::from_str::<Handle>(&json).unwrap(), Handle::from_bytes([0; 16]));
    assert!(serde_json::from_str::<Handle>("\"x\"").is_err());
    assert!(serde_json::from_str::<UserId>("\"v:x\"").is_err());
}

#[test]
fn epochs_only_grow() {
    assert!(Epoch::FIRST < Epoch::FIRST.next());
    assert_eq!(Epoch::new(u32::MAX).next(), Epoch::new(u32::MAX));
}

proptest! {
    #[test]
    fn what_is_printed_is_read_back(bytes: [u8; 16]) {
        let handle = Handle::from_bytes(bytes);
        prop_assert_eq!(handle.to_string().parse(), Ok(handle));
        let secret = SessionSecret::from_bytes(bytes);
        let again = SessionSecret::parse(secret.expose().as_bytes()).unwrap();
        prop_assert!(again.digest().matches(&secret));
    }

    #[test]
    fn a_digest_knows_one_secret(left: [u8; 16], right: [u8; 16]) {
        let digest = SessionSecret::from_bytes(left).digest();
        prop_assert_eq!(digest.matches(&SessionSecret::from_bytes(right)), left == right);
    }
}
