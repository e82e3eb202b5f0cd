//! Two tabs, and fifty, change the context at the same time: what was acknowledged is there afterwards.

use std::collections::BTreeSet;
use std::thread;

use serde_json::{Value, json};
use vestibule_testkit::upstream::{Step, answer};

use super::browser::{Ask, Reply};
use super::house::{House, SHOP};

const TABS: usize = 50;

#[test]
fn two_tabs_that_change_different_keys_both_win() {
    let house = House::open();
    let mut tab = house.browser().tab();
    house.patch(&mut tab, r#"{"basket":[]}"#).is(200);

    // Both apps have read the session before either has answered.
    let replies = at_once(&house, &tab, &[r#"{"basket":["a"]}"#.to_owned(), r#"{"count":2}"#.to_owned()]);

    for reply in replies {
        assert_eq!((reply.status, reply.sets()), (200, vec!["vst-at".to_owned()]));
    }
    assert_eq!(house.whoami(&mut tab).attributes(), json!({"basket": ["a"], "count": 2}));
}

#[test]
fn two_tabs_that_change_leaves_of_one_key_both_win_and_of_one_leaf_the_last() {
    let house = House::open();
    let mut tab = house.browser().tab();
    house.patch(&mut tab, r#"{"basket":{}}"#).is(200);

    let patches = [r#"{"basket":{"a":1,"both":1}}"#.to_owned(), r#"{"basket":{"b":2,"both":2}}"#.to_owned()];
    for reply in at_once(&house, &tab, &patches) {
        reply.is(200);
    }

    let basket = house.whoami(&mut tab).attribute("basket");
    assert_eq!((&basket["a"], &basket["b"]), (&json!(1), &json!(2)));
    assert!(basket["both"] == json!(1) || basket["both"] == json!(2), "{basket}");
}

#[test]
fn b23_of_fifty_at_once_each_is_saved_or_told_that_it_is_not() {
    let house = House::open();
    let mut tab = house.browser().tab();
    house.patch(&mut tab, r#"{"basket":{}}"#).is(200);
    let before = tab.browser.cookie(SHOP, "__Host-vst");

    let patches: Vec<_> = (0..TABS).map(|n| format!(r#"{{"basket":{{"k{n}":{n}}},"count":{n}}}"#)).collect();
    let replies = at_once(&house, &tab, &patches);

    let mut saved = BTreeSet::new();
    for (n, reply) in replies.into_iter().enumerate() {
        match reply.status {
            200 => {
                saved.insert(format!("k{n}"));
            }
            _ => {
                let problem = reply.is(503).sets_nothing();
                assert_eq!(problem.json()["type"], "urn:vestibule:problem:context-not-saved");
                assert!(!problem.fields.has("retry-after"), "no second order: {problem:?}");
            }
        }
    }
    let told = house.whoami(&mut tab);
    let basket = told.attribute("basket");
    let there: BTreeSet<_> = basket.as_object().into_iter().flat_map(|it| it.keys().cloned()).collect();
    assert_eq!(there, saved);
    // On the same leaf one of them is the last.
    assert!(saved.contains(&format!("k{}", told.attribute("count"))), "{saved:?}");
    // Whoever is refused has lost to five others.
    assert!(saved.len() > 5, "{} of {TABS}", saved.len());
    assert_eq!(tab.browser.cookie(SHOP, "__Host-vst"), before);
}

#[test]
fn two_first_patches_at_once_make_two_sessions_and_the_browser_has_one_of_them() {
    let house = House::open();
    let mut tab = house.browser().tab();

    let patches = [r#"{"basket":["a"]}"#.to_owned(), r#"{"basket":["b"]}"#.to_owned()];
    let replies = at_once(&house, &tab, &patches);

    let handles: BTreeSet<_> =
        replies.iter().map(|reply| handle(&reply.set_cookie("__Host-vst").value)).collect();
    assert_eq!(handles.len(), 2);
    let told = house.whoami(&mut tab);
    let basket: Value = told.attribute("basket");
    assert!(basket == json!(["a"]) || basket == json!(["b"]), "one of them whole: {basket}");
    assert!(handles.contains(told.context("session").expect("a session")));
    let [vst, keep] =
        ["__Host-vst", "__Host-vst-keep"].map(|name| tab.browser.cookie(SHOP, name).expect("a cookie"));
    assert_eq!(handle(&vst), handle(&keep), "both cookies are of the same session");
}

fn handle(value: &str) -> String {
    value.split('.').next().unwrap_or_default().to_owned()
}

/// Sends these patches so that every app has its request before any of them answers.
#[track_caller]
fn at_once(house: &House, tab: &super::browser::Tab, patches: &[String]) -> Vec<Reply> {
    let paths: Vec<_> = patches
        .iter()
        .map(|patch| {
            let update = format!("x-context-update: {patch}");
            let answer = answer(200, &[&update], "a page");
            house.app.playing("/basket", vec![Step::ReadBody, Step::Hold("all"), Step::Send(answer)])
        })
        .collect();
    thread::scope(|scope| {
        let asking: Vec<_> = paths
            .iter()
            .map(|path| {
                let mut tab = tab.clone();
                let ask = Ask::form(&house.shop(path), &house.shop("/"), &[("item", "1")]);
                scope.spawn(move || tab.send(ask))
            })
            .collect();
        for path in &paths {
            house.app.wait_for(path);
        }
        house.app.release("all");
        asking.into_iter().map(|asked| asked.join().expect("an answer")).collect()
    })
}
