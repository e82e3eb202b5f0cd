//! What an app is shown is what it reads, as long as it fits.

use super::*;
use crate::ascii_json::AsciiJson;
use crate::attribute::{READ_BYTES_MAX, shown_bytes};
use crate::fixture::*;
use crate::key::Key;

#[test]
fn an_app_is_shown_what_it_reads_and_the_visitor_has() {
    let session =
        patched(&logged_on(), Key::Vst, r#"{"note":{"to":"Zo\u00eb"},"theme":"dark"}"#, NOW).unwrap();
    let catalogue = catalogue();
    let shown =
        |key, asking: &str| attributes(&view(&session, key, NOW), catalogue.rights(&app(asking)).unwrap());
    let all = r#"{"basket":["tea"],"note":{"to":"Zo\u00eb"},"theme":"dark"}"#;
    assert_eq!(shown(Key::Vst, "shop").as_deref(), Some(all));
    assert_eq!(shown(Key::Vst, "wall").as_deref(), Some(r#"{"note":{"to":"Zo\u00eb"}}"#));
    assert_eq!(shown(Key::Keep, "wall").as_deref(), Some("{}"));
    assert_eq!(shown(Key::Keep, "shop").as_deref(), Some(r#"{"basket":["tea"],"theme":"dark"}"#));
}

#[test]
fn what_was_counted_at_a_patch_is_what_is_shown() {
    let session = patched(&logged_on(), Key::Vst, r#"{"note":"x","theme":"dark"}"#, NOW).unwrap();
    let catalogue = catalogue();
    for asking in ["shop", "wall"] {
        let rights = catalogue.rights(&app(asking)).unwrap();
        let shown = attributes(&view(&session, Key::Vst, NOW), rights).unwrap();
        assert_eq!(shown_bytes(&session.attributes, rights), shown.len());
    }
}

#[test]
fn more_than_fits_is_not_shown_at_all() {
    let mut session = returning();
    let basket = session.attributes.get_mut(&name("basket")).unwrap();
    basket.value = AsciiJson::of(&"x".repeat(READ_BYTES_MAX).into());
    let catalogue = catalogue();
    let rights = catalogue.rights(&app("shop")).unwrap();
    assert_eq!(attributes(&view(&session, Key::Vst, NOW), rights), None);
}
