//! Basket arithmetic, its limits, and two tabs at once.

use super::*;

fn read(basket: &serde_json::Value) -> Basket {
    Basket::read(json!({ "basket": basket, "other": 1 }).as_object().unwrap())
}

/// RFC 7396, as the proxy applies it.
fn merge(target: &mut serde_json::Value, patch: &serde_json::Value) {
    let Some(fields) = patch.as_object() else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (name, value) in fields {
        merge(&mut target[name.as_str()], value);
    }
}

fn merged(attributes: &mut serde_json::Value, patch: &str) {
    merge(attributes, &serde_json::from_str(patch).unwrap());
}

#[test]
fn adding_counts_up_or_makes_a_line() {
    let mut attributes = json!({});
    for (item, name) in [("doormat", "a"), ("boots", "b"), ("doormat", "c")] {
        let basket = Basket::read(attributes.as_object().unwrap()).with(item, name).unwrap();
        merged(&mut attributes, &basket.patch(item, name));
    }
    assert_eq!(
        attributes,
        json!({ "basket": { "boots": { "b": 1 }, "doormat": { "a": 1, "c": 1 } }, "basket_count": 3 })
    );
    let basket = Basket::read(attributes.as_object().unwrap());
    let quantities: Vec<_> = basket.lines().into_iter().map(|line| (line.item, line.quantity)).collect();
    assert_eq!(quantities, [("boots".to_owned(), 1), ("doormat".to_owned(), 2)]);
}

#[test]
fn two_tabs_that_add_at_the_same_instant_both_keep_what_they_added() {
    for (left, right) in [("boots", "bench"), ("boots", "boots")] {
        let mut attributes = json!({ "basket": { "boots": { "z": 1 } }, "basket_count": 1 });
        // Both were told the same, and neither of the other.
        let told = Basket::read(attributes.as_object().unwrap());
        for (item, name) in [(left, "l"), (right, "r")] {
            let basket = told.clone().with(item, name).unwrap();
            merged(&mut attributes, &basket.patch(item, name));
        }
        assert_eq!(Basket::read(attributes.as_object().unwrap()).count(), 3, "{attributes}");
        assert_eq!(attributes["basket_count"], 2, "until the next page of the basket");
    }
}

#[test]
fn a_piece_is_named_by_the_request_that_adds_it() {
    let name = |id: Option<&'static str>| {
        let mut headers = HeaderMap::new();
        headers
            .extend(id.map(|id| (REQUEST_ID.parse::<HeaderName>().unwrap(), HeaderValue::from_static(id))));
        piece_name(&headers)
    };
    assert_eq!(name(Some("one")), name(Some("one")));
    assert_ne!(name(Some("one")), name(Some("two")));
    assert_ne!(name(None), name(None));
    assert!(name(None).len() == NAME_CHARS && name(None).bytes().all(|byte| byte.is_ascii_alphanumeric()));
}

#[test]
fn a_line_takes_ninety_nine_pieces() {
    let nearly = || read(&json!({ "boots": { "a": QUANTITY_MAX - 1 } }));
    let full = nearly().with("boots", "b").unwrap();
    assert_eq!(full.count(), QUANTITY_MAX);
    assert_eq!(full.with("boots", "c"), Err(Full::Quantity));
    let one_too_many = read(&json!({ "boots": { "a": QUANTITY_MAX - 1, "b": 1, "c": 1 } }));
    assert_eq!(one_too_many.count(), QUANTITY_MAX);
}

#[test]
fn a_basket_takes_twenty_lines_and_two_hundred_pieces() {
    let lines =
        |n| read(&(0..n).map(|n| (format!("old-{n:02}"), json!({ "a": 1 }))).collect::<Map<_, _>>().into());
    assert_eq!(lines(LINES_MAX - 1).with("boots", "a").unwrap().lines().len(), LINES_MAX);
    assert_eq!(lines(LINES_MAX).with("boots", "a"), Err(Full::Lines));
    assert_eq!(lines(LINES_MAX + 5).lines().len(), LINES_MAX);
    let full = read(&json!({ "bench": { "a": 99 }, "boots": { "a": 98 }, "mirror": { "a": 3 } }));
    assert_eq!(full.with("boots", "b"), Err(Full::Pieces));
}

/// Whoever writes a client picks a name of his own.
#[test]
fn what_the_shop_does_not_sell_is_in_the_basket_under_its_own_name() {
    let mut attributes = json!({});
    for (n, item) in ["apple", "Milk", "1", "J\u{e4}ger <b>\"&\\", "\u{1f9e6}", "apple"].iter().enumerate() {
        let name = n.to_string();
        let basket = Basket::read(attributes.as_object().unwrap()).with(item, &name).unwrap();
        let patch = basket.patch(item, &name);
        assert!(HeaderValue::try_from(&patch).is_ok() && patch.is_ascii(), "{patch}");
        merged(&mut attributes, &patch);
        assert_eq!(attributes["basket"][item][&name], 1);
    }
    assert_eq!(attributes["basket_count"], 6);
    let lines = Basket::read(attributes.as_object().unwrap()).lines();
    assert_eq!((lines.len(), catalogue::total_cents(&lines)), (5, 0));
}

/// A patch that is too large would be refused behind the app's back.
#[test]
fn long_names_fill_a_basket_before_its_lines() {
    let mut basket = Basket::default();
    let mut last = None;
    for n in 0..LINES_MAX {
        let item = format!("{n:02}{}", "\u{1f9e6}".repeat(62));
        match basket.clone().with(&item, "aaaaaa") {
            Ok(next) => basket = next,
            Err(full) => last = last.or(Some((n, full))),
        }
    }
    assert_eq!(last, Some((5, Full::Bytes)));
    let shown = json!({ "basket": basket.items, "basket_count": basket.count() });
    assert!(ascii(&shown).len() <= SHOWN_BYTES_MAX);
}

/// 4 KiB are what a session keeps of one attribute, and what one app is shown.
#[test]
fn the_fullest_basket_fits_into_an_attribute() {
    let mut items = Map::new();
    for item in 0..LINES_MAX {
        let pieces: Map<_, _> = (0..10).map(|piece| (format!("{piece:06}"), json!(1))).collect();
        items.insert(format!("{item:040}"), pieces.into());
    }
    let attributes = json!({ "basket": items, "basket_count": PIECES_MAX });
    assert_eq!(Basket::read(attributes.as_object().unwrap()).count(), PIECES_MAX);
    assert!(attributes.to_string().len() < 4096, "{}", attributes.to_string().len());
}

#[test]
fn unsound_attributes_are_left_out() {
    for (basket, count) in [
        (json!(null), 0),
        (json!("doormat"), 0),
        (json!([{ "item": "doormat", "quantity": 1 }]), 0),
        (json!({ "doormat": 1, "mirror": {}, "bench": null, "boots": { "a": 2 } }), 2),
        (json!({ "doormat": { "a": -1, "b": 0, "c": "x" }, "boots": { "a": 1e9, "b": 100 } }), 0),
        (json!({ "": { "a": 1 }, "a\nb": { "a": 1 }, "no-longer-sold": { "a": 3 } }), 3),
    ] {
        assert_eq!(read(&basket).count(), count, "{basket}");
    }
    assert_eq!(Basket::read(&Map::new()), Basket::default());
}
