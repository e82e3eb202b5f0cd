//! The web apps with services behind a gateway. On the inside door a service has the path it has itself, so
//! the sample services can stand in for the gateway.

use std::net::TcpListener;
use std::sync::Arc;

use axum::response::IntoResponse as _;
use axum::routing::any;

use super::*;
use crate::services;

/// A shop whose gateway is `behind`, on a socket of its own until the test ends.
fn shop(behind: Router) -> Router {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let gateway = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(crate::serve(listener, behind, std::future::pending()));
    Shop::router(Settings { gateway: Some(gateway) })
}

/// Services that take the visitor's token and no other.
fn checked_services() -> Router {
    let verify: services::Verify =
        Arc::new(|token| (token == TOKEN).then(|| services::Caller { subject: "user-17".into() }));
    services::router(services::Settings { verify: Some(verify) })
}

fn refusing(status: StatusCode) -> Router {
    Router::new().fallback(any(move || async move { (status, "{\"title\":\"no\"}").into_response() }))
}

#[tokio::test]
async fn products_come_from_the_service() {
    let offer = r#"{"products":[{"id":"sledge","name":"<i>Sledge</i>","blurb":"Fast.","cents":12345}]}"#;
    let shop = shop(Router::new().route("/products", any(move || async move { offer })));
    for path in ["/", "/shop", "/legacy"] {
        let got = get(&shop, path, &ANONYMOUS).await;
        assert!(got.body.contains("&lt;i&gt;Sledge") && got.body.contains("€123.45"));
        assert!(!got.body.contains("Doormat"));
        assert!(got.body.contains("<code>GET /products</code> <span class=\"result\">200 OK</span>"));
        assert!(got.body.contains("with your token") && !got.body.contains(TOKEN));
    }
}

#[tokio::test]
async fn a_failing_product_service_leaves_the_apps_own_list() {
    for behind in
        [refusing(StatusCode::SERVICE_UNAVAILABLE), Router::new().fallback(any(|| async { "not JSON" }))]
    {
        let got = get(&shop(behind), "/shop", &ANONYMOUS).await;
        assert_eq!(got.status, StatusCode::OK);
        assert!(got.body.contains("Doormat") && got.body.contains("did not answer as it should"));
    }
}

#[tokio::test]
async fn a_call_without_a_token_is_shown_as_one() {
    let body = get(&shop(checked_services()), "/shop", &[]).await.body;
    assert!(body.contains("<span class=\"result bad\">401 Unauthorized</span>"));
    assert!(body.contains("without a token"));
}

#[tokio::test]
async fn orders_come_from_the_service() {
    let body = get(&shop(checked_services()), "/orders", &LOGGED_ON).await.body;
    assert!(body.contains("Order F-0002") && body.contains("2 × Hall lantern") && body.contains("€178.00"));

    let body = get(&shop(refusing(StatusCode::FORBIDDEN)), "/orders", &LOGGED_ON).await.body;
    assert!(body.contains("The order service did not answer as it should"));
    assert!(body.contains("<span class=\"result bad\">403 Forbidden</span>"));
}

#[tokio::test]
async fn the_first_item_needs_no_service_and_later_ones_do() {
    let closed = shop(refusing(StatusCode::FORBIDDEN));
    assert_eq!(add(&closed, &ANONYMOUS, "item=boots").await.status, StatusCode::SEE_OTHER);
    for told in [&RETURNING[..], &LOGGED_ON] {
        let got = add(&closed, told, "item=boots").await;
        assert_eq!(got.status, StatusCode::BAD_GATEWAY);
        assert!(!got.headers.contains_key("x-context-update"));
        assert!(
            got.body.contains("<code>POST /basket</code> <span class=\"result bad\">403 Forbidden</span>")
        );
    }

    let got = add(&shop(checked_services()), &RETURNING, "item=boots").await;
    assert_eq!(got.status, StatusCode::SEE_OTHER);
    assert!(got.headers["x-context-update"].to_str().unwrap().ends_with("\"basket_count\":3}"));
}

#[tokio::test]
async fn whoami_echo_is_what_the_service_received() {
    let got = get(&shop(checked_services()), "/whoami/echo", &LOGGED_ON).await;
    assert_eq!(got.status, StatusCode::OK);
    assert_eq!(got.headers["content-type"], "application/json");
    let seen: serde_json::Value = serde_json::from_str(&got.body).unwrap();
    assert_eq!(seen["headers"]["authorization"], format!("Bearer {TOKEN}"));
    assert!(seen["headers"].get("x-context-standing").is_none(), "the context is for the app only");
}

#[tokio::test]
async fn whoami_echo_passes_refusals_and_reports_failures() {
    let got = get(&shop(refusing(StatusCode::UNAUTHORIZED)), "/whoami/echo", &LOGGED_ON).await;
    assert_eq!((got.status, got.body.as_str()), (StatusCode::UNAUTHORIZED, "{\"title\":\"no\"}"));
    assert_eq!(got.headers["content-type"], "application/problem+json");

    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let alone = Shop::router(Settings { gateway: Some(format!("http://{closed}").parse().unwrap()) });
    assert_eq!(get(&alone, "/whoami/echo", &LOGGED_ON).await.status, StatusCode::BAD_GATEWAY);
}
