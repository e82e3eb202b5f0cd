//! The pages about the user. The route asks for logged-on as well; an app that shows a person's records
//! checks again.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use minijinja::{Value, context};
use serde::Deserialize;

use super::Shop;
use super::context::Standing;
use super::page::{Message, Page};
use super::visit::Visit;
use crate::catalogue::{self, Line};

const REQUIRE: HeaderName = HeaderName::from_static("x-context-require");
const ACCOUNT: Page = Page { template: "account.html", title: "Your account", path: "/account" };
const ORDERS: Page = Page { template: "orders.html", title: "Your orders", path: "/orders" };

/// What the service `/orders` answers.
#[derive(Deserialize)]
struct Orders {
    orders: Vec<Order>,
}

#[derive(Deserialize)]
struct Order {
    id: String,
    lines: Vec<Line>,
    total_cents: u64,
}

pub(super) async fn account(State(shop): State<Arc<Shop>>, headers: HeaderMap) -> Response {
    let visit = Visit::open(&headers);
    if visit.context.standing < Standing::LoggedOn {
        return shop.ask_to_log_on(&ACCOUNT, "/.vestibule/login?to=/account", &visit);
    }
    let claims: Vec<Value> =
        visit.context.claims.iter().map(|(name, value)| context! { name, value => plain(value) }).collect();
    let proof = match visit.context.level.as_deref() {
        Some("1") => "a password",
        Some("2") => "two factors",
        _ => "a way this app was not told",
    };
    shop.page(StatusCode::OK, &ACCOUNT, &visit, context! { claims, proof })
}

pub(super) async fn orders(State(shop): State<Arc<Shop>>, headers: HeaderMap) -> Response {
    let mut visit = Visit::open(&headers);
    if visit.context.standing < Standing::LoggedOn {
        return shop.ask_to_log_on(&ORDERS, "/.vestibule/login?to=/orders", &visit);
    }
    let answer = match &shop.gateway {
        Some(gateway) => visit.get(gateway, "/orders").await.and_then(|answer| answer.read::<Orders>()),
        None => None,
    };
    let orders = answer.map(|answer| answer.orders.iter().map(row).collect::<Vec<_>>());
    shop.page(StatusCode::OK, &ORDERS, &visit, context! { orders })
}

impl Shop {
    /// Asks the proxy for a log-on that comes back here; the page itself is for who calls without a proxy.
    fn ask_to_log_on(&self, page: &Page, link: &'static str, visit: &Visit) -> Response {
        let message = Message {
            title: "Please log on first",
            text: "This page is only for you, so the app has to know who you are.",
            path: page.path,
            link,
            link_text: "Log on",
        };
        let mut response = self.message(StatusCode::FORBIDDEN, &message, visit);
        response.headers_mut().insert(REQUIRE, HeaderValue::from_static("logged-on"));
        response
    }
}

fn row(order: &Order) -> Value {
    let lines: Vec<Value> = order
        .lines
        .iter()
        .map(|line| {
            let name = catalogue::find(&line.item).map_or(line.item.as_str(), |p| p.name.as_ref());
            context! { name, quantity => line.quantity }
        })
        .collect();
    context! { id => &order.id, lines, total => catalogue::euros(order.total_cents) }
}

/// A claim as a person reads it: strings bare, lists with commas, the rest as JSON.
fn plain(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Array(parts) => parts.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
