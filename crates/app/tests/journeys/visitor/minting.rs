//! Which requests may make a session by their first patch: those of the visitor's own doing, never one that another
//! site's page made, and never in place of a session that may be alive.

use serde_json::json;

use super::browser::{Ask, Browser};
use super::house::{House, OUTLET, SHOP};

const EVIL: &str = "http://evil.example:80/";
const PATCH: &str = r#"{"basket":["new"]}"#;
const CROSS_SITE: &str = "the request comes from another site";

#[test]
fn who_may_make_a_session_without_cookies() {
    let house = House::open();
    let (own, other_port) = (house.shop("/"), format!("http://{SHOP}:1/"));
    let outlet = house.outlet("/");
    let mut refused = Vec::new();
    for (what, makes, ask) in [
        ("typed", true, Box::new(|url: &str| Ask::typed(url)) as Box<dyn Fn(&str) -> Ask>),
        ("a link of the site", true, Box::new(|url| Ask::link(url, &own))),
        ("a form of the site", true, Box::new(|url| Ask::form(url, &own, &[]))),
        ("a script of the site", true, Box::new(|url| Ask::script("PUT", url, &own))),
        ("a picture of the site", true, Box::new(|url| Ask::picture(url, &own))),
        ("a link of another site", true, Box::new(|url| Ask::link(url, EVIL))),
        ("a link of another port", true, Box::new(|url| Ask::link(url, &other_port))),
        ("a link of the other site", true, Box::new(|url| Ask::link(url, &outlet))),
        ("a tool without metadata", true, Box::new(|url| Ask::typed(url).silent())),
        ("a tool that posts", true, Box::new(|url| Ask::form(url, &own, &[]).silent())),
        ("a frame on another site", false, Box::new(|url| Ask::frame(url, EVIL))),
        ("a picture on another site", false, Box::new(|url| Ask::picture(url, EVIL))),
        ("a script of another site", false, Box::new(|url| Ask::script("GET", url, EVIL))),
        ("a form of another site", false, Box::new(|url| Ask::form(url, EVIL, &[]))),
        ("a form of another port", false, Box::new(|url| Ask::form(url, &other_port, &[]))),
        ("a picture on another port", false, Box::new(|url| Ask::picture(url, &other_port))),
        ("a form of nobody", false, Box::new(|url| Ask::form(url, &own, &[]).silent().with("Origin: null"))),
    ] {
        // A route that takes other sites' requests: what is refused is the patch, not the page.
        let path = house.app.patching("/hook", PATCH);
        let mut tab = house.browser().tab();
        let reply = tab.send(ask(&house.shop(&path))).is(200);
        assert_eq!(reply.body, "a page", "{what}");
        let expected: &[&str] = if makes { &["vst", "vst-at", "vst-keep"] } else { &[] };
        assert_eq!(reply.sets(), expected, "{what}");
        refused.push((path, (!makes).then_some(CROSS_SITE)));
    }
    house.has_refused(&refused);
}

