//! Each service, with and without a verifier.

use axum::body::Body;
use http::{Method, Request};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

use super::*;

/// Knows one token a subject: `token-of-<subject>`.
fn checked() -> Router {
    let verify: Verify =
        Arc::new(|token| Some(Caller { subject: token.strip_prefix("token-of-")?.to_owned() }));
    router(Settings { verify: Some(verify) })
}

fn open() -> Router {
    router(Settings::default())
}

async fn send(router: &Router, request: Request<Body>) -> (Response<()>, Value) {
    let (head, body) = router.clone().oneshot(request).await.unwrap().into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    (Response::from_parts(head, ()), serde_json::from_slice(&bytes).unwrap())
}

type Response<T> = http::Response<T>;

fn get(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

fn get_as(subject: &str, path: &str) -> Request<Body> {
    Request::get(path)
        .header("authorization", format!("Bearer token-of-{subject}"))
        .body(Body::empty())
        .unwrap()
}

fn post(path: &str, json: &str) -> Request<Body> {
    Request::post(path).header("content-type", "application/json").body(Body::from(json.to_owned())).unwrap()
}

#[tokio::test]
async fn products_lists_the_catalogue() {
    let (head, body) = send(&open(), get("/products")).await;
    assert_eq!(head.status(), StatusCode::OK);
    assert_eq!(body["products"].as_array().unwrap().len(), PRODUCTS.len());
    assert_eq!(body["products"][1]["id"], "doormat");
    assert_eq!(body["products"][1]["cents"], 2900);
}

#[tokio::test]
async fn a_basket_is_priced_and_kept() {
    let router = open();
    assert_eq!(send(&router, get("/basket")).await.1, json!({ "lines": [], "total_cents": 0 }));

    let lines = json!([{ "item": "doormat", "quantity": 2 }, { "item": "gone", "quantity": 1 }]);
    let (head, body) = send(&router, post("/basket", &json!({ "lines": lines }).to_string())).await;

    assert_eq!(head.status(), StatusCode::OK);
    assert_eq!(body, json!({ "lines": lines, "total_cents": 5800 }));
    assert_eq!(send(&router, get("/basket")).await.1, body);
}

#[tokio::test]
async fn an_order_is_placed_and_listed() {
    let router = open();
    let (head, placed) = send(&router, post("/orders", r#"{"lines":[{"item":"bench","quantity":1}]}"#)).await;
    assert_eq!(head.status(), StatusCode::CREATED);
    assert_eq!(placed["total_cents"], 18_900);

    let (head, body) = send(&router, get("/orders")).await;
    assert_eq!(head.status(), StatusCode::OK);
    assert_eq!(body["orders"].as_array().unwrap().last(), Some(&placed));
}

#[tokio::test]
async fn bodies_that_make_no_sense_are_refused() {
    let too_many: Vec<Value> =
        (0..=LINES_MAX).map(|n| json!({ "item": format!("item-{n}"), "quantity": 1 })).collect();
    for (path, body, status) in [
        ("/basket", "{".to_owned(), StatusCode::BAD_REQUEST),
        ("/basket", r#"{"lines":3}"#.to_owned(), StatusCode::UNPROCESSABLE_ENTITY),
        (
            "/basket",
            r#"{"lines":[{"item":"doormat","quantity":100}]}"#.to_owned(),
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        ("/basket", json!({ "lines": too_many }).to_string(), StatusCode::UNPROCESSABLE_ENTITY),
        ("/orders", r#"{"lines":[]}"#.to_owned(), StatusCode::UNPROCESSABLE_ENTITY),
        (
            "/orders",
            r#"{"lines":[{"item":"gone","quantity":1}]}"#.to_owned(),
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
    ] {
        let (head, problem) = send(&open(), post(path, &body)).await;
        assert_eq!(head.status(), status, "{path} {body}");
        assert_eq!(head.headers()["content-type"], "application/problem+json");
        assert_eq!(problem["status"], status.as_u16());
    }
}

#[tokio::test]
async fn echo_answers_any_method_with_what_it_received() {
    for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS] {
        let request = Request::builder()
            .method(method)
            .uri("/echo")
            .header("x-seen", "yes")
            .body(Body::from("text"))
            .unwrap();
        let (head, body) = send(&open(), request).await;
        assert_eq!(head.status(), StatusCode::OK);
        assert_eq!(body, json!({ "headers": { "x-seen": "yes" } }));
    }
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems() {
    let (head, body) = send(&open(), get("/stock")).await;
    assert_eq!((head.status(), &body["status"]), (StatusCode::NOT_FOUND, &json!(404)));

    let (head, body) = send(&open(), post("/products", "{}")).await;
    assert_eq!((head.status(), &body["status"]), (StatusCode::METHOD_NOT_ALLOWED, &json!(405)));
    assert_eq!(head.headers()["allow"], "GET,HEAD");
}

#[tokio::test]
async fn a_verifier_lets_nobody_pass_without_a_good_token() {
    let request = |values: &[&str]| {
        let mut request = get("/echo");
        for value in values {
            request.headers_mut().append("authorization", value.parse().unwrap());
        }
        request
    };
    for (values, status) in [
        (&[][..], StatusCode::UNAUTHORIZED),
        (&["Bearer wrong"], StatusCode::UNAUTHORIZED),
        (&["Basic token-of-alice"], StatusCode::UNAUTHORIZED),
        (&["token-of-alice"], StatusCode::UNAUTHORIZED),
        (&["Bearer token-of-alice", "Bearer token-of-alice"], StatusCode::UNAUTHORIZED),
        (&["Bearer token-of-alice"], StatusCode::OK),
        (&["bearer token-of-alice"], StatusCode::OK),
    ] {
        let (head, _) = send(&checked(), request(values)).await;
        assert_eq!(head.status(), status, "{values:?}");
        let challenge = head.headers().get("www-authenticate").map(HeaderValue::as_bytes);
        assert_eq!(challenge, (status == StatusCode::UNAUTHORIZED).then_some(&b"Bearer"[..]));
    }
    assert_eq!(send(&checked(), get("/no-such-path")).await.0.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn verified_callers_have_their_own_baskets() {
    let router = checked();
    let mut request = post("/basket", r#"{"lines":[{"item":"boots","quantity":1}]}"#);
    request.headers_mut().insert("authorization", HeaderValue::from_static("Bearer token-of-alice"));
    send(&router, request).await;

    assert_eq!(send(&router, get_as("alice", "/basket")).await.1["total_cents"], 6500);
    assert_eq!(send(&router, get_as("bob", "/basket")).await.1["total_cents"], 0);
}
