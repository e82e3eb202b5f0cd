//! The basket: kept in the session by the proxy, read from the attributes, changed by a patch in a response
//! header. The app itself stores nothing and must not know where the session is kept.

use std::sync::Arc;

use axum::Form;
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::response::{IntoResponse as _, Response};
use http::header::LOCATION;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use minijinja::{Value, context};
use serde::Deserialize;
use serde_json::{Map, json};

use super::Shop;
use super::context::Standing;
use super::page::{Message, Page};
use super::visit::Visit;
use crate::catalogue::{self, LINES_MAX, Line, Product, QUANTITY_MAX};
use crate::shop::picture;

const UPDATE: HeaderName = HeaderName::from_static("x-context-update");
const BASKET: Page = Page { template: "basket.html", title: "Your basket", path: "/basket" };

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Basket {
    lines: Vec<Line>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Full {
    Lines,
    Quantity,
}

impl Basket {
    /// The attributes may have been written by another app, or by an older version of this one: unsound lines
    /// are left out, and an item that is no longer sold stays.
    pub(super) fn read(attributes: &Map<String, serde_json::Value>) -> Self {
        let Some(lines) = attributes.get("basket").and_then(serde_json::Value::as_array) else {
            return Self::default();
        };
        let lines = lines.iter().filter_map(|line| Line::deserialize(line).ok()).filter(Line::is_sound);
        Self { lines: lines.take(LINES_MAX).collect() }
    }

    /// Pieces in all lines.
    pub(super) fn count(&self) -> u32 {
        self.lines.iter().map(|line| line.quantity).sum()
    }

    fn with(mut self, product: &Product) -> Result<Self, Full> {
        if let Some(line) = self.lines.iter_mut().find(|line| line.item == product.id) {
            if line.quantity == QUANTITY_MAX {
                return Err(Full::Quantity);
            }
            line.quantity += 1;
            return Ok(self);
        }
        if self.lines.len() == LINES_MAX {
            return Err(Full::Lines);
        }
        self.lines.push(Line { item: product.id.to_string(), quantity: 1 });
        Ok(self)
    }

    /// RFC 7396: an array replaces the old one as a whole. ASCII, because ids are.
    fn patch(&self) -> String {
        json!({ "basket": self.lines, "basket_count": self.count() }).to_string()
    }
}

#[derive(Deserialize)]
pub(super) struct Choice {
    item: String,
}

pub(super) async fn show(State(shop): State<Arc<Shop>>, headers: HeaderMap) -> Response {
    let visit = Visit::open(&headers);
    let basket = Basket::read(&visit.context.attributes);
    let lines: Vec<Value> = basket.lines.iter().map(row).collect();
    let total = catalogue::euros(catalogue::total_cents(&basket.lines));
    shop.page(StatusCode::OK, &BASKET, &visit, context! { lines, total })
}

pub(super) async fn add(
    State(shop): State<Arc<Shop>>,
    headers: HeaderMap,
    form: Result<Form<Choice>, FormRejection>,
) -> Response {
    let mut visit = Visit::open(&headers);
    let product = match form {
        Ok(Form(choice)) => catalogue::find(&choice.item),
        Err(refusal) => return shop.message(refusal.status(), &NO_ITEM, &visit),
    };
    let Some(product) = product else {
        return shop.message(StatusCode::UNPROCESSABLE_ENTITY, &UNKNOWN_ITEM, &visit);
    };
    let basket = match Basket::read(&visit.context.attributes).with(product) {
        Ok(basket) => basket,
        Err(full) => return shop.message(StatusCode::UNPROCESSABLE_ENTITY, full.message(), &visit),
    };
    // An anonymous visitor's token does not allow it yet: the first item needs the session only.
    if visit.context.standing >= Standing::Returning
        && let Some(gateway) = &shop.gateway
    {
        let order = json!({ "lines": basket.lines }).to_string();
        let answer = visit.post(gateway, "/basket", order).await;
        if !answer.is_some_and(|answer| answer.status.is_success()) {
            return shop.message(StatusCode::BAD_GATEWAY, &NOT_TAKEN, &visit);
        }
    }
    kept(&basket)
}

fn kept(basket: &Basket) -> Response {
    let update = HeaderValue::try_from(basket.patch()).expect("ids and numbers in JSON are printable ASCII");
    (StatusCode::SEE_OTHER, [(LOCATION, HeaderValue::from_static(BASKET.path)), (UPDATE, update)])
        .into_response()
}

fn row(line: &Line) -> Value {
    let product = catalogue::find(&line.item);
    context! {
        name => product.map_or(line.item.as_str(), |p| p.name.as_ref()),
        quantity => line.quantity,
        price => product.map(|p| catalogue::euros(u64::from(p.cents) * u64::from(line.quantity))),
        picture => Value::from_safe_string(picture::of(&line.item)),
    }
}

const NO_ITEM: Message = Message {
    title: "Nothing was chosen",
    text: "The form has to name one item.",
    path: BASKET.path,
    ..Message::BACK_TO_SHOP
};
const UNKNOWN_ITEM: Message = Message {
    title: "We do not sell that",
    text: "Nothing in the shop has this name. Your basket is as it was.",
    ..NO_ITEM
};
const NOT_TAKEN: Message = Message {
    title: "Not in your basket yet",
    text: "The basket service did not accept the change, so nothing was changed. Please try again.",
    ..NO_ITEM
};

impl Full {
    fn message(self) -> &'static Message {
        match self {
            Self::Lines => &Message {
                title: "Your basket is full",
                text: "It has room for 20 different items.",
                link: "/basket",
                link_text: "Look at your basket",
                ..NO_ITEM
            },
            Self::Quantity => &Message {
                title: "That is all we can carry",
                text: "99 pieces of one item are the most that a basket takes.",
                link: "/basket",
                link_text: "Look at your basket",
                ..NO_ITEM
            },
        }
    }
}

#[cfg(test)]
mod tests;
