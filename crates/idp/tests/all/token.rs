//! The token endpoint: codes, client authentication, client credentials.

use std::time::Duration;

use http::StatusCode;
use serde_json::json;

use super::house::{
    Asked, House, ISSUER, MOBILE_CALLBACK, OFFICE_CALLBACK, OFFICE_SECRET, TILL_SECRET, VERIFIER, claims,
    redemption,
};

/// A code of the office client, with its client authentication elsewhere.
pub(crate) fn office_redemption(code: &str) -> [(&'static str, &str); 4] {
    [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", OFFICE_CALLBACK),
        ("code_verifier", VERIFIER),
    ]
}

#[tokio::test]
async fn a_code_becomes_tokens() {
    let house = House::new().await;
    let asked = Asked { scope: "openid offline_access orders:read orders:write", ..Asked::mobile() };
    let code = house.browser().log_in(&asked).await.code();
    let reply = house.post("/token", &redemption(&asked, &code)).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.body);
    assert_eq!((reply.header("cache-control"), reply.header("pragma")), ("no-store", "no-cache"));
    let tokens = reply.json();
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(tokens["expires_in"], 7_200);
    // The user may not write orders, whatever the client may.
    assert_eq!(tokens["scope"], "offline_access openid orders:read");
    let id = claims(tokens["id_token"].as_str().unwrap());
    assert_eq!((&id["iss"], &id["aud"]), (&json!(ISSUER), &json!("mobile-app")));
    assert_eq!((&id["sub"], &id["nonce"]), (&json!(house.alice.as_str()), &json!("a-nonce")));
    assert_eq!((&id["auth_time"], &id["acr"]), (&json!(super::house::BIRTH), &json!("1")));
    assert_eq!(id["exp"].as_i64().unwrap() - id["iat"].as_i64().unwrap(), 300);
}

#[tokio::test]
async fn what_was_not_asked_for_is_not_given() {
    let house = House::new().await;
    let tokens = house.mobile_tokens("orders:read").await;
    assert_eq!(tokens["scope"], "orders:read");
    assert!(tokens.get("refresh_token").is_none() && tokens.get("id_token").is_none(), "{tokens}");
}

/// RFC 6749 4.1.3, RFC 7636 4.6: a code is for one client, one callback, one verifier and one minute.
#[tokio::test]
async fn a_code_is_worth_nothing_with_anything_else() {
    let house = House::new().await;
    let mut browser = house.browser();
    browser.log_in(&Asked::office()).await;
    let long = "x".repeat(129);
    let cases: [(&str, Option<&str>); 8] = [
        ("redirect_uri", Some("https://office.example/cb/")),
        ("redirect_uri", None),
        ("code_verifier", Some("another-verifier-of-at-least-43-characters-xx")),
        ("code_verifier", Some("short")),
        ("code_verifier", Some(&long)),
        ("code_verifier", Some("")),
        ("code_verifier", None),
        ("code", Some("never-issued")),
    ];
    for (name, value) in cases {
        let code = browser.get(&Asked::office().url()).await.code();
        let fields = office_redemption(&code);
        let changed: Vec<(&str, &str)> = fields
            .iter()
            .filter_map(
                |(known, kept)| if *known == name { Some((*known, value?)) } else { Some((*known, *kept)) },
            )
            .collect();
        let reply = house.post_as("/token", "office", OFFICE_SECRET, &changed).await;
        assert_eq!(
            (reply.status, reply.error()),
            (StatusCode::BAD_REQUEST, "invalid_grant".to_owned()),
            "{name}"
        );
        assert!(!reply.body.contains(&code), "{}", reply.body);
    }
    let code = browser.get(&Asked::office().url()).await.code();
    let foreign = redemption(&Asked { client: "mobile-app", ..Asked::office() }, &code);
    assert_eq!(house.post("/token", &foreign).await.error(), "invalid_grant", "code of another client");
    let code = browser.get(&Asked::office().url()).await.code();
    house.clock.advance(Duration::from_mins(1));
    let late = house.post_as("/token", "office", OFFICE_SECRET, &office_redemption(&code)).await;
    assert_eq!(late.error(), "invalid_grant", "after a minute");
}

