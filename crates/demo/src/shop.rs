//! The sample web apps: one server with the context roots `/shop`, `/basket`, `/account`, `/orders`,
//! `/legacy` and `/whoami`. They must not know cookies, sessions or what is inside a token; headers are all
//! they read and write.

mod account;
mod basket;
mod calls;
mod context;
mod front;
mod page;
mod picture;
mod style;
mod told;
mod visit;
mod whoami;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::Response;
use axum::routing::{any, get, post};
use http::{HeaderMap, StatusCode, Uri};
use minijinja::Environment;

use self::calls::Gateway;
use self::page::Message;
use self::visit::Visit;
use crate::echo;

/// The largest form an app reads.
const FORM_BYTES_MAX: usize = 4096;

/// What the web apps are started with.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Base URL of the gateway's inside door, such as `http://localhost:8082`: plain http, its path is
    /// ignored. Without it the apps call no service and their pages say so.
    pub gateway: Option<Uri>,
}

/// The web apps' state.
pub struct Shop {
    gateway: Option<Gateway>,
    templates: Environment<'static>,
}

impl Shop {
    /// All web apps in one router. Nothing is kept between requests.
    pub fn router(settings: Settings) -> Router {
        let shop = Self { gateway: settings.gateway.map(Gateway::new), templates: page::templates() };
        Router::new()
            .route("/", get(front::home))
            .route("/shop", get(front::shop))
            .route("/shop/style.css", get(style::sheet))
            .route("/shop/icon.svg", get(style::icon))
            .route("/basket", get(basket::show))
            .route("/basket/items", post(basket::add))
            .route("/account", get(account::account))
            .route("/orders", get(account::orders))
            .route("/legacy", get(front::legacy))
            .route("/whoami", any(echo::answer))
            .route("/whoami/echo", get(whoami::echo))
            .fallback(missing)
            .method_not_allowed_fallback(wrong_method)
            .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
            .with_state(Arc::new(shop))
    }
}

async fn missing(State(shop): State<Arc<Shop>>, headers: HeaderMap) -> Response {
    let message = Message {
        title: "There is no such page",
        text: "The address is wrong, or the page has moved.",
        ..Message::BACK_TO_SHOP
    };
    shop.message(StatusCode::NOT_FOUND, &message, &Visit::open(&headers))
}

async fn wrong_method(State(shop): State<Arc<Shop>>, headers: HeaderMap) -> Response {
    let message = Message {
        title: "This page cannot be used that way",
        text: "The address exists, but not for this method.",
        ..Message::BACK_TO_SHOP
    };
    shop.message(StatusCode::METHOD_NOT_ALLOWED, &message, &Visit::open(&headers))
}

#[cfg(test)]
mod tests;
