//! Claims under attack: wrong types, wrong times, wrong issuers and audiences, in tokens with good signatures.

use serde_json::{Value, json};
use vestibule_oauth::access_claims::{AccessClaims, SessionClaims};
use vestibule_oauth::id_claims::IdClaims;
use vestibule_oauth::jwt::{JwtRefused, Registered, SKEW_SECONDS, Verifier};
use vestibule_oauth::scope::ScopeSet;
use vestibule_oauth::token::{IdToken, Jwt};

use crate::signer::Signer;

const ISSUER: &str = "https://login.example/services";
const AUDIENCE: &str = "services";
const NOW: u64 = 1_800_000_000;

fn signer() -> Signer {
    Signer::new(1)
}

fn verifier() -> Verifier<Jwt> {
    Verifier::new(ISSUER.to_owned(), AUDIENCE.to_owned(), signer().keys())
}

fn registered() -> Registered {
    Registered::new(ISSUER, "u1", AUDIENCE, NOW - 10, NOW + 600)
}

/// What the verifier says about a payload that the issuer really signed.
fn signed(payload: &[u8]) -> Result<AccessClaims, JwtRefused> {
    let token = signer().forge(r#"{"alg":"EdDSA","kid":"KID","typ":"at+jwt"}"#, payload);
    verifier().verify(&Jwt::parse(&token).expect("the payloads of tests are short"), NOW, SKEW_SECONDS)
}

fn good() -> Value {
    json!({
        "iss": ISSUER, "sub": "u1", "aud": AUDIENCE, "exp": NOW + 600, "iat": NOW - 10,
        "jti": "j1", "client_id": "site", "scope": "orders:read",
    })
}

/// The good claims with one replaced by a text that need not be valid JSON.
fn with(claim: &str, text: &str) -> Result<AccessClaims, JwtRefused> {
    let mut claims = good();
    claims[claim] = json!("PLACE");
    signed(claims.to_string().replace(r#""PLACE""#, text).as_bytes())
}

fn without(claim: &str) -> Result<AccessClaims, JwtRefused> {
    let mut claims = good();
    claims.as_object_mut().expect("the good claims are an object").remove(claim);
    signed(claims.to_string().as_bytes())
}

#[test]
fn full_claims_survive_the_way() {
    let claims = AccessClaims {
        scope: ScopeSet::parse("orders:read basket:write").unwrap(),
        session: Some(SessionClaims { sid: "h1".to_owned(), ep: 3 }),
        visitor: Some("v1".to_owned()),
        standing: Some("logged-on".to_owned()),
        auth_time: Some(NOW - 100),
        acr: Some("2".to_owned()),
        ..AccessClaims::new(Registered { nbf: Some(NOW), ..registered() }, "j1", "site")
    };
    let token: Jwt = signer().sign::<Jwt>(&claims);
    assert_eq!(verifier().verify(&token, NOW, SKEW_SECONDS), Ok(claims));
}

#[test]
fn bare_claims_survive_the_way() {
    let claims = AccessClaims::new(registered(), "j1", "till");
    let token: Jwt = signer().sign::<Jwt>(&claims);
    assert_eq!(verifier().verify(&token, NOW, SKEW_SECONDS), Ok(claims));
}

#[test]
fn numbers_are_whole_numbers() {
    for claim in ["exp", "iat", "nbf", "auth_time", "ep"] {
        for text in [
            "\"1800000600\"",
            "1800000600.0",
            "1800000600.5",
            "18e8",
            "1.8000006e9",
            "-1",
            "-0",
            "null",
            "true",
            "[]",
            "{}",
            "[1800000600]",
            "NaN",
            "Infinity",
            "1e400",
            "-1e400",
            "99999999999999999999",
            "0x7fffffff",
            "01800000600",
            "",
        ] {
            assert_eq!(with(claim, text), Err(JwtRefused::Claims), "{claim} {text}");
        }
    }
}

#[test]
fn texts_are_texts() {
    for claim in ["iss", "sub", "jti", "client_id", "scope", "sid", "visitor", "standing", "acr"] {
        for text in ["1", "null", "true", "[\"x\"]", "{}", "\"\""] {
            assert_eq!(with(claim, text), Err(JwtRefused::Claims), "{claim} {text}");
        }
    }
    for text in ["\"a  b\"", "\"a a\"", "\" a\"", "\"a\\tb\"", "[\"a\",\"b\"]"] {
        assert_eq!(with("scope", text), Err(JwtRefused::Claims), "{text}");
    }
}

#[test]
fn required_claims_are_required() {
    for claim in ["iss", "sub", "aud", "exp", "iat", "jti", "client_id"] {
        assert_eq!(without(claim), Err(JwtRefused::Claims), "{claim}");
    }
    assert!(without("scope").unwrap().scope.is_empty());
}

#[test]
fn session_and_epoch_come_together() {
    assert_eq!(with("sid", "\"h1\""), Err(JwtRefused::Claims));
    assert_eq!(with("ep", "1"), Err(JwtRefused::Claims));
}

#[test]
fn payloads_are_strict_json() {
    let deep = format!("{{\"x\":{}1{}}}", "[".repeat(1000), "]".repeat(1000));
    for payload in ["", "[]", "1", "{}{}", r#"{"exp":1,"exp":2}"#, &deep] {
        assert_eq!(signed(payload.as_bytes()), Err(JwtRefused::Claims));
    }
    let repeated = good().to_string().replacen('{', r#"{"sub":"admin","#, 1);
    assert_eq!(signed(repeated.as_bytes()), Err(JwtRefused::Claims));
    assert_eq!(signed(b"{\"sub\":\"\xff\"}"), Err(JwtRefused::Claims));
}

#[test]
fn times_are_exact() {
    let at = |now| {
        let token: Jwt = signer().sign::<Jwt>(&AccessClaims::new(registered(), "j1", "site"));
        verifier().verify(&token, now, SKEW_SECONDS).map(|_| ())
    };
    let iat = registered().iat;
    let exp = registered().exp;
    assert_eq!(at(exp - 1), Ok(()));
    assert_eq!(at(exp), Err(JwtRefused::Expired), "no skew for exp");
    assert_eq!(at(exp + 1), Err(JwtRefused::Expired));
    assert_eq!(at(u64::MAX), Err(JwtRefused::Expired));
    assert_eq!(at(iat - SKEW_SECONDS), Ok(()));
    assert_eq!(at(iat - SKEW_SECONDS - 1), Err(JwtRefused::NotYet));
    assert_eq!(at(0), Err(JwtRefused::NotYet));
}

#[test]
fn not_before_is_exact() {
    for (nbf, skew, expected) in [
        (NOW, 0, Ok(())),
        (NOW + 1, 0, Err(JwtRefused::NotYet)),
        (NOW + SKEW_SECONDS, SKEW_SECONDS, Ok(())),
        (NOW + SKEW_SECONDS + 1, SKEW_SECONDS, Err(JwtRefused::NotYet)),
        (u64::MAX, SKEW_SECONDS, Err(JwtRefused::NotYet)),
    ] {
        let claims = AccessClaims::new(Registered { nbf: Some(nbf), ..registered() }, "j1", "site");
        let token: Jwt = signer().sign::<Jwt>(&claims);
        assert_eq!(verifier().verify(&token, NOW, skew).map(|_| ()), expected, "{nbf} {skew}");
    }
}

#[test]
fn issuer_is_exact() {
    for issuer in [
        "https://login.example",
        "https://login.example/services/",
        "https://LOGIN.example/services",
        "https://login.example/jpt",
        "http://login.example/services",
        "https://login.example:443/services",
        "https://other.example/services",
        "https://login.example/services ",
    ] {
        assert_eq!(with("iss", &json!(issuer).to_string()), Err(JwtRefused::Issuer), "{issuer}");
    }
    assert_eq!(with("iss", &json!([ISSUER]).to_string()), Err(JwtRefused::Claims));
}

#[test]
fn audience_is_an_exact_member() {
    for audience in
        [json!("service"), json!("services2"), json!("Services"), json!("my services"), json!(["a", "b"])]
    {
        assert_eq!(with("aud", &audience.to_string()), Err(JwtRefused::Audience), "{audience}");
    }
    for audience in [json!("services"), json!(["services"]), json!(["other", "services"])] {
        assert!(with("aud", &audience.to_string()).is_ok(), "{audience}");
    }
    for audience in [
        json!(""),
        json!([]),
        json!([["services"]]),
        json!({"services": true}),
        json!(["services", 1]),
        json!(null),
    ] {
        assert_eq!(with("aud", &audience.to_string()), Err(JwtRefused::Claims), "{audience}");
    }
}

#[test]
fn an_id_token_is_for_one_client() {
    let verifier =
        Verifier::<IdToken>::new("https://login.example".to_owned(), "partner".to_owned(), signer().keys());
    let verify = |claims: &IdClaims| verifier.verify(&signer().sign::<IdToken>(claims), NOW, SKEW_SECONDS);
    let claims = IdClaims {
        nonce: Some("n".to_owned()),
        auth_time: Some(NOW),
        acr: Some("1".to_owned()),
        azp: Some("partner".to_owned()),
        sid: Some("s".to_owned()),
        ..IdClaims::new(Registered::new("https://login.example", "u1", "partner", NOW, NOW + 300))
    };
    assert_eq!(verify(&claims), Ok(claims.clone()));
    let other_party = IdClaims { azp: Some("other".to_owned()), ..claims.clone() };
    assert_eq!(verify(&other_party), Err(JwtRefused::Claims));
    let mut several = claims;
    several.registered.aud.push("other".to_owned());
    assert_eq!(verify(&several), Err(JwtRefused::Claims));
}