/// RFC 6749 4.1.2: used twice, what it became ends.
#[tokio::test]
async fn a_code_that_comes_twice_ends_what_it_became() {
    let house = House::new().await;
    let asked = Asked::mobile();
    let code = house.browser().log_in(&asked).await.code();
    let first = house.post("/token", &redemption(&asked, &code)).await.json();
    assert_eq!(house.post("/token", &redemption(&asked, &code)).await.error(), "invalid_grant");
    let refresh = first["refresh_token"].as_str().unwrap();
    let fields = [("grant_type", "refresh_token"), ("client_id", "mobile-app"), ("refresh_token", refresh)];
    assert_eq!(house.post("/token", &fields).await.error(), "invalid_grant");
    super::kinds::assert_dead(&house, first["access_token"].as_str().unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_redemptions_at_once_one_succeeds() {
    let house = std::sync::Arc::new(House::new().await);
    let asked = Asked::mobile();
    let code = house.browser().log_in(&asked).await.code();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let (house, code) = (std::sync::Arc::clone(&house), code.clone());
        tasks.spawn(async move { house.post("/token", &redemption(&Asked::mobile(), &code)).await.status });
    }
    let statuses = tasks.join_all().await;
    assert_eq!(statuses.iter().filter(|status| **status == StatusCode::OK).count(), 1);
    assert!(statuses.iter().all(|status| [StatusCode::OK, StatusCode::BAD_REQUEST].contains(status)));
}

#[tokio::test]
async fn a_machine_gets_its_own_scopes_and_no_user() {
    let house = House::new().await;
    let ask = async |scope: Option<&str>| {
        let mut fields = vec![("grant_type", "client_credentials")];
        fields.extend(scope.map(|scope| ("scope", scope)));
        house.post_as("/token", "till", TILL_SECRET, &fields).await
    };
    assert_eq!(ask(None).await.json()["scope"], "orders:write products:read");
    assert_eq!(ask(Some("orders:write orders:read")).await.json()["scope"], "orders:write");
    assert_eq!(ask(Some("orders:read")).await.error(), "invalid_scope");
    for scope in ["orders", "orders:writ", "orders:write:all", "ORDERS:WRITE"] {
        assert_eq!(ask(Some(scope)).await.error(), "invalid_scope", "{scope}");
    }
    for scope in
        [" orders:write", "orders:write  products:read", "orders:write orders:write", "orders:\u{e9}"]
    {
        assert_eq!(ask(Some(scope)).await.error(), "invalid_scope", "{scope}");
    }
    assert!(ask(None).await.json().get("refresh_token").is_none());
}

/// An unknown client and a wrong secret are one answer, byte for byte.
#[tokio::test]
async fn client_authentication_does_not_tell_who_exists() {
    let house = House::new().await;
    let fields = [("grant_type", "client_credentials")];
    let wrong = house.post_as("/token", "till", "wrong-secret", &fields).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert_eq!(wrong.error(), "invalid_client");
    assert_eq!(wrong.header("www-authenticate"), "Basic realm=\"token\"");
    for (id, secret) in [("nobody", "wrong-secret"), ("nobody", TILL_SECRET), ("mobile-app", "wrong-secret")]
    {
        let other = house.post_as("/token", id, secret, &fields).await;
        assert_eq!(
            (other.status, &other.body, &other.headers),
            (wrong.status, &wrong.body, &wrong.headers),
            "{id}"
        );
    }
    // A confidential client that shows nothing.
    let silent = house.post("/token", &[("grant_type", "client_credentials"), ("client_id", "till")]).await;
    assert_eq!((silent.status, &silent.body), (wrong.status, &wrong.body));
}

#[tokio::test]
async fn a_client_authenticates_in_exactly_one_way() {
    let house = House::new().await;
    let both = [("grant_type", "client_credentials"), ("client_secret", TILL_SECRET)];
    let reply = house.post_as("/token", "till", TILL_SECRET, &both).await;
    assert_eq!((reply.status, reply.error()), (StatusCode::BAD_REQUEST, "invalid_request".to_owned()));
    let body = [("grant_type", "client_credentials"), ("client_id", "till"), ("client_secret", TILL_SECRET)];
    assert_eq!(house.post("/token", &body).await.status, StatusCode::OK);
    let in_url = format!("/token?client_id=till&client_secret={TILL_SECRET}");
    let reply = house.post(&in_url, &[("grant_type", "client_credentials")]).await;
    assert_eq!((reply.status, reply.error()), (StatusCode::BAD_REQUEST, "invalid_request".to_owned()));
    assert!(!reply.body.contains(TILL_SECRET));
}

#[tokio::test]
async fn what_a_client_may_not_present_is_refused() {
    let house = House::new().await;
    let till =
        async |fields: &[(&str, &str)]| house.post_as("/token", "till", TILL_SECRET, fields).await.error();
    assert_eq!(
        till(&[("grant_type", "password"), ("username", "alice"), ("password", "x")]).await,
        "unsupported_grant_type"
    );
    assert_eq!(till(&[("grant_type", "implicit")]).await, "unsupported_grant_type");
    assert_eq!(till(&[]).await, "invalid_request");
    assert_eq!(till(&office_redemption("code")).await, "unauthorized_client");
    assert_eq!(till(&[("grant_type", "refresh_token"), ("refresh_token", "x")]).await, "unauthorized_client");
    let public = [("grant_type", "client_credentials"), ("client_id", "mobile-app")];
    assert_eq!(house.post("/token", &public).await.error(), "unauthorized_client");
    let exchange = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("subject_token", "x"),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
    ];
    // Whatever else the request has or lacks, and whoever asks.
    for fields in
        [&exchange[..], &exchange[..1], &[exchange[0], ("actor_token", "x"), ("client_secret", "y")]]
    {
        assert_eq!(till(fields).await, "unsupported_grant_type");
        assert_eq!(house.post("/token", fields).await.error(), "unsupported_grant_type");
    }
    let public = [exchange[0], ("client_id", "mobile-app")];
    assert_eq!(house.post("/token", &public).await.error(), "unsupported_grant_type");
    let broken = [("grant_type", "client_credentials"), ("scope", "orders:write\nproducts:read")];
    assert_eq!(till(&broken).await, "invalid_scope");
    let repeated = [("grant_type", "client_credentials"), ("grant_type", "client_credentials")];
    assert_eq!(till(&repeated).await, "invalid_request");
}

