//! Patches that are not taken: the whole patch is dropped, the page is delivered, the session is as it was.

use serde_json::json;
use vestibule_testkit::upstream::Step;

use super::browser::Tab;
use super::house::House;

const RESERVED: &str = "it names what no app may write";
const NOT_WRITABLE: &str = "it names what this app may not write";
const MALFORMED: &str = "malformed";
const TWICE: &str = "it came more than once";
const FAILED: &str = "the app failed";

const PAGE: &str = "\r\nContent-Length: 6\r\n\r\na page";

#[test]
fn what_an_app_may_not_say_changes_nothing() {
    let house = House::open();
    let mut tab = returning(&house);
    let large = |bytes: usize| format!(r#"{{"basket":"{}"}}"#, "x".repeat(bytes));
    let deep = format!(r#"{{"basket":{}1{}}}"#, "[".repeat(200), "]".repeat(200));

    let mut refused = Vec::new();
    for (what, patch, why) in [
        ("a reserved name", r#"{"sub":"alice"}"#.to_owned(), RESERVED),
        (
            "a reserved name beside one it may write",
            r#"{"basket":["new"],"roles":["admin"]}"#.to_owned(),
            RESERVED,
        ),
        ("what another app writes", r#"{"draft":"x"}"#.to_owned(), NOT_WRITABLE),
        (
            "what another app writes beside its own",
            r#"{"basket":["new"],"draft":"x"}"#.to_owned(),
            NOT_WRITABLE,
        ),
        ("what nobody declared", r#"{"basket":["new"],"ghost":1}"#.to_owned(), NOT_WRITABLE),
        ("deleting what it may not write", r#"{"basket":["new"],"draft":null}"#.to_owned(), NOT_WRITABLE),
        (
            "more than its attribute holds",
            r#"{"basket":["new"],"count":"12345678901234567"}"#.to_owned(),
            "attribute count would be too large",
        ),
        ("more than a patch holds", large(4 * 1024), "the patch is too large"),
        ("no JSON", r#"{"basket":["new"]"#.to_owned(), MALFORMED),
        ("a list", r#"["basket"]"#.to_owned(), MALFORMED),
        ("null", "null".to_owned(), MALFORMED),
        ("nothing", String::new(), MALFORMED),
        ("two documents", r#"{"basket":["new"]}{"basket":["new"]}"#.to_owned(), MALFORMED),
        ("one name twice", r#"{"basket":["new"],"basket":["newer"]}"#.to_owned(), MALFORMED),
        ("one name in two spellings", r#"{"basket":["new"],"b\u0061sket":["newer"]}"#.to_owned(), MALFORMED),
        ("a name with other letters", r#"{"basket":["new"],"Basket":1}"#.to_owned(), NOT_WRITABLE),
        ("too deep", deep, MALFORMED),
    ] {
        let path = house.app.patching("/basket", &patch);
        let page = tab.open(&house.shop(&path)).is(200).sets_nothing();
        assert_eq!(page.body, "a page", "{what}");
        assert_eq!(attributes(&house, &mut tab), json!({"basket": ["old"]}), "{what}");
        is_last_event(&house, &mut tab, "basket", why);
        refused.push((path, Some(why)));
    }
    house.has_refused(&refused);
}

#[test]
fn an_app_without_rights_changes_nothing() {
    let house = House::open();
    let mut tab = returning(&house);
    let mut refused = Vec::new();
    for (root, app) in [("", "root"), ("/whoami", "whoami"), ("/desk", "desk")] {
        let path = house.app.patching(root, r#"{"basket":["new"]}"#);
        tab.open(&house.shop(&path)).is(200).sets_nothing();
        is_last_event(&house, &mut tab, app, NOT_WRITABLE);
        refused.push((path, Some(NOT_WRITABLE)));
    }
    assert_eq!(attributes(&house, &mut tab), json!({"basket": ["old"]}));
    house.has_refused(&refused);
}

#[test]
fn answers_that_are_no_final_word_of_the_app_change_nothing() {
    let house = House::open();
    let mut tab = returning(&house);
    let update = r#"x-context-update: {"basket":["new"]}"#;
    let ok = "HTTP/1.1 200 OK\r\nConnection: close\r\n";
    let trailer = |announced: &str| {
        format!("{ok}Transfer-Encoding: chunked\r\n{announced}\r\n6\r\na page\r\n0\r\n{update}\r\n\r\n")
    };

    let mut refused = Vec::new();
    for (what, status, script, why) in [
        ("said twice", 200, format!("{ok}{update}\r\n{update}{PAGE}"), Some(TWICE)),
        (
            "said in two spellings",
            200,
            format!("{ok}{update}\r\nX-CONTEXT-Update: {{\"basket\":[]}}{PAGE}"),
            Some(TWICE),
        ),
        // Other names are stripped as ours, and say nothing.
        ("said with underscores", 200, format!("{ok}X_Context_Update: {{\"basket\":[]}}{PAGE}"), None),
        ("said with dots", 200, format!("{ok}X.Context.Update: {{\"basket\":[]}}{PAGE}"), None),
        ("an error of the app", 500, format!("HTTP/1.1 500 Oh\r\n{update}{PAGE}"), Some(FAILED)),
        ("another error of the app", 503, format!("HTTP/1.1 503 Oh\r\n{update}{PAGE}"), Some(FAILED)),
        (
            "a hint",
            200,
            format!("HTTP/1.1 103 Early Hints\r\n{update}\r\n\r\n{ok}Server: x{PAGE}"),
            Some("the answer is not final"),
        ),
        ("in a trailer", 200, trailer("Trailer: x-context-update\r\n"), Some("it stood in trailers")),
        // Decision 24: nobody reads it.
        ("in a trailer that was not announced", 200, trailer(""), None),
        (
            "on an answer that is none",
            502,
            format!("{ok}{update}\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"),
            None,
        ),
    ] {
        let path = house.app.playing("/basket", vec![Step::ReadBody, Step::send(script)]);
        let page = tab.open(&house.shop(&path));
        assert_eq!(page.status, status, "{what}: {page:?}");
        let page = page.sets_nothing();
        assert!(page.fields.spellings_of("x-context-update").is_empty(), "{what}: {page:?}");
        assert_eq!(attributes(&house, &mut tab), json!({"basket": ["old"]}), "{what}");
        if let Some(why) = why {
            is_last_event(&house, &mut tab, "basket", why);
        }
        refused.push((path, why));
    }
    house.has_refused(&refused);
}

#[test]
fn bytes_that_are_no_text_change_nothing() {
    let house = House::open();
    let mut tab = returning(&house);
    let mut refused = Vec::new();
    for bytes in [&b"\xff"[..], b"\xc3\x28", b"\xed\xa0\x80", b"\xf0\x9f\x98", "\u{fc}".as_bytes()] {
        let mut script = b"HTTP/1.1 200 OK\r\nx-context-update: {\"basket\":[\"".to_vec();
        script.extend_from_slice(bytes);
        script.extend_from_slice(format!("\"]}}{PAGE}").as_bytes());
        let path = house.app.playing("/basket", vec![Step::ReadBody, Step::send(script)]);
        // Text as text is taken, so that what differs is the bytes.
        let is_text = std::str::from_utf8(bytes).is_ok();
        let page = tab.open(&house.shop(&path)).is(200);
        if is_text {
            assert_eq!(page.sets(), ["vst-at"]);
            assert_eq!(attributes(&house, &mut tab), json!({"basket": ["\u{fc}"]}));
        } else {
            page.sets_nothing();
            assert_eq!(attributes(&house, &mut tab), json!({"basket": ["old"]}), "{bytes:?}");
            is_last_event(&house, &mut tab, "basket", MALFORMED);
        }
        refused.push((path, (!is_text).then_some(MALFORMED)));
    }
    house.has_refused(&refused);
}

#[test]
fn no_app_is_shown_more_than_four_kibibytes() {
    let house = House::open();
    let mut tab = returning(&house);
    let patch = format!(r#"{{"basket":"{}"}}"#, "x".repeat(4_060));
    house.patch(&mut tab, &patch).is(200);
    let before = attributes(&house, &mut tab);

    house.patch(&mut tab, r#"{"count":"12345678901234"}"#).is(200).sets_nothing();
    assert_eq!(attributes(&house, &mut tab), before);
    is_last_event(&house, &mut tab, "basket", "app basket would be shown too much");

    let page = house.patch(&mut tab, r#"{"count":1}"#).is(200);
    assert_eq!(page.sets(), ["vst-at"], "a smaller one fits");
}

#[test]
fn a_session_holds_sixteen_kibibytes() {
    let house = House::open();
    let mut tab = returning(&house);
    let blob = "x".repeat(4_000);
    for n in 1..=4 {
        let page = house.patch_at(&mut tab, "/bulk", &format!(r#"{{"blob{n}":"{blob}"}}"#)).is(200);
        assert_eq!(page.sets(), ["vst-at"], "blob{n}");
    }

    house.patch_at(&mut tab, "/bulk", &format!(r#"{{"blob5":"{blob}"}}"#)).is(200).sets_nothing();
    is_last_event(&house, &mut tab, "bulk", "the session would be too large");

    house.patch_at(&mut tab, "/bulk", r#"{"blob1":null}"#).is(200);
    let page = house.patch_at(&mut tab, "/bulk", &format!(r#"{{"blob5":"{blob}"}}"#)).is(200);
    assert_eq!(page.sets(), ["vst-at"], "there is room again");
}

#[test]
fn an_anonymous_visitor_stays_one() {
    let house = House::open();
    let mut tab = house.browser().tab();
    let mut refused = Vec::new();
    for (patch, why) in
        [(r#"{"sub":"alice"}"#, RESERVED), (r#"{"draft":"x"}"#, NOT_WRITABLE), ("nonsense", MALFORMED)]
    {
        let path = house.app.patching("/basket", patch);
        tab.open(&house.shop(&path)).is(200).sets_nothing();
        refused.push((path, Some(why)));
    }
    assert_eq!(house.whoami(&mut tab).standing(), "anonymous");
    assert!(tab.browser.cookies(super::house::SHOP).is_empty());
    house.has_refused(&refused);
}

#[test]
fn an_app_that_repeats_itself_does_not_push_out_what_else_has_happened() {
    let house = House::open();
    let mut tab = house.logged_on();
    house.patch(&mut tab, r#"{"basket":["old"]}"#).is(200);
    for _ in 0..20 {
        house.patch(&mut tab, r#"{"roles":["admin"]}"#).is(200);
    }

    let told = house.whoami(&mut tab);
    let life = house.life(told.context("session").expect("a session"));

    assert_eq!(life.len(), 3, "{life:?}");
    assert_eq!(life[0], "The session began.");
    assert!(life[1].ends_with(" logged on, level 1."), "{life:?}");
    assert_eq!(life[2], format!("A patch of app basket was refused, as 20 have been so far: {RESERVED}."));
}

/// The newest event of this tab's session is that a patch of this app was refused, for this reason.
#[track_caller]
fn is_last_event(house: &House, tab: &mut Tab, app: &str, why: &str) {
    let told = house.whoami(tab);
    let life = house.life(told.context("session").expect("a session"));
    let last = life.last().expect("it has begun");
    let (begins, ends) = (format!("A patch of app {app} was refused"), format!(": {why}."));
    assert!(last.starts_with(&begins) && last.ends_with(&ends), "{last}, not {why}");
}

#[track_caller]
fn returning(house: &House) -> Tab {
    let mut tab = house.browser().tab();
    house.patch(&mut tab, r#"{"basket":["old"]}"#).is(200);
    tab
}

#[track_caller]
fn attributes(house: &House, tab: &mut Tab) -> serde_json::Value {
    house.whoami(tab).attributes()
}
