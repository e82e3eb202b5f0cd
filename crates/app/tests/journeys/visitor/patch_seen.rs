//! What one app writes, another reads with the next request: one session for all apps of a site, each with its rights.

use std::time::Duration;

use serde_json::json;
use vestibule_testkit::patience::PATIENCE;
use vestibule_testkit::upstream::Step;

use super::house::{House, SHOP, eventually};

/// Longer than from one look at a client, whether it has gone, to the next.
const PAST_A_LOOK: Duration = Duration::from_millis(2500);

#[test]
fn a_patch_by_one_app_is_seen_by_another_with_the_next_request() {
    let house = House::open();
    let mut tab = house.browser().tab();
    house.patch(&mut tab, r#"{"basket":{"doormat":1,"lamp":2}}"#).is(200);
    assert_eq!(house.whoami(&mut tab).attributes(), json!({"basket": {"doormat": 1, "lamp": 2}}));

    // RFC 7396: null deletes, objects merge, all else replaces
    house.patch(&mut tab, r#"{"basket":{"doormat":null,"rug":[1,2]},"count":2}"#).is(200);
    assert_eq!(
        house.whoami(&mut tab).attributes(),
        json!({"basket": {"lamp": 2, "rug": [1, 2]}, "count": 2})
    );
    house.patch(&mut tab, r#"{"basket":{"rug":[3]},"count":null}"#).is(200);
    assert_eq!(house.whoami(&mut tab).attributes(), json!({"basket": {"lamp": 2, "rug": [3]}}));
}

#[test]
fn each_app_is_shown_what_it_reads_and_no_more() {
    let house = House::open();
    let mut tab = house.browser().tab();
    house.patch(&mut tab, r#"{"basket":[1],"count":1}"#).is(200);
    house.patch_at(&mut tab, "/notes", r#"{"draft":"x"}"#).is(200);

    for (root, shown) in [
        ("/whoami", json!({"basket": [1], "count": 1, "draft": "x"})),
        ("/basket", json!({"basket": [1], "count": 1})),
        ("/notes", json!({"draft": "x"})),
        ("/bulk", json!(null)),
        ("", json!(null)),
    ] {
        let path = house.app.new_path(root);
        tab.open(&house.shop(&path)).is(200).sets_nothing();
        assert_eq!(house.app.told(&path).attributes(), shown, "{root}");
    }
}

#[test]
fn text_of_any_language_arrives_escaped_and_whole() {
    let house = House::open();
    let mut tab = house.browser().tab();
    // `\u007f` and `\u0000` too: nothing an app may say can break a header line
    house
        .patch(&mut tab, r#"{"basket":{"name":"Fu\u00dfmatte \u2603 \ud83d\ude00 \r\n\u0000\u007f\"\\"}}"#)
        .is(200);

    let told = house.whoami(&mut tab);

    assert_eq!(told.attribute("basket"), json!({"name": "Fußmatte ☃ 😀 \r\n\0\u{7f}\"\\"}));
}

#[test]
fn every_final_answer_below_500_counts_whatever_the_method() {
    let house = House::open();
    let mut tab = house.browser().tab();
    house.patch(&mut tab, r#"{"basket":{}}"#).is(200);
    let mut expected = json!({});

    for (method, status) in [
        ("GET", 200),
        ("HEAD", 200),
        ("POST", 201),
        ("PUT", 204),
        ("GET", 302),
        ("GET", 304),
        ("DELETE", 404),
        ("PATCH", 409),
    ] {
        let key = format!("{method}{status}");
        let update = format!("x-context-update: {{\"basket\":{{\"{key}\":true}}}}");
        let head = format!("HTTP/1.1 {status} Scripted\r\n{update}\r\nLocation: /\r\n");
        let length = if matches!(status, 204 | 304) { "" } else { "Content-Length: 0\r\n" };
        let script = vec![Step::ReadBody, Step::send(format!("{head}{length}\r\n"))];
        let path = house.app.playing("/basket", script);
        tab.fetch(method, &path).is(status);
        expected[&key] = true.into();
        assert_eq!(house.whoami(&mut tab).attribute("basket"), expected, "{method} {status}");
    }
}

#[test]
fn the_patch_is_saved_although_the_visitor_has_gone_or_the_body_breaks_off() {
    let house = House::open();
    let mut tab = house.browser().tab();
    house.patch(&mut tab, r#"{"basket":{}}"#).is(200);
    let head = |key: &str| {
        format!(
            "HTTP/1.1 200 OK\r\nx-context-update: {{\"basket\":{{\"{key}\":1}}}}\r\nContent-Length: 9\r\n\r\n"
        )
    };

    let broken = house.app.playing("/basket", vec![Step::ReadBody, Step::send(head("broken")), Step::Close]);
    assert!(tab.breaks_off(&house.shop(&broken)), "the answer ends early");
    let held = house
        .app
        .playing("/basket", vec![Step::ReadBody, Step::Hold("gone"), Step::send(head("gone") + "a page...")]);
    let request = tab.begin(&house.shop(&held));
    house.app.wait_for(&held);
    drop(request);
    house.app.release("gone");

    eventually(PATIENCE, "the patch of the visitor who has gone", || {
        house.whoami(&mut tab).attribute("basket") == json!({"broken": 1, "gone": 1})
    });
    assert!(tab.browser.cookie(SHOP, "__Host-vst").is_some());
}

#[test]
fn the_patch_is_saved_although_the_visitor_reset_the_connection_long_before_the_answer() {
    let house = House::open();
    let mut tab = house.browser().tab();
    house.patch(&mut tab, r#"{"basket":{}}"#).is(200);
    let playing = |key: &str| {
        let update = format!("x-context-update: {{\"basket\":{{\"{key}\":1}}}}");
        let answer = format!("HTTP/1.1 200 OK\r\n{update}\r\nContent-Length: 0\r\n\r\n");
        house.app.playing("/basket", vec![Step::ReadBody, Step::Hold("answer"), Step::send(answer)])
    };
    let (left, stayed) = (playing("left"), playing("stayed"));
    let (gone, mut waiting) = (tab.begin(&house.shop(&left)), tab.begin(&house.shop(&stayed)));
    house.app.wait_for(&left);
    house.app.wait_for(&stayed);

    gone.reset();
    assert!(waiting.is_quiet_for(PAST_A_LOOK));
    house.app.release("answer");

    assert_eq!(waiting.response().status, 200);
    eventually(PATIENCE, "the patch of the visitor who has gone", || {
        house.whoami(&mut tab).attribute("basket") == json!({"left": 1, "stayed": 1})
    });
}
