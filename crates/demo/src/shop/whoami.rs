//! `/whoami/echo`: what the service at the far end of the chain receives. Must not change or hide any of it.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode};

use super::Shop;
use super::visit::Visit;
use crate::reply;

pub(super) async fn echo(State(shop): State<Arc<Shop>>, headers: HeaderMap) -> Response {
    let Some(gateway) = &shop.gateway else {
        let detail = "No gateway is configured, so this app can call no service.";
        return reply::problem(StatusCode::SERVICE_UNAVAILABLE, "No gateway", detail);
    };
    let mut visit = Visit::open(&headers);
    match visit.get(gateway, "/echo").await {
        Some(answer) => reply::json_as_received(answer.status, answer.body),
        None => reply::problem(
            StatusCode::BAD_GATEWAY,
            "The call failed",
            "The gateway gave no usable answer within 2 s.",
        ),
    }
}
