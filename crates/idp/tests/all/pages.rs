//! What every answer carries, whatever it is: headers, escaped text, discovery and keys.

use http::{Request, StatusCode};
use serde_json::json;
use vestibule_idp::config::Config;

use super::house::{Asked, House, ISSUER, config};

const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";

/// ASVS 3.4, on pages, documents, redirects and errors alike.
#[tokio::test]
async fn every_answer_is_hardened() {
    let house = House::new().await;
    let mut browser = house.browser();
    let request = |method: &str, target: &str| {
        Request::builder().method(method).uri(target).body(axum::body::Body::empty()).unwrap()
    };
    let authorize = Asked::shop().url();
    let login = authorize.replace("/authorize", "/login");
    let cases = [
        ("GET", "/nowhere", 404),
        ("DELETE", "/login", 405),
        ("GET", "/token", 405),
        ("GET", "/authorize", 400),
        ("GET", &authorize, 303),
        ("GET", "/login", 400),
        ("GET", &login, 200),
        ("POST", &login, 400),
        ("GET", "/logout", 200),
        ("POST", "/logout", 400),
        ("GET", "/password", 200),
        ("POST", "/password", 400),
        ("POST", "/token", 400),
        ("POST", "/revoke", 400),
        ("GET", "/style.css", 200),
        ("GET", "/icon.svg", 200),
        ("GET", "/jwks", 200),
        ("GET", "/jwks/services", 200),
        ("GET", "/jwks/jpt", 200),
        ("GET", "/.well-known/openid-configuration", 200),
    ];
    for (method, target, status) in cases {
        let reply = browser.send(request(method, target)).await;
        assert_eq!(reply.status.as_u16(), status, "{method} {target}: {}", reply.body);
        let policy = reply.header("content-security-policy");
        assert!(
            policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"),
            "{target}: {policy}"
        );
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{target}");
        assert_eq!(reply.header("referrer-policy"), "same-origin", "{target}");
        assert_eq!(reply.header("cross-origin-opener-policy"), "same-origin", "{target}");
        assert_eq!(reply.header("strict-transport-security"), "max-age=31536000", "{target}");
        assert_eq!(reply.header("access-control-allow-origin"), "", "{target}");
        let is_kept =
            status == 200 && !["/login", "/logout", "/password"].iter().any(|p| target.starts_with(p));
        let cache = reply.header("cache-control");
        assert_eq!(cache.starts_with("public, max-age="), is_kept, "{target}: {cache}");
        assert_eq!(cache == "no-store", !is_kept, "{target}: {cache}");
    }
}

#[tokio::test]
async fn a_plain_http_issuer_promises_no_https() {
    let house = House::of(Config { issuer: "http://localhost:8090".to_owned(), ..config() }).await;
    assert_eq!(house.browser().get("/logout").await.header("strict-transport-security"), "");
}

/// Chromium applies `form-action` to the redirect after the POST as well.
#[tokio::test]
async fn the_form_may_lead_to_the_callback_of_its_client_only() {
    let house = House::new().await;
    let mut browser = house.browser();
    let login = |asked: Asked<'_>| asked.url().replace("/authorize", "/login");
    let shop = browser.get(&login(Asked::shop())).await;
    let expected = POLICY.replace("'self'; base", "'self' https://shop.example; base");
    assert_eq!(shop.header("content-security-policy"), expected);
    let mobile = browser.get(&login(Asked::mobile())).await;
    let expected = POLICY.replace("'self'; base", "'self' http://127.0.0.1:4711; base");
    assert_eq!(mobile.header("content-security-policy"), expected);
    assert_eq!(browser.get("/password").await.header("content-security-policy"), POLICY);
}

#[tokio::test]
async fn what_a_caller_sends_comes_back_as_text() {
    let house = House::new().await;
    let mut browser = house.browser();
    let hostile = "\"><script>alert(1)</script>";
    let hint = format!(
        "&login_hint={}",
        url::form_urlencoded::byte_serialize(hostile.as_bytes()).collect::<String>()
    );
    let page = browser.get(&Asked::shop().with(&hint).url().replace("/authorize", "/login")).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("&lt;script&gt;alert(1)&lt;&#x2f;script&gt;"), "{}", page.body);
    assert!(!page.body.contains("<script"), "{}", page.body);
    let again = browser.try_password(&page.form(), hostile, "wrong").await;
    assert_eq!(again.status, StatusCode::FORBIDDEN);
    assert!(!again.body.contains("<script"), "{}", again.body);
    let error = browser.get("/authorize?client_id=%3Cscript%3E&error_description=%3Cscript%3E").await;
    assert!(!error.body.contains("script"), "{}", error.body);
}

#[tokio::test]
async fn the_log_in_form_is_fit_for_password_stores_and_screen_readers() {
    let house = House::new().await;
    let page = house.browser().get(&Asked::shop().url().replace("/authorize", "/login")).await;
    for expected in [
        "<html lang=\"en\">",
        "<label for=\"username\">",
        "autocomplete=\"username\"",
        "<label for=\"password\">",
        "autocomplete=\"current-password\"",
        "type=\"password\"",
        "The shop client",
    ] {
        assert!(page.body.contains(expected), "{expected}: {}", page.body);
    }
}

#[tokio::test]
async fn discovery_tells_the_configured_issuer_whatever_the_request_says() {
    let house = House::new().await;
    let mut browser = house.browser();
    for path in ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"] {
        let request =
            Request::get(path).header("x-forwarded-host", "evil.example").header("x-forwarded-proto", "http");
        let document = browser.send(request.body(axum::body::Body::empty()).unwrap()).await.json();
        assert_eq!(document["issuer"], ISSUER);
        assert_eq!(document["authorization_endpoint"], format!("{ISSUER}/authorize"));
        assert_eq!(document["token_endpoint"], format!("{ISSUER}/token"));
        assert_eq!(document["revocation_endpoint"], format!("{ISSUER}/revoke"));
        assert_eq!(document["jwks_uri"], format!("{ISSUER}/jwks"));
        assert_eq!(document["code_challenge_methods_supported"], json!(["S256"]));
        assert_eq!(document["response_types_supported"], json!(["code"]));
        assert_eq!(document["authorization_response_iss_parameter_supported"], true);
        assert_eq!(document.get("introspection_endpoint_auth_methods_supported"), None);
        assert!(!document.to_string().contains("evil"), "{document}");
    }
}

#[tokio::test]
async fn the_three_key_documents_share_no_key_and_show_nothing_private() {
    let house = House::new().await;
    let mut browser = house.browser();
    let mut kids = std::collections::BTreeSet::new();
    for path in ["/jwks", "/jwks/services", "/jwks/jpt"] {
        let reply = browser.get(path).await;
        assert_eq!(reply.header("content-type"), "application/jwk-set+json");
        let keys = reply.json()["keys"].as_array().unwrap().clone();
        assert_eq!(keys.len(), 1, "{path}");
        assert!(kids.insert(keys[0]["kid"].as_str().unwrap().to_owned()), "{path}");
        assert_eq!((&keys[0]["alg"], &keys[0]["use"]), (&json!("ES256"), &json!("sig")));
        assert!(keys[0].get("d").is_none(), "{path}");
    }
}
