//! Compact serialisation: what a lenient reader would accept is refused (D01 to D07).

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};

use super::*;

fn public_key(jwk: &str) -> PublicKey {
    let set = KeySet::parse(format!(r#"{{"keys":[{jwk}]}}"#).as_bytes()).unwrap();
    set.find("k").unwrap().clone()
}

/// Whether the primitive takes a vector of an RFC, whose header has no `kid` and no `typ`.
fn verifies(jwk: &str, token: &str) -> bool {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    public_key(jwk).verifies(signed.as_bytes(), &decode(signature).unwrap())
}

const RFC_7515_A_3_KEY: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","alg":"ES256","kid":"k"}"#;
const RFC_7515_A_3: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

const RFC_7515_A_2_KEY: &str = r#"{"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB","alg":"RS256","kid":"k"}"#;
const RFC_7515_A_2: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

const RFC_8037_A_KEY: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","alg":"EdDSA","kid":"k"}"#;
const RFC_8037_A_4: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

#[test]
fn vectors_of_the_rfcs_verify() {
    for (key, token) in
        [(RFC_7515_A_3_KEY, RFC_7515_A_3), (RFC_7515_A_2_KEY, RFC_7515_A_2), (RFC_8037_A_KEY, RFC_8037_A_4)]
    {
        assert!(verifies(key, token), "{token}");
        let other_payload = token.replacen(".e", ".f", 1).replacen(".R", ".S", 1);
        assert!(!verifies(key, &other_payload), "{other_payload}");
    }
}

#[test]
fn degenerate_signatures_do_not_verify() {
    let key = public_key(RFC_7515_A_3_KEY);
    let rs = |r: u8, s: u8| [[vec![0; 31], vec![r]].concat(), [vec![0; 31], vec![s]].concat()].concat();
    for signature in
        [rs(0, 0), rs(0, 1), rs(1, 0), rs(1, 1), vec![], vec![0; 63], vec![0; 65], vec![0xff; 64]]
    {
        assert!(!key.verifies(b"a.b", &signature), "{signature:?}");
    }
}

fn es256_pair() -> (EcdsaKeyPair, PublicKey) {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let key = PublicKey::es256(pair.public_key().as_ref()).unwrap();
    (pair, key)
}

type Sign<'a> = &'a dyn Fn(&[u8]) -> Vec<u8>;

#[test]
fn every_algorithm_signs_and_verifies() {
    let random = SystemRandom::new();
    let (ec, es256) = es256_pair();
    let ed = Ed25519KeyPair::from_seed_unchecked(&[1; 32]).unwrap();
    let eddsa = PublicKey::eddsa(ed.public_key().as_ref()).unwrap();
    let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    // RFC 8017 A.1.1 in DER: after 9 bytes of heads the 256 of the modulus
    let rs256 = PublicKey::rs256(&rsa.public_key().as_ref()[9..][..256], &[1, 0, 1]).unwrap();
    let keys = KeySet::of(vec![es256.clone(), eddsa.clone(), rs256.clone()]).unwrap();
    let sign_ec = |message: &[u8]| ec.sign(&random, message).unwrap().as_ref().to_vec();
    let sign_ed = |message: &[u8]| ed.sign(message).as_ref().to_vec();
    let sign_rsa = |message: &[u8]| {
        let mut signature = vec![0; rsa.public_modulus_len()];
        rsa.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).unwrap();
        signature
    };
    let signers: [(PublicKey, Sign<'_>); 3] = [(es256, &sign_ec), (eddsa, &sign_ed), (rs256, &sign_rsa)];
    for (key, sign) in signers {
        let input = SigningInput::new(&key, "JWT", b"{}");
        let signature = sign(input.as_bytes());
        let token = input.assemble(&signature).unwrap();
        assert_eq!(verify(&keys, "JWT", &token), Ok(b"{}".to_vec()), "{key:?}");
    }
}

#[test]
fn of_two_es256_signatures_only_the_low_one_is_taken() {
    let (pair, key) = es256_pair();
    let keys = KeySet::of(vec![key.clone()]).unwrap();
    let input = SigningInput::new(&key, "JWT", b"{}");
    let signature = pair.sign(&SystemRandom::new(), input.as_bytes()).unwrap();
    let low = es256::to_low(signature.as_ref().try_into().unwrap());
    let high = es256::twin(low);
    for one in [low, high] {
        assert!(key.verifies(input.as_bytes(), &one));
        let token = input.clone().assemble(&one).unwrap();
        assert_eq!(verify(&keys, "JWT", &token), Ok(b"{}".to_vec()), "assembled low in any case");
    }
    let token = format!("{}.{}", input.text, URL_SAFE_NO_PAD.encode(high));
    assert_eq!(verify(&keys, "JWT", &token), Err(JwsRefused::Signature));
}

#[test]
fn the_low_form_of_a_high_vector_verifies() {
    let (signed, signature) = RFC_7515_A_3.rsplit_once('.').unwrap();
    let signature: [u8; 64] = decode(signature).unwrap().try_into().unwrap();
    assert!(!es256::is_low(&signature));
    assert!(public_key(RFC_7515_A_3_KEY).verifies(signed.as_bytes(), &es256::to_low(signature)));
}

#[test]
fn an_es256_signature_of_another_length_is_not_assembled() {
    let input = SigningInput::new(&public_key(RFC_7515_A_3_KEY), "JWT", b"{}");
    for length in [0, 63, 65, 70] {
        assert_eq!(input.clone().assemble(&vec![1; length]), Err(Malformed));
    }
}

/// RFC 7515 5.1: the header names algorithm, key and type, and nothing else.
#[test]
fn signing_input_is_header_and_payload() {
    let input = SigningInput::new(&public_key(RFC_8037_A_KEY), "at+jwt", b"{}");
    let (header, payload) = std::str::from_utf8(input.as_bytes()).unwrap().split_once('.').unwrap();
    assert_eq!(decode(header).unwrap(), br#"{"alg":"EdDSA","kid":"k","typ":"at+jwt"}"#);
    assert_eq!(payload, "e30");
}
