//! The first accepted patch makes an anonymous visitor a returning one: a session, two cookies, and from then on silence.

use serde_json::json;

use super::browser::Browser;
use super::house::{DAY, House, MINUTE, SHOP};

const BOTH: [&str; 3] = ["vst", "vst-at", "vst-keep"];

#[test]
fn the_first_patch_makes_a_session_and_sets_its_cookies() {
    let house = House::open();
    let mut tab = house.browser().tab();

    let page = house.patch(&mut tab, r#"{"basket":["doormat"]}"#).is(200);

    assert_eq!(page.sets(), BOTH);
    assert_eq!(page.set_cookie("__Host-vst").max_age, None);
    assert_eq!(page.set_cookie("__Host-vst-keep").max_age, Some(90 * 24 * 3600));
    assert_eq!(page.set_cookie("__Host-vst-at").max_age, Some(2));
    assert_eq!(page.field("cache-control"), "private, no-store");
    assert!(!page.fields.has("x-context-update"));
    let [vst, keep] = ["__Host-vst", "__Host-vst-keep"].map(|name| page.set_cookie(name).value.clone());
    let (handle, secret) = vst.split_once('.').expect("a handle and a secret");
    assert!(handle.len() >= 22 && secret.len() >= 22, "128 bits in base64url: {vst}");
    assert_eq!(keep.split_once('.').map(|(handle, _)| handle), Some(handle));
    assert_ne!(keep, vst, "two secrets");

    let told = house.whoami(&mut tab);
    assert_eq!(told.standing(), "returning");
    assert_eq!(told.context("session"), Some(handle));
    assert_eq!(told.attributes(), json!({"basket": ["doormat"]}));
    assert_eq!(told.names(), ["attributes", "session", "standing", "token", "visitor"]);
    let (claims, visitor) = (told.claims(), told.context("visitor").expect("a visitor"));
    assert_eq!(claims["sub"], format!("v:{visitor}"));
    assert_eq!(claims["sid"], handle);
    assert!(claims.get("basket").is_none(), "no attributes in tokens: {claims}");
}

#[test]
fn a_later_patch_sets_only_the_name_of_who_wrote() {
    let house = House::open();
    let mut tab = house.browser().tab();
    house.patch(&mut tab, r#"{"basket":[1]}"#).is(200);
    let before = cookies(&tab.browser);

    let page = house.patch(&mut tab, r#"{"count":1}"#).is(200);

    assert_eq!(page.sets(), ["vst-at"]);
    assert_eq!(cookies(&tab.browser), before);
}

#[test]
fn a_patch_that_leaves_nothing_makes_no_session() {
    let house = House::open();
    let mut tab = house.browser().tab();

    for patch in [r#"{"basket":null}"#, "{}"] {
        house.patch(&mut tab, patch).is(200).sets_nothing();
    }

    assert_eq!(house.whoami(&mut tab).standing(), "anonymous");
}

#[test]
fn a_session_whose_cookie_never_comes_back_ends_after_ten_minutes() {
    let house = House::open();
    let (lost, seen) = (house.browser(), house.browser());
    house.patch(&mut lost.tab(), r#"{"basket":[1]}"#).is(200);
    house.patch(&mut seen.tab(), r#"{"basket":[1]}"#).is(200);
    house.whoami(&mut seen.tab());

    house.advance(11 * MINUTE);

    assert_eq!(house.whoami(&mut lost.tab()).standing(), "anonymous");
    assert_eq!(house.whoami(&mut seen.tab()).standing(), "returning");
}

#[test]
fn a_week_without_a_visit_forgets_and_each_visit_begins_it_anew() {
    let house = House::open();
    let mut tab = house.browser().tab();
    house.patch(&mut tab, r#"{"basket":[1]}"#).is(200);
    let before = cookies(&tab.browser);

    for _ in 0..3 {
        house.whoami(&mut tab);
        house.advance(6 * DAY);
    }
    assert_eq!(house.whoami(&mut tab).standing(), "returning");
    house.advance(7 * DAY);

    assert_eq!(house.whoami(&mut tab).standing(), "anonymous");
    assert_eq!(cookies(&tab.browser), before, "an end by time clears no cookie");
}

#[test]
fn ninety_days_end_a_session_whoever_visits() {
    let house = House::open();
    let mut tab = house.browser().tab();
    house.patch(&mut tab, r#"{"basket":[1]}"#).is(200);

    for _ in 0..15 {
        assert_eq!(house.whoami(&mut tab).standing(), "returning");
        house.advance(6 * DAY);
    }

    assert_eq!(house.whoami(&mut tab).standing(), "anonymous");
    assert_eq!(
        tab.browser.cookie(SHOP, "__Host-vst-keep"),
        None,
        "the browser has dropped it at that moment"
    );
}

#[test]
fn the_lasting_cookie_alone_finds_the_session_after_the_browser_was_closed() {
    let house = House::open();
    let mut tab = house.browser().tab();
    house.patch(&mut tab, r#"{"basket":[1]}"#).is(200);
    let before = house.whoami(&mut tab);

    tab.browser.close();
    assert_eq!(tab.browser.cookie(SHOP, "__Host-vst"), None);
    let after = house.whoami(&mut tab);

    assert_eq!(after.standing(), "returning");
    assert_eq!(after.context("session"), before.context("session"));
    assert_eq!(after.attributes(), before.attributes());
    let page = house.patch(&mut tab, r#"{"count":2}"#).is(200);
    assert_eq!(page.sets(), ["vst-at"]);
    assert_eq!(house.whoami(&mut tab).attributes(), json!({"basket": [1], "count": 2}));
}

#[test]
fn a_wrong_secret_is_anonymous_and_harms_nobody() {
    let house = House::open();
    let mut tab = house.browser().tab();
    house.patch(&mut tab, r#"{"basket":[1]}"#).is(200);
    let thief = tab.browser.copy();
    for name in ["__Host-vst", "__Host-vst-keep"] {
        let value = thief.cookie(SHOP, name).expect("a session cookie");
        let last = if value.ends_with('A') { 'Q' } else { 'A' };
        thief.put_cookie(SHOP, name, &format!("{}{last}", &value[..value.len() - 1]));
    }

    assert_eq!(house.whoami(&mut thief.tab()).standing(), "anonymous");

    let told = house.whoami(&mut tab);
    assert_eq!((told.standing(), told.attributes()), ("returning", json!({"basket": [1]})));
}

/// The session cookies.
fn cookies(browser: &Browser) -> Vec<(String, String)> {
    let mut cookies = browser.cookies(SHOP);
    cookies.retain(|(name, _)| matches!(name.as_str(), "__Host-vst" | "__Host-vst-keep"));
    cookies
}
