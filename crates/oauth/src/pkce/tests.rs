//! Verifiers and challenges, with the vector of RFC 7636 appendix B.

use super::*;

/// RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

#[test]
fn rfc_7636_appendix_b() {
    let verifier = Verifier::parse(VERIFIER).unwrap();
    assert_eq!(verifier.challenge().to_string(), CHALLENGE);
    assert!(CodeChallenge::parse(CHALLENGE).unwrap().is_proved_by(Some(&verifier)));
}

#[test]
fn wrong_or_missing_verifiers_prove_nothing() {
    let challenge = CodeChallenge::parse(CHALLENGE).unwrap();
    // the challenge itself is what `plain` would have asked for
    for other in [CHALLENGE, &VERIFIER.to_uppercase(), &format!("{VERIFIER}a")] {
        assert!(!challenge.is_proved_by(Some(&Verifier::parse(other).unwrap())), "{other}");
    }
    assert!(!challenge.is_proved_by(None));
}

#[test]
fn verifier_grammar() {
    for length in [43, 128] {
        assert!(Verifier::parse(&"~".repeat(length)).is_ok());
    }
    for text in
        ["", &"a".repeat(42), &"a".repeat(129), &VERIFIER.replace('-', "+"), &VERIFIER.replace('-', " ")]
    {
        assert!(Verifier::parse(text).is_err(), "{text:?}");
    }
    assert_eq!(Verifier::from_random(&[0; 32]).expose().len(), 43);
    assert_eq!(format!("{:?}", Verifier::from_random(&[0; 32])), "Verifier(..)");
}

#[test]
fn challenge_grammar() {
    let padded = format!("{CHALLENGE}=");
    let longer = format!("{CHALLENGE}A");
    // the last character has two bits that no byte uses
    let not_canonical = CHALLENGE.replace("cM", "cN");
    for text in ["", "a", &CHALLENGE[1..], &longer, &padded, &not_canonical, &CHALLENGE.replace('-', "+")] {
        assert_eq!(CodeChallenge::parse(text), Err(Malformed), "{text:?}");
    }
    let challenge = CodeChallenge::parse(CHALLENGE).unwrap();
    assert_eq!(CodeChallenge::from(*challenge.as_bytes()), challenge);
}
