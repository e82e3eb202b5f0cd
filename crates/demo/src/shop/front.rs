//! The pages with the products: the shop's front, and the old monolith that sells the same. Must not know
//! baskets.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use minijinja::{Value, context};
use serde::Deserialize;

use super::page::Page;
use super::visit::Visit;
use super::{Shop, picture};
use crate::catalogue::{self, PRODUCTS, Product};

const HOME: Page = Page { template: "front.html", title: "Things for the hall", path: "/" };
const SHOP: Page = Page { path: "/shop", ..HOME };
const LEGACY: Page = Page { template: "legacy.html", title: "Order desk", path: "/legacy" };

/// What the service `/products` answers.
#[derive(Deserialize)]
struct Products {
    products: Vec<Product>,
}

pub(super) async fn home(State(shop): State<Arc<Shop>>, headers: HeaderMap) -> Response {
    list(&shop, &headers, &HOME).await
}

pub(super) async fn shop(State(shop): State<Arc<Shop>>, headers: HeaderMap) -> Response {
    list(&shop, &headers, &SHOP).await
}

pub(super) async fn legacy(State(shop): State<Arc<Shop>>, headers: HeaderMap) -> Response {
    list(&shop, &headers, &LEGACY).await
}

async fn list(shop: &Shop, headers: &HeaderMap, page: &Page) -> Response {
    let mut visit = Visit::open(headers);
    let from_service = match &shop.gateway {
        Some(gateway) => visit.get(gateway, "/products").await.and_then(|answer| answer.read::<Products>()),
        None => None,
    };
    let source = match (&shop.gateway, &from_service) {
        (None, _) => "No gateway is configured, so no service was called: this is the app’s own list.",
        (Some(_), None) => "The product service did not answer as it should: this is the app’s own list.",
        (Some(_), Some(_)) => "This list came from the product service just now.",
    };
    let products: Vec<Value> = match &from_service {
        Some(answer) => answer.products.iter().map(card).collect(),
        None => PRODUCTS.iter().map(card).collect(),
    };
    shop.page(StatusCode::OK, page, &visit, context! { products, source })
}

fn card(product: &Product) -> Value {
    context! {
        id => product.id.as_ref(),
        name => product.name.as_ref(),
        blurb => product.blurb.as_ref(),
        price => catalogue::euros(product.cents.into()),
        picture => Value::from_safe_string(picture::of(&product.id)),
    }
}
