//! The first visit: anonymous, served at once, nothing written anywhere. PROTOCOL of cookies: a page view sets none.

use super::browser::Ask;
use super::house::{HOUR, House};

#[test]
fn a_page_is_shown_and_nothing_is_kept() {
    let house = House::open();
    let mut tab = house.browser().tab();
    let path = house.app.answering("", &["Set-Cookie: theme=dark; Path=/", "X-Context-Standing: logged-on"]);

    let page = tab.open(&house.shop(&path)).is(200).sets_nothing();

    assert_eq!(page.body, "a page");
    assert_eq!(page.fields.only("vary"), Some("Cookie"));
    assert!(page.fields.iter().all(|(name, _)| !name.to_ascii_lowercase().starts_with("x-context")));
    assert_eq!(tab.browser.cookies("shop.localhost"), [("theme".to_owned(), "dark".to_owned())]);
    let told = house.app.told(&path);
    assert_eq!(told.names(), ["standing", "token"]);
    assert_eq!(told.standing(), "anonymous");
}

#[test]
fn all_anonymous_visitors_of_a_site_share_one_token_without_a_session() {
    let house = House::open();

    let one = house.whoami(&mut house.browser().tab());
    let other = house.whoami(&mut house.browser().tab());
    let elsewhere = house.whoami_in_outlet(&mut house.browser().tab());

    assert_eq!(one.context("token"), other.context("token"));
    assert_eq!(one.claims()["sub"], "shop-anonymous");
    assert_eq!(elsewhere.claims()["sub"], "outlet-anonymous");
    for absent in ["sid", "ep", "visitor"] {
        assert!(one.claims().get(absent).is_none(), "{absent} in {}", one.claims());
    }
}

#[test]
fn the_shared_token_is_always_valid_when_an_app_gets_it() {
    let house = House::open();
    let mut tab = house.browser().tab();
    let before = house.whoami(&mut tab);

    house.advance(HOUR);
    let after = house.whoami(&mut tab);

    assert_ne!(before.context("token"), after.context("token"));
    let (now, claims) = (super::house::BEGIN + 3_600, after.claims());
    assert!(claims["exp"].as_i64().is_some_and(|exp| exp > now && exp <= now + 600), "{claims}");
}

#[test]
fn a_page_above_the_standing_leads_to_the_log_in_and_writes_nothing() {
    let house = House::open();
    let mut tab = house.browser().tab();
    let path = house.app.new_path("/account");

    let sent_off = tab.open(&house.shop(&format!("{path}?tab=2"))).is(303).sets_nothing();

    let to = format!("/.vestibule/login?to={}%3Ftab%3D2", path.replace('/', "%2F"));
    assert_eq!(sent_off.field("location"), to);
    assert_eq!(sent_off.field("cache-control"), "no-store");
    assert_eq!(house.app.calls(&path), 0);
}

#[test]
fn what_is_no_page_gets_a_problem_that_names_the_log_in_and_the_app_is_not_called() {
    let house = House::open();
    let mut tab = house.browser().tab();
    tab.open(&house.shop("/")).is(200);
    let path = house.app.new_path("/account");
    let url = house.shop(&path);

    for (what, ask) in [
        ("a script", Ask::script("GET", &url, &house.shop("/"))),
        ("a picture", Ask::picture(&url, &house.shop("/"))),
        ("a frame", Ask::frame(&url, &house.shop("/"))),
        ("a form", Ask::form(&url, &house.shop("/"), &[("a", "1")])),
    ] {
        let refused = tab.send(ask).is(401).sets_nothing();
        assert_eq!(refused.field("content-type"), "application/problem+json", "{what}");
        let log_in = refused.json()["log_in"].as_str().map(str::to_owned);
        assert!(log_in.is_some_and(|it| it.starts_with("/.vestibule/login?to=")), "{what}: {refused:?}");
    }
    assert_eq!(house.app.calls(&path), 0);
}

#[test]
fn another_name_of_the_site_leads_to_its_origin() {
    let house = House::open();
    let mut tab = house.browser().tab();
    let url = house.shop("/whoami/deep?a=1&b=%20").replace("http://shop", "http://www.shop");

    let sent_off = tab.open(&url).is(307).sets_nothing();

    assert_eq!(sent_off.field("location"), house.shop("/whoami/deep?a=1&b=%20"));
}