/// A site's code is redeemed by the proxy through its own door, never here.
#[tokio::test]
async fn a_sites_code_cannot_be_redeemed_in_public() {
    let house = House::new().await;
    let code = house.browser().log_in(&Asked::shop()).await.code();
    assert_eq!(house.post("/token", &redemption(&Asked::shop(), &code)).await.error(), "unauthorized_client");
}

#[tokio::test]
async fn only_forms_are_read() {
    let house = House::new().await;
    let mut browser = house.browser();
    for (media_type, body) in
        [("application/json", "{\"grant_type\":\"client_credentials\"}"), ("text/plain", "a=b")]
    {
        let request = http::Request::post("/token").header("content-type", media_type);
        let reply = browser.send(request.body(body.into()).unwrap()).await;
        assert_eq!((reply.status, reply.error()), (StatusCode::BAD_REQUEST, "invalid_request".to_owned()));
    }
    let huge = format!("grant_type=client_credentials&x={}", "y".repeat(1 << 20));
    let request = http::Request::post("/token").header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(browser.send(request.body(huge.into()).unwrap()).await.error(), "invalid_request");
}

#[tokio::test]
async fn a_loopback_callback_is_compared_with_its_port() {
    let house = House::new().await;
    let code = house.browser().log_in(&Asked::mobile()).await.code();
    let other = Asked { callback: "http://127.0.0.1:4712/cb", ..Asked::mobile() };
    assert_ne!(other.callback, MOBILE_CALLBACK);
    assert_eq!(house.post("/token", &redemption(&other, &code)).await.error(), "invalid_grant");
}

/// No log-on outlives four hours from the credentials, so neither does a token for it.
#[tokio::test]
async fn an_access_token_ends_with_the_log_on() {
    let house = House::new().await;
    let mut browser = house.browser();
    browser.log_in(&Asked::mobile()).await;
    for _ in 0..8 {
        house.clock.advance(Duration::from_mins(29));
        browser.get(&Asked::mobile().url()).await;
    }
    let code = browser.get(&Asked::mobile().url()).await.code();
    let tokens = house.post("/token", &redemption(&Asked::mobile(), &code)).await.json();
    assert_eq!(tokens["expires_in"], 8 * 60);
}
