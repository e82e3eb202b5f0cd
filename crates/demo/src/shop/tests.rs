//! The web apps as a proxy calls them: headers in, pages and headers out.

mod alone;
mod with_gateway;

use axum::body::Body;
use http::Request;
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use super::*;

const TOKEN: &str = "eyJhbGciOiJFUzI1NiJ9.payload.signature";
const LOGGED_ON: [(&str, &str); 8] = [
    ("x-context-standing", "logged-on"),
    ("x-context-visitor", "visitor-1"),
    ("x-context-user", "user-17"),
    ("x-context-session", "handle-1"),
    ("x-context-level", "1"),
    (
        "x-context-claims",
        r#"{"name":"Alice Archer","email":"alice@example.com","roles":["customer","tester"]}"#,
    ),
    ("x-context-attributes", r#"{"basket":{"doormat":{"a":2}},"basket_count":2}"#),
    ("x-context-token", TOKEN),
];
const RETURNING: [(&str, &str); 3] = [
    ("x-context-standing", "returning"),
    ("x-context-attributes", r#"{"basket":{"doormat":{"a":2}},"basket_count":2}"#),
    ("x-context-token", TOKEN),
];
const ANONYMOUS: [(&str, &str); 2] = [("x-context-standing", "anonymous"), ("x-context-token", TOKEN)];

struct Got {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

async fn send(router: &Router, request: Request<Body>) -> Got {
    let (head, body) = router.clone().oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Got { status: head.status, headers: head.headers, body: String::from_utf8(body.to_vec()).unwrap() }
}

fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::from(body.to_owned())).unwrap()
}

async fn get(router: &Router, path: &str, headers: &[(&str, &str)]) -> Got {
    send(router, request("GET", path, headers, "")).await
}

/// Posts the form of the "Add to basket" button.
async fn add(router: &Router, headers: &[(&str, &str)], form: &str) -> Got {
    let mut request = request("POST", "/basket/items", headers, form);
    request.headers_mut().insert("content-type", "application/x-www-form-urlencoded".parse().unwrap());
    send(router, request).await
}
