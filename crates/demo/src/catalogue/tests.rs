//! Ids, lines and prices.

use super::*;

#[test]
fn every_product_has_a_sound_and_single_id() {
    for (n, product) in PRODUCTS.iter().enumerate() {
        assert!(is_item(&product.id), "{}", product.id);
        assert!(PRODUCTS.iter().skip(n + 1).all(|other| other.id != product.id), "{} twice", product.id);
    }
}

#[test]
fn a_line_is_sound_within_its_limits_only() {
    for (item, quantity, sound) in [
        ("doormat", 1, true),
        ("doormat", QUANTITY_MAX, true),
        ("doormat", 0, false),
        ("doormat", QUANTITY_MAX + 1, false),
        ("no-longer-sold", 1, true),
        ("apple", 1, true),
        ("1", 1, true),
        ("Milk, 2 l", 1, true),
        ("d\u{f6}rmatte", 1, true),
        ("<b>", 1, true),
        (&"\u{1f9e6}".repeat(64), 1, true),
        (&"x".repeat(65), 1, false),
        ("", 1, false),
        (" ", 1, false),
        ("a\nb", 1, false),
        ("a\0", 1, false),
        ("a\u{85}", 1, false),
        ("\u{202e}live", 1, false),
        ("\u{200b}", 1, false),
    ] {
        assert_eq!(Line { item: item.into(), quantity }.is_sound(), sound, "{item} {quantity}");
    }
}

#[test]
fn totals_count_pieces_and_skip_what_is_not_sold() {
    let line = |item: &str, quantity| Line { item: item.into(), quantity };
    assert_eq!(total_cents(&[line("doormat", 2), line("key-bowl", 1), line("gone", 5)]), 2 * 2900 + 2200);
    assert_eq!(total_cents(&[]), 0);
}

#[test]
fn prices_have_two_decimals() {
    for (cents, text) in [(0, "€0.00"), (5, "€0.05"), (490, "€4.90"), (18_900, "€189.00")] {
        assert_eq!(euros(cents), text);
    }
}
