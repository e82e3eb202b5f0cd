//! What another site's page makes a browser do: nothing that changes anything here.

use super::browser::{Ask, Tab};
use super::house::{House, SHOP};

const EVIL: &str = "http://evil.example:80/";

#[test]
fn a_post_of_another_site_reaches_no_app_and_harms_no_session() {
    let house = House::open();
    let mut tab = logged_on(&house);
    let own = house.shop("/");
    let before = tab.browser.cookies(SHOP);

    for (what, ask) in [
        ("a form", Box::new(|url: &str| Ask::form(url, EVIL, &[])) as Box<dyn Fn(&str) -> Ask>),
        ("a script", Box::new(|url| Ask::script("POST", url, EVIL))),
        ("another port", Box::new(|url| Ask::form(url, &format!("http://{SHOP}:1/"), &[]))),
        ("the outlet", Box::new(|url| Ask::form(url, &house.outlet("/"), &[]))),
        ("a sandbox", Box::new(|url| Ask::form(url, &own, &[]).silent().with("Origin: null"))),
        ("a browser that says nothing", Box::new(|url| Ask::form(url, &own, &[]).silent())),
        (
            "a browser that says only that nobody's page did it",
            Box::new(|url| Ask::form(url, &own, &[]).silent().with("Sec-Fetch-Site: none")),
        ),
        (
            "Origin and metadata that differ",
            Box::new(|url| {
                Ask::form(url, &own, &[])
                    .silent()
                    .with(&format!("Origin: {}", EVIL.trim_end_matches(":80/")))
                    .with("Sec-Fetch-Site: same-origin")
            }),
        ),
        (
            "the origin in capitals",
            Box::new(|url| {
                Ask::form(url, &own, &[])
                    .silent()
                    .with(&format!("Origin: {}", own.trim_end_matches('/').to_uppercase()))
            }),
        ),
    ] {
        let path = house.app.patching("/basket", r#"{"basket":["evil"]}"#);
        let refused = tab.send(ask(&house.shop(&path))).is(403).sets_nothing();
        assert_eq!(refused.json()["type"], "urn:vestibule:problem:cross-site", "{what}");
        assert_eq!(house.app.calls(&path), 0, "{what}");
    }

    assert_eq!(tab.browser.cookies(SHOP), before);
    let told = house.whoami(&mut tab);
    assert_eq!((told.standing(), told.attribute("basket")), ("logged-on", serde_json::json!(["mine"])));
}

#[test]
fn the_own_origin_is_enough_where_metadata_say_nothing_of_a_page() {
    let house = House::open();
    let mut tab = logged_on(&house);
    let own = house.shop("/");
    // An old browser, and one that sends a form again because its user said so.
    for (what, line) in [("old", "X-Nothing: 1"), ("again", "Sec-Fetch-Site: none")] {
        let path = house.app.patching("/basket", &format!(r#"{{"basket":["{what}"]}}"#));

        let ask = Ask::form(&house.shop(&path), &own, &[]).silent().with(line);
        tab.send(ask.with(&format!("Origin: {}", own.trim_end_matches('/')))).is(200);

        assert_eq!(house.whoami(&mut tab).attribute("basket"), serde_json::json!([what]));
    }
}

#[test]
fn a_log_out_by_another_site_is_refused() {
    let house = House::open();
    let mut tab = logged_on(&house);
    let url = house.shop("/.vestibule/logout");

    for ask in [
        Ask::form(&url, EVIL, &[("scope", "everywhere")]),
        Ask::form(&url, &house.outlet("/"), &[("scope", "this")]),
        // Cookies travel from another port of the host, and with what says nothing of where it comes from.
        Ask::form(&url, &format!("http://{SHOP}:1/"), &[("scope", "this")]),
        Ask::form(&url, &house.shop("/"), &[("scope", "this")]).silent(),
        Ask::form(&url, &house.shop("/"), &[("scope", "this")]).silent().with("Sec-Fetch-Site: none"),
    ] {
        tab.send(ask).is(403).sets_nothing();
    }
    tab.send(Ask::picture(&url, EVIL)).is(405).sets_nothing();

    assert_eq!(house.whoami(&mut tab).standing(), "logged-on");
}

#[test]
fn a_post_of_another_site_to_a_route_that_takes_them_has_no_session() {
    let house = House::open();
    let mut tab = logged_on(&house);
    let path = house.app.patching("/hook", r#"{"basket":["evil"]}"#);

    tab.send(Ask::form(&house.shop(&path), EVIL, &[])).is(200).sets_nothing();

    assert_eq!(house.app.told(&path).standing(), "anonymous");
    assert_eq!(house.whoami(&mut tab).attribute("basket"), serde_json::json!(["mine"]));
}

#[test]
fn the_log_in_form_is_taken_from_the_log_in_only() {
    let house = House::open();
    let mut tab = house.browser().tab();
    let asked = tab.open(&house.shop("/account"));
    let form = super::form::Form::of(&tab.follow(asked).is(200));
    let csrf =
        form.hidden.iter().find(|(name, _)| name == "csrf").map(|(_, value)| value.clone()).expect("a proof");
    let fields = [("username", "alice"), ("password", super::house::PASSWORD), ("csrf", csrf.as_str())];

    for (what, ask) in [
        ("another site", Ask::form(&form.action, EVIL, &fields)),
        ("the shop", Ask::form(&form.action, &house.shop("/"), &fields)),
        ("no proof", Ask::form(&form.action, &form.action, &fields[..2])),
        (
            "a made-up proof",
            Ask::form(&form.action, &form.action, &[fields[0], fields[1], ("csrf", &"A".repeat(43))]),
        ),
    ] {
        let refused = tab.send(ask).is(403);
        assert!(!refused.sets().contains(&"vst-idp".to_owned()), "{what}: {refused:?}");
    }
    // Another browser that was shown the proof is not the one it was made for.
    house.browser().tab().send(Ask::form(&form.action, &form.action, &fields)).is(403);
    tab.send(Ask::form(&form.action, &form.action, &fields)).is(303);
}

#[track_caller]
fn logged_on(house: &House) -> Tab {
    let mut tab = house.logged_on();
    house.patch(&mut tab, r#"{"basket":["mine"]}"#).is(200);
    tab
}