#[test]
fn what_is_said_twice_or_in_no_text_is_said_by_nobody() {
    let house = House::open();
    let origin = house.shop("");
    let (own, own_origin) = (house.shop("/"), format!("Origin: {origin}"));
    let fine = ["Sec-Fetch-Site: same-origin", own_origin.as_str()];
    let mut refused = Vec::new();
    // B06, B07: each of them alone would be the site's own.
    for lines in [
        &["Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: same-origin"][..],
        &["Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site"],
        &["Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-origin"],
        &["Sec-Fetch-Site: same-origin, same-origin"],
        &["Sec-Fetch-Site: same-origin, cross-site"],
        &["Sec-Fetch-Site: same-origin\u{e9}"],
        &["Sec-Fetch-Site: \u{a0}same-origin"],
        &["Sec-Fetch-Site:"],
        &["Sec-Fetch-Site: same-origin", &own_origin, &own_origin],
        &["Sec-Fetch-Site: same-origin", &own_origin, "Origin: http://evil.example"],
        &["Sec-Fetch-Site: same-origin", &format!("Origin: {origin}, {origin}")],
        &["Sec-Fetch-Site: same-origin", &format!("Origin: {origin} {origin}")],
        &["Sec-Fetch-Site: same-origin", &format!("Origin: {origin}\u{e9}")],
        &["Sec-Fetch-Site: same-origin", "Origin:"],
    ] {
        let ask = |path: &str| {
            let form = Ask::form(&house.shop(path), &own, &[]).silent();
            lines.iter().fold(form, |ask, line| ask.with(line))
        };
        let path = house.app.patching("/hook", PATCH);
        house.browser().tab().send(ask(&path)).is(200).sets_nothing();
        refused.push((path, Some(CROSS_SITE)));
        // Where other sites' requests are not taken it does not even reach the app, with a session or without one.
        for browser in [house.browser(), living(&house)] {
            let path = house.app.patching("/basket", PATCH);
            browser.tab().send(ask(&path)).is(403).sets_nothing();
            assert_eq!(house.app.calls(&path), 0, "{lines:?}");
        }
    }
    // Navigation by GET makes a session whoever led there, if it is one beyond doubt.
    for lines in [
        &["Sec-Fetch-Mode: navigate", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"][..],
        &["Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "Sec-Fetch-Dest: document"],
        &["Sec-Fetch-Mode: navigate, navigate", "Sec-Fetch-Dest: document"],
        &["Sec-Fetch-Mode: navigate\u{e9}", "Sec-Fetch-Dest: document"],
        &["Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document\u{e9}"],
    ] {
        let path = house.app.patching("/basket", PATCH);
        let ask = Ask::typed(&house.shop(&path)).silent().with("Sec-Fetch-Site: cross-site");
        let ask = lines.iter().fold(ask, |ask, line| ask.with(line));
        house.browser().tab().send(ask).is(200).sets_nothing();
        refused.push((path, Some(CROSS_SITE)));
    }
    let path = house.app.patching("/basket", PATCH);
    let ask = fine.iter().fold(Ask::form(&house.shop(&path), &own, &[]).silent(), |ask, line| ask.with(line));
    assert_eq!(house.browser().tab().send(ask).is(200).sets(), ["vst", "vst-at", "vst-keep"]);
    refused.push((path, None));
    house.has_refused(&refused);
}

#[test]
fn what_the_cookies_must_be_for_a_new_session() {
    let house = House::open();
    let wrong_secret = living(&house);
    let value = wrong_secret.cookie(SHOP, "__Host-vst").expect("a cookie");
    wrong_secret.put_cookie(
        SHOP,
        "__Host-vst",
        &format!("{}.{}", &value[..22], "A".repeat(value.len() - 23)),
    );
    wrong_secret.remove_cookie(SHOP, "__Host-vst-keep");
    let ended = living(&house);
    let dead = ended.copy();
    let url = house.shop("/.vestibule/logout");
    ended.tab().send(Ask::form(&url, &house.shop("/"), &[("scope", "this")])).is(303);
    let nonsense = house.browser();
    nonsense.put_cookie(SHOP, "__Host-vst", "nonsense");
    nonsense.put_cookie(SHOP, "__Host-vst-keep", "");
    let of_the_outlet = house.browser();
    let path = house.app.patching("/basket", PATCH);
    of_the_outlet.tab().open(&house.outlet(&path)).is(200);
    for (name, value) in of_the_outlet.cookies(OUTLET) {
        of_the_outlet.put_cookie(SHOP, &name, &value);
    }

    for (what, browser) in [
        ("a wrong secret", wrong_secret),
        ("an ended session", dead),
        ("values that are none of ours", nonsense),
        ("a session of the other site", of_the_outlet),
    ] {
        let mut tab = browser.tab();
        assert_eq!(house.whoami(&mut tab).standing(), "anonymous", "{what}");
        let reply = house.patch(&mut tab, PATCH).is(200);
        assert_eq!(reply.sets(), ["vst", "vst-at", "vst-keep"], "{what}");
        assert_eq!(house.whoami(&mut tab).standing(), "returning", "{what}");
    }
}

#[test]
fn two_session_cookies_of_one_name_are_nobody_and_make_nothing() {
    let house = House::open();
    let mut refused = Vec::new();
    for name in ["__Host-vst", "__Host-vst-keep"] {
        let browser = living(&house);
        let value = browser.cookie(SHOP, name).expect("a session cookie");
        // B26: never the first that fits, nor one that is there twice; in one line or in two
        for line in [
            format!("Cookie: {name}={value}"),
            format!("Cookie: a=1; {name}=planted"),
            format!("Cookie: {name}=planted; {name}={value}"),
        ] {
            let path = house.app.patching("/basket", PATCH);
            browser.tab().send(Ask::typed(&house.shop(&path)).with(&line)).is(200).sets_nothing();
            assert_eq!(house.app.told(&path).standing(), "anonymous", "{name}");
            refused.push((path, Some("two session cookies of one name")));
        }
        assert_eq!(
            house.whoami(&mut browser.tab()).standing(),
            "returning",
            "{name}: the session is unharmed"
        );
    }
    for (path, _) in &refused {
        let line = house.access_line(path);
        assert_eq!((&line["cookies_doubled"], &line["session"]), (&json!(1), &json!(null)), "{line}");
    }
    assert_eq!(house.counter("vestibule_cookies_doubled_total"), 6);
    house.has_refused(&refused);
}

#[test]
fn a_living_session_is_never_replaced_by_a_patch() {
    let house = House::open();
    let browser = living(&house);
    let before = browser.cookie(SHOP, "__Host-vst");

    // Another site's page: the cookies stay at home on the form, and travel on the link.
    let hook = house.app.patching("/hook", PATCH);
    browser.tab().send(Ask::form(&house.shop(&hook), EVIL, &[])).is(200).sets_nothing();
    let basket = house.app.patching("/basket", r#"{"count":1}"#);
    let linked = browser.tab().send(Ask::link(&house.shop(&basket), EVIL)).is(200);

    assert_eq!(linked.sets(), ["vst-at"]);
    assert_eq!(browser.cookie(SHOP, "__Host-vst"), before);
    let told = house.whoami(&mut browser.tab());
    assert_eq!(told.attributes(), json!({"basket": ["old"], "count": 1}));
}

/// The browser of a returning visitor.
#[track_caller]
fn living(house: &House) -> Browser {
    let mut tab = house.browser().tab();
    house.patch(&mut tab, r#"{"basket":["old"]}"#).is(200);
    house.whoami(&mut tab);
    tab.browser
}
