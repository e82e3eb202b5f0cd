//! The basket: kept in the session by the proxy, read from the attributes, changed by a patch in a response
//! header. The app itself stores nothing and must not know where the session is kept.

use std::collections::BTreeMap;
use std::collections::hash_map::{DefaultHasher, RandomState};
use std::hash::{BuildHasher as _, Hasher as _};
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
use super::context::{REQUEST_ID, Standing};
use super::page::{Message, Page};
use super::visit::Visit;
use crate::catalogue::{self, LINES_MAX, Line, QUANTITY_MAX};
use crate::shop::picture;

const UPDATE: HeaderName = HeaderName::from_static("x-context-update");
const BASKET: Page = Page { template: "basket.html", title: "Your basket", path: "/basket" };

/// Pieces in all lines: as many as fit into what a session keeps of one attribute.
const PIECES_MAX: u32 = 200;
/// What an app is shown of a session, in bytes of JSON: a basket of long names fills that before its lines.
const SHOWN_BYTES_MAX: usize = 4096;
/// Letters and digits of a piece's name.
const NAME_CHARS: usize = 6;

/// Each piece under a name of its own, by item. A merge patch (RFC 7396) merges by field: of two tabs that add at the
/// same instant both keep what they added. A list would be replaced as a whole, and of two counts the last would win.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Basket {
    items: BTreeMap<String, BTreeMap<String, u32>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Full {
    Lines,
    Quantity,
    Pieces,
    Bytes,
}

impl Basket {
    /// The attributes may have been written by another app, or by an older version of this one: unsound lines
    /// are left out, and an item that is not sold here stays.
    pub(super) fn read(attributes: &Map<String, serde_json::Value>) -> Self {
        let Some(items) = attributes.get("basket").and_then(serde_json::Value::as_object) else {
            return Self::default();
        };
        let read = |(item, pieces): (&String, &serde_json::Value)| {
            let pieces: BTreeMap<_, _> = pieces
                .as_object()?
                .iter()
                .filter_map(|(name, quantity)| Some((name.clone(), u32::deserialize(quantity).ok()?)))
                .filter(|(_, quantity)| (1..=QUANTITY_MAX).contains(quantity))
                .collect();
            line(item, &pieces).is_sound().then(|| (item.clone(), pieces))
        };
        Self { items: items.iter().filter_map(read).take(LINES_MAX).collect() }
    }

    fn lines(&self) -> Vec<Line> {
        self.items.iter().map(|(item, pieces)| line(item, pieces)).collect()
    }

    /// Pieces in all lines.
    pub(super) fn count(&self) -> u32 {
        self.lines().iter().map(|line| line.quantity).sum()
    }

    fn with(mut self, item: &str, name: &str) -> Result<Self, Full> {
        let new = line(item, self.items.get(item).unwrap_or(&BTreeMap::new()));
        if new.quantity == QUANTITY_MAX {
            return Err(Full::Quantity);
        }
        if new.quantity == 0 && self.items.len() == LINES_MAX {
            return Err(Full::Lines);
        }
        if self.count() >= PIECES_MAX {
            return Err(Full::Pieces);
        }
        self.items.entry(item.to_owned()).or_default().insert(name.to_owned(), 1);
        let shown = json!({ "basket": self.items, "basket_count": self.count() });
        if ascii(&shown).len() > SHOWN_BYTES_MAX { Err(Full::Bytes) } else { Ok(self) }
    }

    /// What adds one piece to whatever is there by then. The count is of what this request was told; the next page of
    /// the basket corrects it.
    fn patch(&self, item: &str, name: &str) -> String {
        ascii(&json!({ "basket": { item: { name: 1 } }, "basket_count": self.count() }))
    }
}

