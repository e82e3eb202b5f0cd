//! Public keys and key sets: thumbprints, one algorithm a key, no private member.

use super::*;

/// RFC 7515 A.3.1.
const EC: &str = r#""kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0""#;
/// RFC 8037 A.2.
const OKP: &str = r#""kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#;
/// RFC 7638 3.1.
const RSA: &str = r#""kty":"RSA","e":"AQAB","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw""#;

fn parse_keys(keys: &[String]) -> Result<KeySet, KeyRefused> {
    KeySet::parse(format!(r#"{{"keys":[{}]}}"#, keys.join(",")).as_bytes())
}

fn key(members: &str, alg: &str) -> String {
    format!(r#"{{{members},"alg":"{alg}","kid":"k"}}"#)
}

fn refused(key: &str) -> KeyRefused {
    parse_keys(&[key.to_owned()]).expect_err(key)
}

#[test]
fn thumbprints_are_those_of_the_rfcs() {
    for (members, alg, expected) in [
        // RFC 8037 A.3
        (OKP, "EdDSA", "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"),
        // RFC 7638 3.1
        (RSA, "RS256", "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"),
    ] {
        let set = parse_keys(&[key(members, alg)]).unwrap();
        assert_eq!(set.find("k").unwrap().thumbprint(), expected);
    }
}

#[test]
fn a_set_reads_back_as_written() {
    let set = parse_keys(&[
        key(EC, "ES256").replace("\"k\"", "\"1\""),
        key(OKP, "EdDSA").replace("\"k\"", "\"2\""),
        key(RSA, "RS256").replace("\"k\"", "\"3\""),
    ]);
    let set = set.unwrap();
    let again = KeySet::parse(set.to_json().as_bytes()).unwrap();
    assert_eq!(again.to_json(), set.to_json());
    for (kid, alg) in [("1", Alg::Es256), ("2", Alg::EdDsa), ("3", Alg::Rs256)] {
        assert_eq!(again.find(kid).unwrap().alg(), alg);
    }
    assert!(set.find("4").is_none());
    assert_eq!(parse_keys(&[]).unwrap().to_json(), r#"{"keys":[]}"#);
}

#[test]
fn documents_show_public_members_only() {
    let eddsa =
        PublicKey::eddsa(&URL_SAFE_NO_PAD.decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap())
            .unwrap();
    assert_eq!(
        KeySet::of(vec![eddsa]).unwrap().to_json(),
        r#"{"keys":[{"kid":"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k","alg":"EdDSA","use":"sig","kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#
    );
}

#[test]
fn private_members_are_refused() {
    for member in PRIVATE_MEMBERS {
        for (members, alg) in [(EC, "ES256"), (OKP, "EdDSA"), (RSA, "RS256")] {
            assert_eq!(refused(&key(&format!(r#"{members},"{member}":"AAAA""#), alg)), KeyRefused::Private);
        }
    }
    let symmetric = r#"{"kty":"oct","k":"AAAA","alg":"HS256","kid":"k"}"#;
    assert_eq!(refused(symmetric), KeyRefused::Private);
}

#[test]
fn the_algorithm_must_be_named_and_fit() {
    for (members, alg) in [
        (EC, "EdDSA"),
        (EC, "RS256"),
        (EC, "HS256"),
        (EC, "ES384"),
        (EC, "none"),
        (OKP, "ES256"),
        (OKP, "Ed25519"),
        (RSA, "PS256"),
        (RSA, "RS512"),
        (RSA, "HS256"),
        (RSA, "rs256"),
    ] {
        assert_eq!(refused(&key(members, alg)), KeyRefused::Unsupported, "{alg}");
    }
    assert_eq!(refused(&format!(r#"{{{EC},"kid":"k"}}"#)), KeyRefused::Unsupported);
    assert_eq!(refused(&key(&EC.replace("P-256", "P-384"), "ES256")), KeyRefused::Unsupported);
    assert_eq!(refused(&key(&OKP.replace("Ed25519", "X25519"), "EdDSA")), KeyRefused::Unsupported);
    assert_eq!(refused(&key(&format!(r#"{EC},"use":"enc""#), "ES256")), KeyRefused::Unsupported);
    assert!(parse_keys(&[key(&format!(r#"{EC},"use":"sig""#), "ES256")]).is_ok());
}

#[test]
fn weak_and_broken_material_is_refused() {
    let ec = |from: &str, to: &str| key(&EC.replace(from, to), "ES256");
    let rsa = |n: &[u8], e: &[u8]| PublicKey::rs256(n, e).unwrap_err();
    // off the curve, not canonical, padded, short, split at another place
    assert_eq!(refused(&ec("f83O", "f83P")), KeyRefused::Material);
    assert_eq!(refused(&ec("RVEU", "RVEV")), KeyRefused::Material);
    assert_eq!(refused(&ec("RVEU", "RVEU=")), KeyRefused::Material);
    assert_eq!(refused(&ec("f83OJ3D2", "f83O")), KeyRefused::Material);
    assert_eq!(PublicKey::es256(&[0]).unwrap_err(), KeyRefused::Material);
    assert_eq!(PublicKey::es256(&[4; 65]).unwrap_err(), KeyRefused::Material);
    assert_eq!(PublicKey::eddsa(&[1; 31]).unwrap_err(), KeyRefused::Material);
    assert_eq!(rsa(&[0xff; 128], &RSA_EXPONENT), KeyRefused::Material);
    assert_eq!(rsa(&[0x7f; 256], &RSA_EXPONENT), KeyRefused::Material);
    assert_eq!(rsa(&[0xff; 513], &RSA_EXPONENT), KeyRefused::Material);
    assert_eq!(rsa(&[&[0][..], &[0xff; 256]].concat(), &RSA_EXPONENT), KeyRefused::Material);
    assert_eq!(rsa(&[], &RSA_EXPONENT), KeyRefused::Material);
    for exponent in [&[3][..], &[1], &[], &[0, 1, 0, 1], &[1, 0, 0]] {
        assert_eq!(rsa(&[0xff; 256], exponent), KeyRefused::Material, "{exponent:?}");
    }
}

#[test]
fn key_ids_are_bounded_and_unique() {
    for kid in ["", "a b", "\\u0000", "\u{e4}", &"k".repeat(KID_BYTES_MAX + 1)] {
        let refused = refused(&key(EC, "ES256").replace("\"k\"", &format!("\"{kid}\"")));
        assert!(matches!(refused, KeyRefused::Kid | KeyRefused::Malformed), "{kid}");
    }
    assert_eq!(refused(&format!(r#"{{{EC},"alg":"ES256"}}"#)), KeyRefused::Kid);
    let twice = [key(EC, "ES256"), key(OKP, "EdDSA")];
    assert_eq!(parse_keys(&twice).unwrap_err(), KeyRefused::KidRepeated);
}

#[test]
fn sets_are_bounded_and_strict() {
    let keys = |count: usize| -> Vec<String> {
        (0..count).map(|kid| key(EC, "ES256").replace("\"k\"", &format!("\"{kid}\""))).collect()
    };
    assert!(parse_keys(&keys(KEYS_MAX)).is_ok());
    assert_eq!(parse_keys(&keys(KEYS_MAX + 1)).unwrap_err(), KeyRefused::Malformed);
    let long = format!(r#"{{"keys":[]{}}}"#, " ".repeat(KEY_SET_BYTES_MAX));
    for text in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[1]}"#, r#"{"keys":[],"keys":[]}"#, &long] {
        assert_eq!(KeySet::parse(text.as_bytes()).unwrap_err(), KeyRefused::Malformed);
    }
    assert_eq!(refused(&key(&format!(r#"{EC},"kid":"k""#), "ES256")), KeyRefused::Malformed);
}
