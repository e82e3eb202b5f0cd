//! Basket arithmetic and its limits.

use super::*;

fn read(basket: &serde_json::Value) -> Basket {
    Basket::read(json!({ "basket": basket, "other": 1 }).as_object().unwrap())
}

fn product(id: &str) -> &'static Product {
    catalogue::find(id).unwrap()
}

#[test]
fn adding_counts_up_or_makes_a_line() {
    let basket = Basket::default()
        .with(product("doormat"))
        .and_then(|basket| basket.with(product("boots")))
        .and_then(|basket| basket.with(product("doormat")))
        .unwrap();

    assert_eq!(basket.count(), 3);
    assert_eq!(
        basket.patch(),
        r#"{"basket":[{"item":"doormat","quantity":2},{"item":"boots","quantity":1}],"basket_count":3}"#
    );
}

#[test]
fn what_a_patch_wrote_is_what_is_read() {
    let basket = Basket::default().with(product("mirror")).unwrap().with(product("mirror")).unwrap();
    let attributes: Map<String, serde_json::Value> = serde_json::from_str(&basket.patch()).unwrap();
    assert_eq!(Basket::read(&attributes), basket);
}

#[test]
fn a_line_takes_ninety_nine_pieces() {
    let nearly = || read(&json!([{ "item": "boots", "quantity": QUANTITY_MAX - 1 }]));
    let full = nearly().with(product("boots")).unwrap();
    assert_eq!(full.count(), QUANTITY_MAX);
    assert_eq!(full.with(product("boots")), Err(Full::Quantity));
}

#[test]
fn a_basket_takes_twenty_lines() {
    let lines = |n| read(&(0..n).map(|n| json!({ "item": format!("old-{n}"), "quantity": 1 })).collect());
    assert_eq!(lines(LINES_MAX - 1).with(product("boots")).unwrap().lines.len(), LINES_MAX);
    assert_eq!(lines(LINES_MAX).with(product("boots")), Err(Full::Lines));
    assert_eq!(lines(LINES_MAX + 5).lines.len(), LINES_MAX);
}

#[test]
fn unsound_attributes_are_left_out() {
    for (basket, count) in [
        (json!(null), 0),
        (json!("doormat"), 0),
        (json!({ "item": "doormat", "quantity": 1 }), 0),
        (json!([{ "item": "doormat" }, 7, null, { "item": "boots", "quantity": 2 }]), 2),
        (json!([{ "item": "doormat", "quantity": -1 }, { "item": "boots", "quantity": 1e9 }]), 0),
        (json!([{ "item": "<script>", "quantity": 1 }, { "item": "no-longer-sold", "quantity": 3 }]), 3),
    ] {
        assert_eq!(read(&basket).count(), count, "{basket}");
    }
    assert_eq!(Basket::read(&Map::new()), Basket::default());
}
