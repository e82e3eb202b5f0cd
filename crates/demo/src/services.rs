//! The sample services behind the gateway: `/products`, `/basket`, `/orders`, `/echo`. They must not know how
//! a caller came to its token: a browser through the proxy and an OAuth client look the same from here.

mod desk;

use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use axum::{Extension, Json, Router};
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Deserialize;
use serde_json::json;

use self::desk::Desk;
use crate::catalogue::{self, LINES_MAX, Line, PRODUCTS};
use crate::{echo, reply};

/// Whom a verified token speaks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The token's `sub`: baskets and orders are kept under it.
    pub subject: String,
}

/// Takes the text of a bearer token; `None` refuses it.
pub type Verify = Arc<dyn Fn(&str) -> Option<Caller> + Send + Sync>;

/// What the services are started with.
#[derive(Clone, Default)]
pub struct Settings {
    /// Checks each request's token. Without it nobody is checked, and all callers share one basket and one
    /// list of orders.
    pub verify: Option<Verify>,
}

/// All services in one router. They keep what they are told in bounded memory only.
pub fn router(settings: Settings) -> Router {
    Router::new()
        .route("/products", get(products))
        .route("/basket", get(basket).post(put_basket))
        .route("/orders", get(orders).post(order))
        .route("/echo", any(echo::answer))
        .fallback(missing)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(settings.verify, identify))
        .with_state(Arc::new(Desk::default()))
}

async fn identify(State(verify): State<Option<Verify>>, mut request: Request, next: Next) -> Response {
    let caller = match verify {
        Some(verify) => bearer(request.headers()).and_then(|token| verify(token)),
        None => Some(Caller { subject: "anybody".into() }),
    };
    let Some(caller) = caller else {
        let detail = "Send the header Authorization: Bearer, with a token that the gateway issued.";
        let mut refusal = reply::problem(StatusCode::UNAUTHORIZED, "Not a valid token", detail);
        // RFC 6750 3
        refusal.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        return refusal;
    };
    request.extensions_mut().insert(caller);
    next.run(request).await
}

/// The token of the only `Authorization` header, if that is a bearer token.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(only), None) = (values.next(), values.next()) else { return None };
    let (scheme, token) = only.to_str().ok()?.split_once(' ')?;
    // RFC 9110 11.1: the scheme's case does not matter
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

async fn products() -> Response {
    reply::json(StatusCode::OK, &json!({ "products": PRODUCTS }))
}

#[derive(Deserialize)]
struct Lines {
    lines: Vec<Line>,
}

async fn basket(State(desk): State<Arc<Desk>>, Extension(caller): Extension<Caller>) -> Response {
    priced(&desk.basket(&caller.subject))
}

/// The new basket as a whole; what is not sold here may be in it and costs nothing.
async fn put_basket(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Caller>,
    body: Result<Json<Lines>, JsonRejection>,
) -> Result<Response, Refused> {
    let lines = sound(body)?;
    desk.keep_basket(&caller.subject, lines.clone());
    Ok(priced(&lines))
}

async fn orders(State(desk): State<Arc<Desk>>, Extension(caller): Extension<Caller>) -> Response {
    reply::json(StatusCode::OK, &json!({ "orders": desk.orders(&caller.subject) }))
}

async fn order(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Caller>,
    body: Result<Json<Lines>, JsonRejection>,
) -> Result<Response, Refused> {
    let lines = sound(body)?;
    if lines.is_empty() || lines.iter().any(|line| catalogue::find(&line.item).is_none()) {
        return Err(Refused::NotSold);
    }
    Ok(reply::json(StatusCode::CREATED, &json!(desk.place_order(&caller.subject, lines))))
}

fn priced(lines: &[Line]) -> Response {
    reply::json(StatusCode::OK, &json!({ "lines": lines, "total_cents": catalogue::total_cents(lines) }))
}

/// Why lines were not accepted.
enum Refused {
    NotLines(JsonRejection),
    Unsound,
    NotSold,
}

fn sound(body: Result<Json<Lines>, JsonRejection>) -> Result<Vec<Line>, Refused> {
    let Json(Lines { lines }) = body.map_err(Refused::NotLines)?;
    let all_sound = lines.len() <= LINES_MAX && lines.iter().all(Line::is_sound);
    all_sound.then_some(lines).ok_or(Refused::Unsound)
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::NotLines(why) => reply::problem(
                why.status(),
                "Not the JSON expected",
                "Send {\"lines\":[{\"item\",\"quantity\"}]}.",
            ),
            Self::Unsound => reply::problem(
                StatusCode::UNPROCESSABLE_ENTITY,
                "Lines not acceptable",
                "At most 20 lines; an item has 1 to 64 printable characters, its quantity is from 1 to 99.",
            ),
            Self::NotSold => reply::problem(
                StatusCode::UNPROCESSABLE_ENTITY,
                "Cannot be ordered",
                "An order has at least one line, and only items that /products lists.",
            ),
        }
    }
}

async fn missing() -> Response {
    reply::problem(
        StatusCode::NOT_FOUND,
        "No such service",
        "There are /products, /basket, /orders and /echo.",
    )
}

async fn wrong_method() -> Response {
    reply::problem(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed", "The header Allow lists what is.")
}

#[cfg(test)]
mod tests;
