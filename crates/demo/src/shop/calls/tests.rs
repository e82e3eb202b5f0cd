//! What a call carries, and every way in which it fails.

use std::net::TcpListener;

use http::{HeaderMap, HeaderValue};

use super::super::context::Context;
use super::*;

fn onward(pairs: &[(&'static str, &'static str)]) -> Onward {
    let headers: HeaderMap = pairs
        .iter()
        .map(|(name, value)| (http::HeaderName::from_static(name), HeaderValue::from_static(value)))
        .collect();
    Context::read(&headers).onward
}

fn gateway(address: std::net::SocketAddr) -> Gateway {
    Gateway::new(format!("http://{address}/ignored").parse().unwrap())
}

#[test]
fn a_request_hands_on_token_request_id_and_trace() {
    let gateway = gateway(([127, 0, 0, 1], 8082).into());
    let told =
        [("x-context-token", "abc"), ("x-request-id", "r-1"), ("traceparent", "00-1-2-01"), ("cookie", "no")];

    let (request, bore_token) = gateway.request(&Method::GET, "/products", None, &onward(&told));
    let request = request.unwrap();

    assert!(bore_token);
    assert_eq!(request.uri(), "http://127.0.0.1:8082/products");
    assert_eq!(request.headers()["authorization"], "Bearer abc");
    assert!(request.headers()["authorization"].is_sensitive());
    assert_eq!(request.headers()["x-request-id"], "r-1");
    assert_eq!(request.headers()["traceparent"], "00-1-2-01");
    assert_eq!(request.headers().len(), 4, "and Accept: {:?}", request.headers());
}

#[test]
fn without_a_token_a_request_says_so() {
    let gateway = gateway(([127, 0, 0, 1], 8082).into());
    let (request, bore_token) = gateway.request(&Method::POST, "/basket", Some("{}".into()), &onward(&[]));
    assert!(!bore_token);
    let request = request.unwrap();
    assert!(!request.headers().contains_key("authorization"));
    assert_eq!(request.headers()["content-type"], "application/json");
}

#[tokio::test]
async fn a_closed_port_is_unreachable() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (call, answer) = gateway(closed).call(Method::GET, "/products", None, &onward(&[])).await;
    assert_eq!(call.result, Err(CallFailed::Unreachable));
    assert!(answer.is_none());
}

#[tokio::test]
async fn a_base_without_a_host_is_unreachable() {
    let (call, _) =
        Gateway::new(Uri::from_static("/")).call(Method::GET, "/products", None, &onward(&[])).await;
    assert_eq!(call.result, Err(CallFailed::Unreachable));
}

#[tokio::test(start_paused = true)]
async fn a_silent_gateway_is_late_after_two_seconds() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let gateway = gateway(silent.local_addr().unwrap());
    let (call, _) = gateway.call(Method::GET, "/products", None, &onward(&[])).await;
    assert_eq!(call.result, Err(CallFailed::Late));
    assert!((CALL_LIMIT..CALL_LIMIT * 2).contains(&call.took), "{:?}", call.took);
}

#[tokio::test]
async fn an_answer_too_long_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let gateway = gateway(listener.local_addr().unwrap());
    let long = axum::routing::get(|| async { vec![b' '; ANSWER_BYTES_MAX + 1] });
    let fitting = axum::routing::get(|| async { vec![b' '; ANSWER_BYTES_MAX] });
    let router = axum::Router::new().route("/long", long).route("/fitting", fitting);
    let server = tokio::spawn(crate::serve(listener, router, std::future::pending()));

    let (call, _) = gateway.call(Method::GET, "/long", None, &onward(&[])).await;
    assert_eq!(call.result, Err(CallFailed::TooLong));
    let (call, answer) = gateway.call(Method::GET, "/fitting", None, &onward(&[])).await;
    assert_eq!(call.result, Ok(StatusCode::OK));
    assert_eq!(answer.unwrap().body.len(), ANSWER_BYTES_MAX);
    server.abort();
}
