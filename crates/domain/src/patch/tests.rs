//! Rights, sizes and forms of patches, and what they do to each kind of session.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::attribute::RESERVED;
use crate::audit::Cause;
use crate::fixture::*;

fn refused(session: &Session, key: Key, json: &str) -> PatchRefused {
    patched(session, key, json, NOW).unwrap_err()
}

fn parse(json: &str) -> Result<Patch, PatchRefused> {
    Patch::parse(json.as_bytes())
}

#[test]
fn reads_one_strict_object() {
    let deep = format!("{}1{}", r#"{"basket":"#.repeat(9), "}".repeat(9));
    let malformed = [
        "",
        "null",
        "[]",
        "\"basket\"",
        "{",
        r#"{"basket":1}x"#,
        r#"{"basket":1,"basket":2}"#,
        r#"{"basket":{"a":1,"a":2}}"#,
        r#"{"basket":"\ud800"}"#,
        r#"{"basket":1e999}"#,
        "{basket:1}",
        deep.as_str(),
    ];
    for json in malformed {
        assert_eq!(parse(json), Err(PatchRefused::Malformed), "{json}");
    }
    assert_eq!(Patch::parse(b"{\"basket\":\"\xff\"}"), Err(PatchRefused::Malformed));
    let large = format!(r#"{{"basket":"{}"}}"#, "x".repeat(PATCH_BYTES_MAX));
    assert_eq!(parse(&large), Err(PatchRefused::PatchTooLarge));
    let largest = format!(r#"{{"basket":"{}"}}"#, "x".repeat(PATCH_BYTES_MAX - 13));
    assert_eq!(largest.len(), PATCH_BYTES_MAX);
    assert!(parse(&largest).is_ok());
}

#[test]
fn one_name_that_may_not_be_written_refuses_the_whole_patch() {
    for name in ["sub", "iss", "sid", "roles", "acr", "amr", "auth_time", "exp", "standing", "user"] {
        assert_eq!(parse(&format!(r#"{{"basket":1,"{name}":1}}"#)), Err(PatchRefused::Reserved), "{name}");
    }
    for name in ["Sub", "", "a b", "\\u00e9", "x-Y", "9lives"] {
        assert_eq!(parse(&format!(r#"{{"{name}":1}}"#)), Err(PatchRefused::NotWritable), "{name}");
    }
    let catalogue = catalogue();
    for (asking, json, may) in [
        ("shop", r#"{"basket":1,"note":2}"#, true),
        ("shop", r#"{"basket":1,"undeclared":2}"#, false),
        ("wall", r#"{"note":1}"#, false), // reads it and does not write it
        ("unknown", r#"{"note":1}"#, false),
        ("unknown", "{}", false),
    ] {
        let admitted = parse(json).unwrap().admit(&app(asking), &catalogue);
        assert_eq!(admitted.is_ok(), may, "{asking} {json}");
    }
}

#[test]
fn a_refused_patch_changes_nothing_and_an_idle_one_needs_no_commit() {
    let session = returning();
    let view = view(&session, Key::Vst, NOW);
    let catalogue = catalogue();
    for json in ["{}", r#"{"basket":["tea"]}"#, r#"{"theme":null}"#] {
        let next = admitted(&catalogue, json).apply(&view, Opened::of(&view), NOW, &limits());
        assert_eq!(next, Ok(None), "{json}");
    }
}

#[test]
fn merges_within_an_attribute_and_replaces_arrays() {
    let session = patched(&returning(), Key::Vst, r#"{"note":{"a":{"b":1,"c":2},"d":[1,2]}}"#, NOW).unwrap();
    let session =
        patched(&session, Key::Vst, r#"{"note":{"a":{"b":null,"e":3},"d":[9]},"basket":null}"#, NOW).unwrap();
    let view = view(&session, Key::Vst, NOW);
    let note = view.attribute(&name("note")).and_then(AsciiJson::to_value);
    assert_eq!(note, Some(json!({"a": {"c": 2, "e": 3}, "d": [9]})));
    assert_eq!(view.attribute(&name("basket")), None);
}

#[test]
fn each_size_has_its_limit() {
    let session = returning();
    assert_eq!(
        refused(&session, Key::Vst, r#"{"theme":"0123456789abcdef"}"#),
        PatchRefused::AttributeTooLarge(name("theme"))
    );
    // What counts is what goes into a header: an escaped letter takes six bytes.
    assert_eq!(
        refused(&session, Key::Vst, "{\"theme\":\"\u{e9}\u{e9}\u{e9}\"}"),
        PatchRefused::AttributeTooLarge(name("theme"))
    );
    let large = "x".repeat(2_500);
    let session = patched(&session, Key::Vst, &format!(r#"{{"note":"{large}"}}"#), NOW).unwrap();
    let second = format!(r#"{{"basket":"{large}"}}"#);
    assert_eq!(refused(&session, Key::Vst, &second), PatchRefused::ReadTooLarge(app("shop")));
    // Making room and filling it in one patch is fine.
    assert!(patched(&session, Key::Vst, &format!(r#"{{"basket":"{large}","note":null}}"#), NOW).is_ok());
}

#[test]
fn a_session_has_its_limit_too() {
    use std::collections::{BTreeMap, BTreeSet};
    let names: Vec<_> = (0..6).map(|number| name(&format!("a{number}"))).collect();
    let declared = Declared { survives: true, bytes_max: 4_000 };
    let attributes = names.iter().map(|name| (name.clone(), declared)).collect();
    let rights = Rights { reads: BTreeSet::new(), writes: names.iter().cloned().collect() };
    let catalogue = Catalogue::new(attributes, BTreeMap::from([(app("shop"), rights)])).unwrap();
    let mut session = returning();
    let outcomes: Vec<bool> = names
        .iter()
        .map(|name| {
            let json = format!(r#"{{"{name}":"{}"}}"#, "x".repeat(3_500));
            let view = view(&session, Key::Vst, NOW);
            let next = admitted(&catalogue, &json).apply(&view, Opened::of(&view), NOW, &limits());
            match next {
                Ok(Some(next)) => {
                    session = next;
                    true
                }
                other => {
                    assert_eq!(other, Err(PatchRefused::SessionTooLarge));
                    false
                }
            }
        })
        .collect();
    assert_eq!(outcomes, [true, true, true, true, false, false]);
}

#[test]
fn the_first_patch_makes_a_session_only_of_something() {
    let catalogue = catalogue();
    for (json, makes) in [(r#"{"basket":[]}"#, true), ("{}", false), (r#"{"basket":null}"#, false)] {
        let first = admitted(&catalogue, json).first(permit(), site(), fresh(1), NOW, &limits()).unwrap();
        assert_eq!(first.is_some(), makes, "{json}");
    }
    assert!(!begun().confirmed);
    let refused = admitted(&catalogue, r#"{"theme":"0123456789abcdef"}"#).first(
        permit(),
        site(),
        fresh(1),
        NOW,
        &limits(),
    );
    assert_eq!(refused, Err(PatchRefused::AttributeTooLarge(name("theme"))));
}

#[test]
fn the_lasting_cookie_alone_writes_nothing_of_a_log_on() {
    let session = patched(&logged_on(), Key::Vst, r#"{"note":"private"}"#, NOW).unwrap();
    for json in [r#"{"note":"x"}"#, r#"{"note":null}"#, r#"{"basket":1,"note":1}"#] {
        assert_eq!(refused(&session, Key::Keep, json), PatchRefused::NoLogOn(name("note")), "{json}");
    }
    let next = patched(&session, Key::Keep, r#"{"basket":["milk"]}"#, NOW).unwrap();
    let by_owner = view(&next, Key::Vst, NOW);
    assert_eq!(by_owner.standing(), Standing::LoggedOn);
    assert_eq!(by_owner.attribute(&name("basket")).map(AsciiJson::as_str), Some(r#"["milk"]"#));
    // Declared to survive only since it was written: it is still the log-on's.
    let mut redeclared = session.clone();
    redeclared.attributes.get_mut(&name("basket")).unwrap().private = true;
    assert_eq!(
        refused(&redeclared, Key::Keep, r#"{"basket":{"x":1}}"#),
        PatchRefused::NoLogOn(name("basket"))
    );
    // Without a log-on the note is the visitor's own.
    assert!(patched(&returning(), Key::Keep, r#"{"note":"x"}"#, NOW).is_ok());
}

#[test]
fn a_request_opened_before_a_rise_lands_and_one_from_a_log_on_that_fell_does_not() {
    let catalogue = catalogue();
    let note = admitted(&catalogue, r#"{"note":"late"}"#);
    let opened = Opened { key: Key::Vst, standing: Standing::Returning };
    let risen = logged_on();
    let landed = note.apply(&view(&risen, Key::Vst, NOW), opened, NOW, &limits()).unwrap().unwrap();
    assert!(landed.attributes[&name("note")].private);
    let opened = Opened { key: Key::Vst, standing: Standing::LoggedOn };
    let down = rise::step_down(&view(&risen, Key::Vst, NOW), NOW, &limits()).unwrap();
    let late = note.apply(&view(&down, Key::Vst, NOW), opened, NOW, &limits());
    assert_eq!(late, Err(PatchRefused::NoLogOn(name("note"))));
    let basket = admitted(&catalogue, r#"{"basket":1}"#);
    assert!(basket.apply(&view(&down, Key::Vst, NOW), opened, NOW, &limits()).unwrap().is_some());
}

#[test]
fn a_commit_after_a_fall_writes_the_fall_too() {
    let session = patched(&logged_on(), Key::Vst, r#"{"note":{"secret":1}}"#, NOW).unwrap();
    let end = NOW + limits().log_on;
    // Nothing of the hidden value shines through the merge.
    let next = patched(&session, Key::Vst, r#"{"note":{"open":2}}"#, end).unwrap();
    assert_eq!(next.log_on(), None);
    assert_eq!(next.life().logged_out(), Some((end, Cause::LogOnLimit)));
    let note = view(&next, Key::Vst, end).attribute(&name("note")).and_then(AsciiJson::to_value);
    assert_eq!(note, Some(json!({"open": 2})));
}

fn patch_json() -> impl Strategy<Value = String> {
    let names = RESERVED.into_iter().chain(["basket", "note", "theme", "other", "Basket", "a.b"]);
    let name = proptest::sample::select(names.collect::<Vec<_>>());
    let value = proptest::sample::select(vec![
        "null",
        "1",
        r#"{"a":null}"#,
        r#"{"sub":"x"}"#,
        "[null]",
        r#""\u0000""#,
    ]);
    proptest::collection::vec((name, value), 0..4).prop_map(|members| {
        let members: Vec<_> = members.iter().map(|(name, value)| format!(r#""{name}":{value}"#)).collect();
        format!("{{{}}}", members.join(","))
    })
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Patch::parse(&bytes);
    }

    #[test]
    fn no_reserved_name_is_ever_written_and_twice_is_once(json in patch_json(), logged: bool) {
        let catalogue = catalogue();
        let Ok(patch) = parse(&json) else { return Ok(()) };
        let Ok(admitted) = patch.admit(&app("shop"), &catalogue) else { return Ok(()) };
        let session = if logged { logged_on() } else { returning() };
        let newest = view(&session, Key::Vst, NOW);
        let next = admitted.apply(&newest, Opened::of(&newest), NOW, &limits()).unwrap();
        let next = next.unwrap_or(session);
        prop_assert!(next.attributes.keys().all(|name| !RESERVED.contains(&name.as_str())));
        let newest = view(&next, Key::Vst, NOW);
        prop_assert_eq!(admitted.apply(&newest, Opened::of(&newest), NOW, &limits()), Ok(None));
    }
}
