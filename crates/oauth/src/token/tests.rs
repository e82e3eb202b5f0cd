//! Credentials: they do not print, they compare in constant time, they have one text.

use super::*;

#[test]
fn debug_shows_a_stub() {
    let token = AccessToken::from_random(&[7; 32]);
    assert_eq!(format!("{token:?}"), "AccessToken(..)");
    assert_eq!(format!("{:?}", Jpt::parse("a.b.c").unwrap()), "Jpt(..)");
}

#[test]
fn random_bytes_become_43_characters_of_base64url() {
    let token = AccessToken::from_random(&[0xff; 32]);
    assert_eq!(token.expose(), "__________________________________________8");
    assert_eq!(AccessToken::parse(token.expose()), Ok(token));
    let token = RefreshToken::from_bytes(&[0xff; REFRESH_BYTES]);
    assert_eq!(token.expose(), "_".repeat(64));
    assert_eq!(RefreshToken::parse(token.expose()), Ok(token));
}

/// FIPS 180-4, one block message sample.
#[test]
fn digest_is_sha_256_of_the_text() {
    let digest = Code::parse("abc").unwrap().digest();
    assert_eq!(digest[..8], [0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea]);
}

#[test]
fn parse_refuses_what_cannot_be_a_credential() {
    let longest = "a".repeat(OPAQUE_BYTES_MAX);
    assert!(AccessToken::parse(&longest).is_ok());
    for text in ["", " ", "a b", "a\tb", "a\0", "ä", "a\n", &format!("{longest}a")] {
        assert_eq!(AccessToken::parse(text), Err(Malformed), "{text:?}");
    }
    for text in ["a.b=.c", "a.b.c+", "", &"a".repeat(SIGNED_BYTES_MAX + 1)] {
        assert_eq!(Jwt::parse(text), Err(Malformed), "{text:?}");
    }
}

#[test]
fn a_clients_secret_has_at_least_32_characters() {
    for (length, fits) in [(1, false), (31, false), (32, true), (512, true)] {
        assert_eq!(ClientSecret::parse(&"s".repeat(length)).unwrap().is_long_enough(), fits, "{length}");
    }
}

#[test]
fn different_texts_differ() {
    let token = AccessToken::parse("abc").unwrap();
    assert_eq!(token, AccessToken::parse("abc").unwrap());
    for other in ["abC", "ab", "abcd"] {
        assert_ne!(token, AccessToken::parse(other).unwrap());
    }
}
