//! Patches that are not taken: the whole patch is dropped, the page is delivered, the session is as it was.

use serde_json::json;
use vestibule_testkit::upstream::Step;

use super::browser::Tab;
use super::house::House;

const PAGE: &str = "\r\nContent-Length: 6\r\n\r\na page";

#[test]
fn what_an_app_may_not_say_changes_nothing() {
    let house = House::open();
    let mut tab = returning(&house);
    let large = |bytes: usize| format!(r#"{{"basket":"{}"}}"#, "x".repeat(bytes));
    let deep = format!(r#"{{"basket":{}1{}}}"#, "[".repeat(200), "]".repeat(200));

    for (what, patch) in [
        ("a reserved name", r#"{"sub":"alice"}"#.to_owned()),
        ("a reserved name beside one it may write", r#"{"basket":["new"],"roles":["admin"]}"#.to_owned()),
        ("what another app writes", r#"{"draft":"x"}"#.to_owned()),
        ("what another app writes beside its own", r#"{"basket":["new"],"draft":"x"}"#.to_owned()),
        ("what nobody declared", r#"{"basket":["new"],"ghost":1}"#.to_owned()),
        ("deleting what it may not write", r#"{"basket":["new"],"draft":null}"#.to_owned()),
        ("more than its attribute holds", r#"{"basket":["new"],"count":"12345678901234567"}"#.to_owned()),
        ("more than a patch holds", large(4 * 1024)),
        ("no JSON", r#"{"basket":["new"]"#.to_owned()),
        ("a list", r#"["basket"]"#.to_owned()),
        ("null", "null".to_owned()),
        ("nothing", String::new()),
        ("two documents", r#"{"basket":["new"]}{"basket":["new"]}"#.to_owned()),
        ("one name twice", r#"{"basket":["new"],"basket":["newer"]}"#.to_owned()),
        ("one name in two spellings", r#"{"basket":["new"],"b\u0061sket":["newer"]}"#.to_owned()),
        ("a name with other letters", r#"{"basket":["new"],"Basket":1}"#.to_owned()),
        ("too deep", deep),
        ("bytes that are no text", "{\"basket\":[\"\u{fffd}\u{85}\"]".to_owned()),
    ] {
        let path = house.app.patching("/basket", &patch);
        let page = tab.open(&house.shop(&path)).is(200).sets_nothing();
        assert_eq!(page.body, "a page", "{what}");
        assert_eq!(attributes(&house, &mut tab), json!({"basket": ["old"]}), "{what}");
    }
}

#[test]
fn an_app_without_rights_changes_nothing() {
    let house = House::open();
    let mut tab = returning(&house);
    for root in ["", "/whoami", "/desk"] {
        let path = house.app.patching(root, r#"{"basket":["new"]}"#);
        tab.open(&house.shop(&path)).is(200).sets_nothing();
    }
    assert_eq!(attributes(&house, &mut tab), json!({"basket": ["old"]}));
}

#[test]
fn answers_that_are_no_final_word_of_the_app_change_nothing() {
    let house = House::open();
    let mut tab = returning(&house);
    let update = r#"x-context-update: {"basket":["new"]}"#;
    let ok = "HTTP/1.1 200 OK\r\nConnection: close\r\n";

    for (what, status, script) in [
        ("said twice", 200, format!("{ok}{update}\r\n{update}{PAGE}")),
        ("said in two spellings", 200, format!("{ok}{update}\r\nX-CONTEXT-Update: {{\"basket\":[]}}{PAGE}")),
        ("said with underscores", 200, format!("{ok}X_Context_Update: {{\"basket\":[]}}{PAGE}")),
        ("said with dots", 200, format!("{ok}X.Context.Update: {{\"basket\":[]}}{PAGE}")),
        ("an error of the app", 500, format!("HTTP/1.1 500 Oh\r\n{update}{PAGE}")),
        ("another error of the app", 503, format!("HTTP/1.1 503 Oh\r\n{update}{PAGE}")),
        ("a hint", 200, format!("HTTP/1.1 103 Early Hints\r\n{update}\r\n\r\n{ok}Server: x{PAGE}")),
        (
            "in a trailer",
            200,
            format!(
                "{ok}Transfer-Encoding: chunked\r\nTrailer: x-context-update\r\n\r\n6\r\na page\r\n0\r\n{update}\r\n\r\n"
            ),
        ),
        (
            "on an answer that is none",
            502,
            format!("{ok}{update}\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"),
        ),
    ] {
        let path = house.app.playing("/basket", vec![Step::ReadBody, Step::send(script)]);
        let page = tab.open(&house.shop(&path));
        assert_eq!(page.status, status, "{what}: {page:?}");
        let page = page.sets_nothing();
        assert!(page.fields.spellings_of("x-context-update").is_empty(), "{what}: {page:?}");
        assert_eq!(attributes(&house, &mut tab), json!({"basket": ["old"]}), "{what}");
    }
    let reasons =
        ["it came more than once", "the app failed", "the answer is not final", "it stood in trailers"];
    super::house::eventually(
        vestibule_testkit::patience::PATIENCE,
        "every reason in the access lines",
        || {
            let log = std::fs::read_to_string(house.access_log()).unwrap_or_default();
            reasons.iter().all(|why| log.contains(&format!("\"patch_refused\":\"{why}\"")))
        },
    );
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

    house.patch_at(&mut tab, "/bulk", r#"{"blob1":null}"#).is(200);
    let page = house.patch_at(&mut tab, "/bulk", &format!(r#"{{"blob5":"{blob}"}}"#)).is(200);
    assert_eq!(page.sets(), ["vst-at"], "there is room again");
}

#[test]
fn an_anonymous_visitor_stays_one() {
    let house = House::open();
    let mut tab = house.browser().tab();
    for patch in [r#"{"sub":"alice"}"#, r#"{"draft":"x"}"#, "nonsense"] {
        house.patch(&mut tab, patch).is(200).sets_nothing();
    }
    assert_eq!(house.whoami(&mut tab).standing(), "anonymous");
    assert!(tab.browser.cookies(super::house::SHOP).is_empty());
}

#[test]
fn a_refused_patch_is_in_the_access_line_with_its_reason() {
    let house = House::open();
    let mut tab = returning(&house);
    house.patch(&mut tab, r#"{"roles":["admin"]}"#).is(200);

    super::house::eventually(vestibule_testkit::patience::PATIENCE, "the access line", || {
        std::fs::read_to_string(house.access_log()).is_ok_and(|log| log.contains("patch_refused"))
    });
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
