//! What caches are told: a page of one visitor never reaches another through one.

use super::browser::Tab;
use super::house::House;

const OURS: &str = "private, no-store";

#[test]
fn what_leaves_for_an_anonymous_visitor_is_what_the_app_said() {
    let house = House::open();
    let mut tab = house.browser().tab();

    assert_eq!(caching(&house, &mut tab, "", &[]), (None, vec!["Cookie"]));
    let said = caching(&house, &mut tab, "", &["Cache-Control: public, max-age=60", "Vary: Accept"]);
    assert_eq!(said, (Some("public, max-age=60".to_owned()), vec!["Accept", "Cookie"]));
    let said = caching(&house, &mut tab, "/shared", &["Cache-Control: public, max-age=60"]);
    assert_eq!(said, (Some("public, max-age=60".to_owned()), vec![]));
}

#[test]
fn what_leaves_for_a_known_visitor_is_private() {
    let house = House::open();
    let mut returning = house.browser().tab();
    house.patch(&mut returning, r#"{"basket":[1]}"#).is(200);
    let logged_on = house.logged_on();

    for mut tab in [returning, logged_on] {
        for (said, left) in [
            (None, OURS),
            (Some("public"), OURS),
            (Some("public, max-age=60"), OURS),
            (Some("max-age=60"), OURS),
            (Some("s-maxage=60"), OURS),
            (Some("private, s-maxage=60"), OURS),
            (Some("private=\"x-a\", max-age=60"), OURS),
            (Some("no-cache"), OURS),
            (Some("private, max-age=60"), "private, max-age=60"),
            (Some("PRIVATE"), "PRIVATE"),
            (Some("no-store"), "no-store"),
        ] {
            let line = said.map(|said| format!("Cache-Control: {said}"));
            let lines: Vec<_> = line.iter().map(String::as_str).collect();
            let (cache_control, _) = caching(&house, &mut tab, "", &lines);
            assert_eq!(cache_control.as_deref(), Some(left), "{said:?}");
        }
        let path =
            house.app.answering("", &["CDN-Cache-Control: max-age=60", "Surrogate-Control: max-age=60"]);
        let page = tab.open(&house.shop(&path)).is(200);
        assert!(!page.fields.has("cdn-cache-control") && !page.fields.has("surrogate-control"), "{page:?}");
        let said = caching(&house, &mut tab, "/shared", &["Cache-Control: public, max-age=60"]);
        assert_eq!(
            said.0.as_deref(),
            Some("public, max-age=60"),
            "the route says that it is the same for everyone"
        );
    }
}

#[test]
fn what_sets_a_cookie_of_ours_is_private_whatever_route_and_app_say() {
    let house = House::open();
    for root in ["/basket", "/shared"] {
        let mut tab = house.browser().tab();
        for patch in [r#"{"basket":[1]}"#, r#"{"basket":[2]}"#] {
            let update = format!("x-context-update: {patch}");
            let lines = [update.as_str(), "Cache-Control: public, max-age=60", "Set-Cookie: theme=dark"];
            let path = house.app.answering(root, &lines);
            let page = tab.open(&house.shop(&path)).is(200);
            assert!(!page.sets().is_empty());
            assert_eq!(page.field("cache-control"), OURS, "{root} {patch}");
        }
    }
}

#[test]
fn our_own_answers_are_kept_by_nobody() {
    let house = House::open();
    let mut tab = house.browser().tab();
    for path in [
        "/account",
        "/.vestibule/session",
        "/.vestibule/login?to=%2F",
        "/.vestibule/nothing",
        "/.vestibule/callback",
    ] {
        assert_eq!(tab.open(&house.shop(path)).field("cache-control"), "no-store", "{path}");
    }
}

/// `Cache-Control` and `Vary` that a page leaves with.
#[track_caller]
fn caching(house: &House, tab: &mut Tab, root: &str, lines: &[&str]) -> (Option<String>, Vec<&'static str>) {
    let path = house.app.answering(root, lines);
    let page = tab.open(&house.shop(&path)).is(200).sets_nothing();
    let vary = ["Accept", "Cookie"].into_iter().filter(|it| page.fields.all("vary").contains(it)).collect();
    let said = page.fields.all("cache-control");
    assert!(said.len() <= 1, "said twice: {page:?}");
    (said.first().map(|it| (*it).to_owned()), vary)
}
