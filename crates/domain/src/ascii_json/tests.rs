//! Nothing but printable ASCII comes out, and the value comes back.

use proptest::prelude::*;
use serde_json::json;

use super::*;

#[test]
fn escapes_what_a_header_cannot_hold() {
    let cases = [
        (json!("plain ~"), r#""plain ~""#),
        (json!("Zo\u{eb}"), r#""Zo\u00eb""#),
        (json!("\u{1f6d2}"), r#""\ud83d\uded2""#),
        (json!("\u{7f}\u{0}"), r#""\u007f\u0000""#),
        (json!("a\r\nSet-Cookie: x"), r#""a\r\nSet-Cookie: x""#),
        (json!("\u{2028}"), r#""\u2028""#),
        (json!({"\u{e9}": [1, null, true]}), r#"{"\u00e9":[1,null,true]}"#),
    ];
    for (value, text) in cases {
        assert_eq!(AsciiJson::of(&value).as_str(), text);
    }
}

#[test]
fn joins_members() {
    let (one, two) = (AsciiJson::of(&json!(1)), AsciiJson::of(&json!("x")));
    assert_eq!(object([("a", &one), ("b", &two)].into_iter()), r#"{"a":1,"b":"x"}"#);
    assert_eq!(object([].into_iter()), "{}");
}

#[test]
fn takes_back_only_printable_text() {
    assert!(serde_json::from_value::<AsciiJson>(json!("[1]")).is_ok());
    for text in ["a\r\nb", "\u{e9}", "\t", "\u{7f}"] {
        assert!(serde_json::from_value::<AsciiJson>(json!(text)).is_err(), "{text:?}");
    }
}

proptest! {
    #[test]
    fn any_text_survives(text in any::<String>()) {
        let value = json!({ "k": [text] });
        let ascii = AsciiJson::of(&value);
        prop_assert!(ascii.as_str().bytes().all(is_printable));
        prop_assert_eq!(ascii.to_value(), Some(value));
    }
}
