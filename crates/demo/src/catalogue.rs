//! What is sold, and the lines of a basket or an order. The shop and its services agree on this by value, as
//! they would by a published schema; must not know who buys.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// Lines in one basket or order.
pub(crate) const LINES_MAX: usize = 20;
/// Pieces of one item in a basket or order.
pub(crate) const QUANTITY_MAX: u32 = 99;
/// Characters of an item's name.
const ITEM_CHARS_MAX: usize = 64;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Product {
    pub(crate) id: Cow<'static, str>,
    pub(crate) name: Cow<'static, str>,
    pub(crate) blurb: Cow<'static, str>,
    /// Price in euro cents.
    pub(crate) cents: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) item: String,
    pub(crate) quantity: u32,
}

impl Line {
    /// Whether this can be a line at all. The item need not be sold here.
    pub(crate) fn is_sound(&self) -> bool {
        is_item(&self.item) && (1..=QUANTITY_MAX).contains(&self.quantity)
    }
}

/// Whether a text can name an item: something to see, in one line, that is no essay. Where it is shown it is escaped.
pub(crate) fn is_item(text: &str) -> bool {
    (1..=ITEM_CHARS_MAX).contains(&text.chars().count())
        && text.chars().all(is_printable)
        && !text.chars().all(char::is_whitespace)
}

fn is_printable(character: char) -> bool {
    // Besides control characters: those that break lines, hide, or turn the direction of what follows.
    let is_hidden = matches!(
        character,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
    );
    !character.is_control() && !is_hidden
}

pub(crate) static PRODUCTS: [Product; 8] = [
    product("coat-hooks", "Four hooks", "Ash board, iron hooks. Holds the coats of one honest family.", 4900),
    product("doormat", "Doormat", "Coconut fibre, thick enough for November.", 2900),
    product("lantern", "Hall lantern", "Warm light that says somebody is in.", 8900),
    product("bench", "Shoe bench", "Sit down, boots off. Oak, with a wool cushion.", 18900),
    product("mirror", "Round mirror", "One last look before the door.", 7400),
    product(
        "umbrella-stand",
        "Umbrella stand",
        "Glazed stoneware. Three umbrellas included in the thought.",
        5600,
    ),
    product("key-bowl", "Key bowl", "So that they are always where they are.", 2200),
    product("boots", "Rain boots", "Natural rubber, lined. For the way there and back.", 6500),
];

const fn product(id: &'static str, name: &'static str, blurb: &'static str, cents: u32) -> Product {
    Product { id: Cow::Borrowed(id), name: Cow::Borrowed(name), blurb: Cow::Borrowed(blurb), cents }
}

pub(crate) fn find(id: &str) -> Option<&'static Product> {
    PRODUCTS.iter().find(|p| p.id == id)
}

/// What the lines cost together, in euro cents; what is not sold costs nothing.
pub(crate) fn total_cents(lines: &[Line]) -> u64 {
    lines.iter().filter_map(|l| Some(u64::from(find(&l.item)?.cents) * u64::from(l.quantity))).sum()
}

/// 490 cents as `€4.90`.
pub(crate) fn euros(cents: u64) -> String {
    format!("€{}.{:02}", cents / 100, cents % 100)
}

#[cfg(test)]
mod tests;
