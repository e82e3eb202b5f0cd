//! Arbitrary input for every parser: none panics, and what one writes it reads back.

use proptest::prelude::*;
use vestibule_oauth::authorize::{AuthorizeRequest, client_id};
use vestibule_oauth::authorize_response::{AuthorizeResponse, Callback};
use vestibule_oauth::bearer::{Bearer, is_in_query};
use vestibule_oauth::challenge::BearerChallenge;
use vestibule_oauth::client_auth::PresentedClient;
use vestibule_oauth::form::Form;
use vestibule_oauth::json::Object;
use vestibule_oauth::jwk::KeySet;
use vestibule_oauth::jws;
use vestibule_oauth::pkce::{CodeChallenge, Verifier};
use vestibule_oauth::redirect_uri::RedirectUri;
use vestibule_oauth::revocation::RevocationRequest;
use vestibule_oauth::scope::ScopeSet;
use vestibule_oauth::token::{AccessToken, Code, Jwt};
use vestibule_oauth::token_request::{GrantType, TokenRequest};

use crate::signer::Signer;

/// Queries made of the names and values that the parsers look for, and of noise.
fn queries() -> impl Strategy<Value = String> {
    let words = proptest::sample::select(vec![
        "grant_type",
        "authorization_code",
        "refresh_token",
        "client_credentials",
        "client_id",
        "client_secret",
        "code",
        "response_type",
        "state",
        "redirect_uri",
        "https://client.example/cb",
        "code_challenge",
        "code_challenge_method",
        "S256",
        "prompt",
        "none",
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "max_age",
        "scope",
        "openid",
        "token",
        "iss",
        "error",
        "%",
        "%ff",
        "+",
    ]);
    let piece = prop_oneof![8 => words.prop_map(str::to_owned), 1 => ".{0,8}"];
    let pair = (piece.clone(), piece).prop_map(|(name, value)| format!("{name}={value}"));
    proptest::collection::vec(pair, 0..12).prop_map(|pairs| pairs.join("&"))
}

fn registered() -> [RedirectUri; 2] {
    ["https://client.example/cb", "http://127.0.0.1/cb"]
        .map(|text| RedirectUri::register(text).expect("both are canonical"))
}

/// Everything that reads a form.
fn read_form(form: &Form) {
    let _ = client_id(form);
    let _ = AuthorizeRequest::parse(form, &registered());
    let _ = AuthorizeResponse::parse(form, "https://login.example");
    let _ = GrantType::parse(form).map(|grant_type| TokenRequest::parse(grant_type, form));
    let _ = RevocationRequest::parse(form);
    let _ = PresentedClient::parse([], None, form);
}

proptest! {
    #[test]
    fn no_parser_of_bytes_panics(bytes: Vec<u8>) {
        if let Ok(form) = Form::parse(&bytes) {
            read_form(&form);
        }
        let _ = Object::parse(&bytes);
        let _ = KeySet::parse(&bytes);
        let _ = Bearer::from_fields([&bytes[..]]);
        let _ = Bearer::from_fields([&[b"Bearer ", &bytes[..]].concat()[..]]);
        let _ = PresentedClient::parse([&[b"Basic ", &bytes[..]].concat()[..]], None, &Form::default());
    }

    #[test]
    fn no_parser_of_texts_panics(text in "\\PC{0,200}") {
        let _ = ScopeSet::parse(&text);
        let _ = AccessToken::parse(&text);
        let _ = CodeChallenge::parse(&text);
        let _ = Verifier::parse(&text);
        let _ = RedirectUri::register(&text);
        let _ = is_in_query(&text);
        let _ = jws::verify(&Signer::new(1).keys(), "JWT", &text);
        for uri in registered() {
            let _ = uri.matches(&text);
        }
    }

    #[test]
    fn no_reader_of_forms_panics(query in queries()) {
        if let Ok(form) = Form::parse(query.as_bytes()) {
            read_form(&form);
        }
    }

    /// Bytes with a good signature, as only a broken issuer would make them.
    #[test]
    fn signed_bytes_come_back_unchanged(payload: Vec<u8>) {
        let signer = Signer::new(1);
        let token = signer.forge(r#"{"alg":"EdDSA","kid":"KID","typ":"JWT"}"#, &payload);
        prop_assert_eq!(jws::verify(&signer.keys(), "JWT", &token), Ok(payload));
        prop_assert!(Jwt::parse(&token).is_ok());
    }

    #[test]
    fn scopes_read_back(tokens in proptest::collection::btree_set("[!#-\\[\\]-~]{1,20}", 1..20)) {
        let text = tokens.iter().rev().cloned().collect::<Vec<_>>().join(" ");
        let set = ScopeSet::parse(&text).unwrap();
        prop_assert_eq!(set.len(), tokens.len());
        prop_assert_eq!(ScopeSet::parse(&set.to_string()), Ok(set));
    }

    #[test]
    fn an_intersection_never_widens(left in "[a-d]( [e-h])?", right in "[a-h]( [i-l])?") {
        let (left, right) = (ScopeSet::parse(&left).unwrap(), ScopeSet::parse(&right).unwrap());
        let both = left.intersection(&right);
        prop_assert!(both.is_subset(&left) && both.is_subset(&right));
    }

    #[test]
    fn state_survives_the_redirect(state in "[ -~]{1,100}", code: [u8; 32]) {
        let [uri, _] = registered();
        let code = Code::from_random(&code);
        let callback = Callback::find(std::slice::from_ref(&uri), Some(uri.as_str())).unwrap().with_state(&state).unwrap();
        let url = callback.granted_url(&code, "https://login.example");
        prop_assert!(url.bytes().all(|byte| byte.is_ascii_graphic()));
        let form = Form::parse(url.split_once('?').unwrap().1.as_bytes()).unwrap();
        prop_assert_eq!(AuthorizeResponse::parse(&form, "https://login.example").unwrap().state, state);
    }

    /// A match differs from the registered text in nothing but the port of a loopback address.
    #[test]
    fn redirects_match_only_by_port(port in "[0-9]{0,6}", tail in "(/cb)?[a-z/.%?#@:]{0,4}") {
        for uri in registered() {
            let named = format!("http://127.0.0.1:{port}{tail}");
            if uri.matches(&named) {
                prop_assert!(uri.is_any_port());
                prop_assert_eq!(named.replacen(&format!(":{port}"), "", 1), uri.as_str());
                prop_assert!((1..=65535).contains(&port.parse::<u32>().unwrap()));
            }
        }
    }

    #[test]
    fn challenges_stay_on_one_line(realm in "\\PC*|[\\x00-\\x7f]*") {
        let value = BearerChallenge { realm: Some(&realm), ..BearerChallenge::default() }.field_value();
        prop_assert!(value.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
        let inside = &value["Bearer realm=\"".len()..value.len() - 1];
        prop_assert!(!inside.replace("\\\\", "").replace("\\\"", "").contains('"'));
    }

    #[test]
    fn a_verifier_proves_its_own_challenge_only(one: [u8; 32], other: [u8; 32]) {
        let (one, other) = (Verifier::from_random(&one), Verifier::from_random(&other));
        prop_assert!(one.challenge().is_proved_by(Some(&one)));
        prop_assert_eq!(one.challenge().is_proved_by(Some(&other)), one.expose() == other.expose());
    }
}
