//! The discovery document says what this crate reads and writes.

use super::*;

#[test]
fn describes_what_this_crate_takes() {
    let url = |path: &str| format!("https://login.example{path}");
    let endpoints = Endpoints {
        authorization: url("/authorize"),
        token: url("/token"),
        jwks: url("/jwks"),
        revocation: url("/revoke"),
    };
    let scopes = vec!["openid".to_owned()];
    let document = Discovery::new(url(""), endpoints, scopes, vec![Alg::Es256, Alg::Rs256]).to_json();
    let document: serde_json::Value = serde_json::from_str(&document).unwrap();
    // OpenID Connect Discovery 3: the REQUIRED members
    for (name, value) in [
        ("issuer", serde_json::json!("https://login.example")),
        ("authorization_endpoint", serde_json::json!("https://login.example/authorize")),
        ("token_endpoint", serde_json::json!("https://login.example/token")),
        ("jwks_uri", serde_json::json!("https://login.example/jwks")),
        ("response_types_supported", serde_json::json!(["code"])),
        ("subject_types_supported", serde_json::json!(["public"])),
        ("id_token_signing_alg_values_supported", serde_json::json!(["ES256", "RS256"])),
        ("code_challenge_methods_supported", serde_json::json!(["S256"])),
        ("authorization_response_iss_parameter_supported", serde_json::json!(true)),
        ("request_uri_parameter_supported", serde_json::json!(false)),
    ] {
        assert_eq!(document[name], value, "{name}");
    }
    // RECOMMENDED there
    let claims = serde_json::json!(["iss", "sub", "aud", "exp", "iat", "nonce", "auth_time", "acr"]);
    assert_eq!(document["claims_supported"], claims);
}