/// JSON as a header can carry it. RFC 8259 7: outside ASCII, the code units of UTF-16 with `\u`.
fn ascii(value: &serde_json::Value) -> String {
    let mut text = String::new();
    for character in value.to_string().chars() {
        if character.is_ascii() && !character.is_control() {
            text.push(character);
        } else {
            text.extend(character.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    text
}

/// A line with all pieces of an item; two tabs may have added one too many.
fn line(item: &str, pieces: &BTreeMap<String, u32>) -> Line {
    Line { item: item.to_owned(), quantity: pieces.values().sum::<u32>().min(QUANTITY_MAX) }
}

/// Names a piece by the request that adds it, so that repeating the request adds nothing.
fn piece_name(headers: &HeaderMap) -> String {
    let hash = match headers.get(REQUEST_ID) {
        Some(id) => {
            let mut hasher = DefaultHasher::new();
            hasher.write(id.as_bytes());
            hasher.finish()
        }
        // Without a proxy in front: any name that nobody has taken.
        None => RandomState::new().hash_one(NAME_CHARS),
    };
    let letter =
        |at: usize| char::from(b"abcdefghijklmnopqrstuvwxyz234567"[(hash >> (5 * at)) as usize & 31]);
    (0..NAME_CHARS).map(letter).collect()
}

#[derive(Deserialize)]
pub(super) struct Choice {
    item: String,
}

pub(super) async fn show(State(shop): State<Arc<Shop>>, headers: HeaderMap) -> Response {
    let visit = Visit::open(&headers);
    let basket = Basket::read(&visit.context.attributes);
    let lines = basket.lines();
    let total = catalogue::euros(catalogue::total_cents(&lines));
    let lines: Vec<Value> = lines.iter().map(row).collect();
    let mut page = shop.page(StatusCode::OK, &BASKET, &visit, context! { lines, total });
    if let Some(update) = corrected_count(&basket, &visit) {
        page.headers_mut().insert(UPDATE, update);
    }
    page
}

/// Each of two tabs that add at the same instant has counted without the other.
fn corrected_count(basket: &Basket, visit: &Visit) -> Option<HeaderValue> {
    let said = visit.context.attributes.get("basket_count")?;
    let count = basket.count();
    (*said != json!(count)).then(|| update(&json!({ "basket_count": count }).to_string()))
}

pub(super) async fn add(
    State(shop): State<Arc<Shop>>,
    headers: HeaderMap,
    form: Result<Form<Choice>, FormRejection>,
) -> Response {
    let mut visit = Visit::open(&headers);
    let item = match form {
        Ok(Form(choice)) => choice.item,
        Err(refusal) => return shop.message(refusal.status(), &NO_ITEM, &visit),
    };
    if !catalogue::is_item(&item) {
        return shop.message(StatusCode::UNPROCESSABLE_ENTITY, &NO_NAME, &visit);
    }
    let name = piece_name(&headers);
    let basket = match Basket::read(&visit.context.attributes).with(&item, &name) {
        Ok(basket) => basket,
        Err(full) => return shop.message(StatusCode::UNPROCESSABLE_ENTITY, full.message(), &visit),
    };
    // An anonymous visitor's token does not allow it yet: the first item needs the session only.
    if visit.context.standing >= Standing::Returning
        && let Some(gateway) = &shop.gateway
    {
        let order = json!({ "lines": basket.lines() }).to_string();
        let answer = visit.post(gateway, "/basket", order).await;
        if !answer.is_some_and(|answer| answer.status.is_success()) {
            return shop.message(StatusCode::BAD_GATEWAY, &NOT_TAKEN, &visit);
        }
    }
    let update = update(&basket.patch(&item, &name));
    (StatusCode::SEE_OTHER, [(LOCATION, HeaderValue::from_static(BASKET.path)), (UPDATE, update)])
        .into_response()
}

fn update(patch: &str) -> HeaderValue {
    HeaderValue::try_from(patch).expect("what `ascii` writes is printable ASCII, and so are numbers in JSON")
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
const NO_NAME: Message = Message {
    title: "That cannot be put into a basket",
    text: "An item has a name of 1 to 64 printable characters. Your basket is as it was.",
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
            Self::Pieces => &Message {
                title: "Your basket is full",
                text: "It has room for 200 pieces.",
                link: "/basket",
                link_text: "Look at your basket",
                ..NO_ITEM
            },
            Self::Bytes => &Message {
                title: "Your basket is full",
                text: "It has no room for a name of that length.",
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
