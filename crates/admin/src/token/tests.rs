//! A token's text, and what of it can be printed.

use super::*;

#[test]
fn a_token_is_what_its_file_says() {
    let token = AdminToken::from_random(&[7; TOKEN_RANDOM_BYTES]);
    let read = AdminToken::parse(&format!(" {}\r\n", token.expose())).unwrap();
    assert_eq!(read.expose(), token.expose());
    assert!(token.digest().is(&sha256(read.expose().as_bytes())));
}

#[test]
fn other_texts_are_none() {
    let token = AdminToken::from_random(&[7; TOKEN_RANDOM_BYTES]);
    let (whole, text) = (token.expose(), token.expose());
    let with_blank = format!("{} {}", &text[..20], &text[21..]);
    for text in ["", "\n", &whole[..TOKEN_CHARS - 1], &format!("{whole}A"), &with_blank] {
        assert_eq!(AdminToken::parse(text).map(|_| ()), Err(Malformed), "{text:?}");
    }
}

#[test]
fn nothing_prints_it() {
    let token = AdminToken::from_random(&[7; TOKEN_RANDOM_BYTES]);
    assert_eq!(format!("{token:?} {:?}", token.digest()), "AdminToken(..) TokenDigest(..)");
}
