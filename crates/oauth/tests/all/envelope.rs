//! The compact serialisation under attack: algorithms, key confusion, header parameters, encodings.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use vestibule_oauth::jws::{HEADER_BYTES_MAX, JwsRefused, verify};
use vestibule_oauth::token::SIGNED_BYTES_MAX;

use crate::signer::Signer;

const HEADER: &str = r#"{"alg":"EdDSA","kid":"KID","typ":"JWT"}"#;

fn signer() -> Signer {
    Signer::new(1)
}

fn outcome(token: &str) -> Result<Vec<u8>, JwsRefused> {
    verify(&signer().keys(), "JWT", token)
}

fn with_header(header: &str) -> Result<Vec<u8>, JwsRefused> {
    outcome(&signer().forge(header, b"{}"))
}

#[test]
fn a_good_token_passes() {
    assert_eq!(with_header(HEADER), Ok(b"{}".to_vec()));
}

#[test]
fn no_other_algorithm_passes() {
    for alg in [
        "none", "None", "nOnE", "NONE", "HS256", "ES256", "RS256", "PS256", "ES384", "eddsa", "EdDSA ",
        "Ed25519",
    ] {
        let header = HEADER.replace("EdDSA", alg);
        assert_eq!(with_header(&header), Err(JwsRefused::Alg), "{alg}");
        // and without any signature
        let forged = signer().forge(&header, b"{}");
        let (signed, _) = forged.rsplit_once('.').unwrap();
        assert_eq!(outcome(&format!("{signed}.")), Err(JwsRefused::Alg), "{alg}");
    }
    assert_eq!(with_header(r#"{"kid":"KID","typ":"JWT"}"#), Err(JwsRefused::Alg));
    for alg in [r#""""#, "null", "1", "[\"EdDSA\"]"] {
        assert_eq!(with_header(&HEADER.replace(r#""EdDSA""#, alg)), Err(JwsRefused::Malformed), "{alg}");
    }
}

#[test]
fn a_public_key_is_no_secret_for_hs256() {
    let key = signer().public_key();
    let document = signer().keys().to_json();
    let x = document.split(r#""x":""#).nth(1).unwrap().split('"').next().unwrap();
    let raw = URL_SAFE_NO_PAD.decode(x).unwrap();
    for secret in [&raw[..], document.as_bytes(), x.as_bytes(), b""] {
        let header = format!(r#"{{"alg":"HS256","kid":"{}","typ":"JWT"}}"#, key.kid());
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode("{}"));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), signed.as_bytes());
        let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag));
        assert_eq!(outcome(&token), Err(JwsRefused::Alg));
    }
}

#[test]
fn keys_offered_by_a_header_are_ignored() {
    let attacker = Signer::new(2);
    let document = attacker.keys().to_json();
    let jwk = &document[r#"{"keys":["#.len()..document.len() - 2];
    for offer in [
        format!(r#""jwk":{jwk}"#),
        r#""jku":"http://127.0.0.1:1/jwks""#.to_owned(),
        r#""x5u":"http://127.0.0.1:1/cert""#.to_owned(),
        r#""x5c":["AAAA"]"#.to_owned(),
    ] {
        let header = format!(r#"{{"alg":"EdDSA","kid":"KID","typ":"JWT",{offer}}}"#);
        assert_eq!(with_header(&header), Ok(b"{}".to_vec()), "{offer}");
        // the attacker's signature under our kid, then under the attacker's own
        let ours = header.replace("KID", signer().public_key().kid());
        assert_eq!(outcome(&attacker.forge(&ours, b"{}")), Err(JwsRefused::Signature), "{offer}");
        assert_eq!(outcome(&attacker.forge(&header, b"{}")), Err(JwsRefused::KidUnknown), "{offer}");
    }
}

#[test]
fn key_ids_only_find_keys() {
    for kid in ["../../etc/passwd", "'OR'1'='1", "unknown", "/dev/null"] {
        assert_eq!(with_header(&HEADER.replace("KID", kid)), Err(JwsRefused::KidUnknown), "{kid}");
    }
    for kid in ["", "\\u0000", "a b", &"k".repeat(200), &"k".repeat(1_000_000)] {
        assert_eq!(with_header(&HEADER.replace("KID", kid)), Err(JwsRefused::Malformed));
    }
    for header in [r#"{"alg":"EdDSA","typ":"JWT"}"#, r#"{"alg":"EdDSA","kid":1,"typ":"JWT"}"#] {
        assert_eq!(with_header(header), Err(JwsRefused::Malformed), "{header}");
    }
}

#[test]
fn parameters_that_change_the_meaning_are_refused() {
    for parameter in [
        r#""crit":["exp"],"exp":1"#,
        r#""crit":[]"#,
        r#""crit":["b64"],"b64":false"#,
        r#""b64":false"#,
        r#""b64":true"#,
        r#""zip":"DEF""#,
        r#""enc":"A256GCM","p2c":1000000000"#,
        r#""cty":"JWT""#,
    ] {
        let header = format!(r#"{{"alg":"EdDSA","kid":"KID","typ":"JWT",{parameter}}}"#);
        assert_eq!(with_header(&header), Err(JwsRefused::Parameter), "{parameter}");
    }
}

#[test]
fn the_type_is_exact() {
    for typ in ["jwt", "Jwt", "JWT ", "application/JWT", "at+jwt", "jpt+jwt", "logout+jwt"] {
        assert_eq!(with_header(&HEADER.replace("JWT", typ)), Err(JwsRefused::Typ), "{typ}");
    }
    assert_eq!(with_header(r#"{"alg":"EdDSA","kid":"KID"}"#), Err(JwsRefused::Typ));
    assert_eq!(with_header(r#"{"alg":"EdDSA","kid":"KID","typ":["JWT"]}"#), Err(JwsRefused::Malformed));
}

#[test]
fn headers_are_strict_json() {
    let deep = format!(
        r#"{{"alg":"EdDSA","kid":"KID","typ":"JWT","x":{}1{}}}"#,
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    let shallow =
        format!(r#"{{"alg":"EdDSA","kid":"KID","typ":"JWT","x":{}1{}}}"#, "[".repeat(20), "]".repeat(20));
    let long = format!(r#"{{"alg":"EdDSA","kid":"KID","typ":"JWT","x":"{}"}}"#, "x".repeat(HEADER_BYTES_MAX));
    for header in [
        "",
        "{",
        "[]",
        "null",
        r#""EdDSA""#,
        &deep,
        &shallow,
        &long,
        r#"{"alg":"none","alg":"EdDSA","kid":"KID","typ":"JWT"}"#,
        r#"{"alg":"EdDSA","alg":"none","kid":"KID","typ":"JWT"}"#,
        r#"{"alg":"EdDSA","kid":"other","kid":"KID","typ":"JWT"}"#,
        r#"{"alg":"EdDSA","kid":"KID","typ":"JWT"}{}"#,
    ] {
        assert_eq!(with_header(header), Err(JwsRefused::Malformed));
    }
    let invalid = [b"{\"alg\":\"EdDSA\",\"x\":\"", &[0xff][..], b"\"}"].concat();
    let signed = format!("{}.e30", URL_SAFE_NO_PAD.encode(invalid));
    assert_eq!(outcome(&signer().seal(&signed)), Err(JwsRefused::Malformed));
}

#[test]
fn one_token_has_one_text() {
    let token = signer().forge(HEADER, b"{}");
    let [header, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!() };
    let padded = |part: &str| URL_SAFE.encode(URL_SAFE_NO_PAD.decode(part).unwrap());
    for text in [
        format!("{header}.{payload}.{}", padded(signature)),
        format!("{header}=.{payload}.{signature}"),
        signer().seal(&format!("{header}.{}", padded("e30"))),
        // unused bits set: 30 decodes like 31
        signer().seal(&format!("{header}.e31")),
        format!("{token}."),
        format!("{token}.x"),
        format!(".{token}"),
        format!("{token}\n"),
        format!(" {token}"),
        format!("{header}.{payload}"),
        format!("{header}..{payload}.{signature}"),
        header.to_owned(),
        String::new(),
        "..".to_owned(),
        // five parts are JWE
        format!("{header}.{payload}.{payload}.{payload}.{signature}"),
        // JSON serialisation
        format!(r#"{{"payload":"{payload}","protected":"{header}","signature":"{signature}"}}"#),
        token.replace('-', "+").replace('_', "/") + "+",
    ] {
        assert_eq!(outcome(&text), Err(JwsRefused::Malformed), "{text}");
    }
}

#[test]
fn every_changed_byte_is_refused() {
    let token = signer().forge(HEADER, br#"{"sub":"u1"}"#);
    for index in 0..token.len() {
        let mut bytes = token.clone().into_bytes();
        bytes[index] = if bytes[index] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        assert!(outcome(&changed).is_err(), "byte {index}");
        assert!(outcome(&token[..index]).is_err(), "cut at {index}");
    }
}

#[test]
fn length_is_bounded() {
    let token = |payload_bytes: usize| signer().forge(HEADER, &vec![b'x'; payload_bytes]);
    assert!(outcome(&token(SIGNED_BYTES_MAX / 2)).is_ok());
    assert_eq!(outcome(&token(SIGNED_BYTES_MAX)), Err(JwsRefused::Malformed));
}
