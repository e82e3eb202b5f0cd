//! The start: configuration, clients, keys; and what no body and no log line may hold.

use std::sync::Arc;

use vestibule_domain::identity::Timestamp;
use vestibule_idp::config::{Client, Config};
use vestibule_idp::{Idp, StartError};
use vestibule_ports::clock::TestClock;
use vestibule_ports::entropy::SeededEntropy;
use vestibule_registry::{Caps, Registry};

use super::house::{
    Asked, BIRTH, House, OFFICE_SECRET, PASSWORD, Reply, TILL_SECRET, VERIFIER, config, over_https,
    redemption,
};

fn start(config: Config, registry: &Arc<Registry>) -> Result<Arc<Idp>, StartError> {
    let clock = Arc::new(TestClock::new(Timestamp::from_secs(BIRTH)));
    Idp::new(config, Arc::clone(registry), clock, Arc::new(SeededEntropy::new(1)))
}

fn registry() -> Arc<Registry> {
    super::database::fresh(Caps::default()).0
}

async fn keys(idp: &Arc<Idp>) -> Vec<String> {
    use axum::body::Body;
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;
    let mut documents = Vec::new();
    for path in ["/jwks", "/jwks/services", "/jwks/jpt"] {
        let request = over_https(http::Request::get(path)).body(Body::empty()).unwrap();
        let body = idp.router().oneshot(request).await.unwrap().into_body().collect().await.unwrap();
        documents.push(String::from_utf8(body.to_bytes().to_vec()).unwrap());
    }
    documents
}

#[tokio::test]
async fn keys_are_made_at_the_first_start_and_kept() {
    let registry = registry();
    let first = keys(&start(config(), &registry).unwrap()).await;
    let second = keys(&start(config(), &registry).unwrap()).await;
    assert_eq!(first, second);
    assert_ne!(first, keys(&start(config(), &self::registry()).unwrap()).await);
}

#[tokio::test]
async fn a_bad_configuration_does_not_start_and_changes_nothing() {
    let registry = registry();
    let bad = Config { issuer: "http://login.example".to_owned(), clients: Vec::new(), ..config() };
    let refused = start(bad, &registry).unwrap_err().to_string();
    let lines: Vec<&str> = refused.lines().collect();
    assert_eq!(lines[0], "issuer: must be https; plain http is for loopback hosts only");
    assert_eq!(lines.len(), 5, "{refused}");
    assert_eq!(registry.clients().unwrap(), []);
}

/// A secret that was to be read from a file and was not must not make a public client.
#[tokio::test]
async fn a_secret_that_nobody_read_is_a_problem() {
    let mut unread = config();
    let till = unread.clients.iter_mut().find(|client| client.id == "till").unwrap();
    *till = Client { secret: None, secret_file: Some("till.secret".into()), ..till.clone() };
    let refused = start(unread, &registry()).unwrap_err().to_string();
    assert_eq!(refused, "clients[6].secret_file: has not been read");
}

#[tokio::test]
async fn a_client_that_the_configuration_drops_is_gone() {
    let registry = registry();
    start(config(), &registry).unwrap();
    assert!(registry.client("till").unwrap().is_some());
    let mut fewer = config();
    fewer.clients.retain(|client| client.id != "till");
    start(fewer, &registry).unwrap();
    assert!(registry.client("till").unwrap().is_none());
}

/// What callers and logs are told along a whole life of log-ins and errors holds none of the secrets in it.
#[tokio::test]
async fn no_secret_is_in_any_body_or_log_line() {
    let house = House::new().await;
    let mut browser = house.browser();
    let mut replies: Vec<Reply> = Vec::new();
    let form = browser.open_form(&Asked::mobile()).await;
    replies.push(browser.try_password(&form, "alice", "a wrong password").await);
    replies.push(browser.try_password(&form, "alice", &"y".repeat(200)).await);
    let code = browser.log_in(&Asked::mobile()).await.code();
    let tokens = house.post("/token", &redemption(&Asked::mobile(), &code)).await.json();
    let refresh = tokens["refresh_token"].as_str().unwrap().to_owned();
    replies.push(house.post("/token", &redemption(&Asked::mobile(), &code)).await);
    let fields =
        [("grant_type", "refresh_token"), ("client_id", "mobile-app"), ("refresh_token", refresh.as_str())];
    replies.push(house.post("/token", &fields).await);
    replies
        .push(house.post_as("/token", "till", OFFICE_SECRET, &[("grant_type", "client_credentials")]).await);
    replies.push(house.post(&format!("/token?client_secret={TILL_SECRET}"), &[("client_id", "till")]).await);
    replies.push(house.post("/revoke", &[("client_id", "mobile-app"), ("token", &refresh)]).await);
    replies.push(browser.get("/password").await);
    replies.push(browser.get("/logout").await);
    let device = browser.jar["__Host-vst-known"].clone();
    let sign_on = browser.jar["__Host-vst-idp"].clone();
    let access = tokens["access_token"].as_str().unwrap();
    let secrets = [
        PASSWORD,
        "a wrong password",
        VERIFIER,
        TILL_SECRET,
        OFFICE_SECRET,
        &code,
        &refresh,
        access,
        &device,
        &sign_on,
    ];
    for reply in &replies {
        for secret in secrets {
            assert!(!reply.body.contains(secret), "{secret} in {}", reply.body);
            assert!(!reply.cause.contains(secret), "{secret} in {}", reply.cause);
        }
    }
    assert!(replies.iter().filter(|reply| !reply.cause.is_empty()).count() >= 4, "the log is told of errors");
}
