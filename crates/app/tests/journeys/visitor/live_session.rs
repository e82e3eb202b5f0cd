//! What only we may say, while a visitor is known: it comes from us alone and stays between us and the apps. The ids
//! are classes of attack.

use vestibule_testkit::patience::PATIENCE;
use vestibule_testkit::strict::folded;
use vestibule_testkit::upstream::{Step, answer};

use super::super::hygiene;
use super::app::Told;
use super::browser::{Ask, Tab};
use super::house::{House, SHOP, eventually};

/// Lines that a head takes beside a browser's own.
const FORGED_MAX: usize = 80;
const CONTEXT: [&str; 11] = [
    "standing",
    "visitor",
    "user",
    "remembered-user",
    "session",
    "authenticated-at",
    "level",
    "claims",
    "attributes",
    "token",
    "degraded",
];
const OTHERS: [&str; 9] = [
    "authorization",
    "x-request-id",
    "traceparent",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-forwarded-host",
    "x-forwarded-user",
    "x-real-ip",
    "forwarded",
];

#[test]
fn b02_b05_an_app_hears_our_words_once_and_nobody_elses() {
    let house = House::open();
    let ours = CONTEXT.map(|name| format!("x-context-{name}"));
    let names = ours.iter().map(String::as_str).chain(OTHERS);
    let forged: Vec<_> = names.flat_map(hygiene::spellings).map(|name| format!("{name}: forged")).collect();
    for (who, mut tab) in visitors(&house) {
        for root in ["/whoami", "/desk", ""] {
            let clean = house.app.new_path(root);
            if tab.open(&house.shop(&clean)).status != 200 {
                continue;
            }
            let clean = names_of(&house.app.told(&clean));
            for forged in forged.chunks(FORGED_MAX) {
                let path = house.app.new_path(root);
                let ask = forged.iter().fold(Ask::typed(&house.shop(&path)), |ask, line| ask.with(line));
                tab.send(ask).is(200).sets_nothing();
                let told = house.app.told(&path);
                assert!(
                    !told.0.iter().any(|(_, value)| value.contains("forged")),
                    "{who} at '{root}': {told:?}"
                );
                assert_eq!(names_of(&told), clean, "{who} at '{root}'");
            }
        }
    }
}

#[test]
fn b08_a_browser_cannot_have_our_words_dropped_on_the_way() {
    let house = House::open();
    let mut tab = logged_on(&house);
    let mut clean = house.whoami(&mut tab);
    // The clock was put forward, so until the log-in is heard again each page has a token of its own.
    eventually(PATIENCE, "a token that stays", || {
        let told = house.whoami(&mut tab);
        let stays = told.context("token") == clean.context("token");
        clean = told;
        stays
    });
    for name in CONTEXT.into_iter().filter(|name| !matches!(*name, "remembered-user" | "degraded")) {
        assert!(clean.context(name).is_some(), "{name}");
    }
    let all = CONTEXT.map(|name| format!("X-Context-{name}")).join(", ");
    for nominated in [
        all.as_str(),
        "close, x-context-user",
        "X-Context-Token",
        "keep-alive, x_context_token, x.context.authenticated.at",
        "Authorization, X-Context-Authenticated-At",
        "Host, Cookie, X-Forwarded-For",
        "keep-alive, X-CONTEXT-STANDING",
    ] {
        let path = house.app.new_path("/whoami");
        tab.send(Ask::typed(&house.shop(&path)).with(&format!("Connection: {nominated}"))).is(200);
        let told = house.app.told(&path);
        for name in CONTEXT {
            assert_eq!(told.context(name), clean.context(name), "{name} with {nominated}");
        }
        for name in ["x-forwarded-for", "x-request-id", "host"] {
            assert!(told.0.only(name).is_some(), "{name} with {nominated}");
        }
    }
}

#[test]
fn b15_b29_apps_get_the_visitors_cookies_without_ours() {
    let house = House::open();
    let tab = logged_on(&house);
    let cookie = |name: &str| format!("{name}={}", tab.browser.cookie(SHOP, name).expect("a cookie"));
    let (vst, keep) = (cookie("__Host-vst"), cookie("__Host-vst-keep"));

    for (what, lines, left) in [
        ("first", vec![format!("{vst}; a=1; b=2")], "a=1; b=2"),
        ("last", vec![format!("a=1; b=2; {vst}")], "a=1; b=2"),
        ("in between", vec![format!("b=2; {keep}; {vst}; a=\"x y\"; c=; d==")], "b=2; a=\"x y\"; c=; d=="),
        (
            "in several lines",
            vec!["b=2; a=1".to_owned(), format!("{vst}; c=3"), "d=4".to_owned()],
            "b=2; a=1; c=3; d=4",
        ),
        ("alone", vec![vst.clone(), keep.clone()], ""),
        ("with others of our prefix", vec![format!("a=1; __Host-vst-new=x; __Host-vstx=y; {vst}")], "a=1"),
    ] {
        let path = house.app.new_path("/whoami");
        let ask = lines
            .iter()
            .fold(Ask::typed(&house.shop(&path)), |ask, line| ask.with(&format!("Cookie: {line}")));
        house.browser().tab().send(ask).is(200).sets_nothing();
        let told = house.app.told(&path);
        assert_eq!(told.standing(), "logged-on", "{what}");
        assert_eq!(told.cookies(), left, "{what}");
    }
}

#[test]
fn b16_what_an_app_says_to_us_never_reaches_the_browser() {
    let house = House::open();
    let mut tab = logged_on(&house);
    let lines: Vec<_> = CONTEXT
        .iter()
        .chain(&["update", "require", "login", "anything"])
        .flat_map(|name| [format!("X-Context-{name}: from-app"), format!("x_context_{name}: from-app")])
        .filter(|line| !line.starts_with("X-Context-update") && !line.starts_with("X-Context-require"))
        .collect();
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();

    for status in [200, 204, 206, 301, 304, 400, 404, 418, 500, 503] {
        for method in ["GET", "HEAD", "POST"] {
            let mut bytes = answer(status, &lines, "");
            if matches!(status, 204 | 304) {
                let text = String::from_utf8(bytes).expect("text").replace("Content-Length: 0\r\n", "");
                bytes = text.into_bytes();
            }
            let path = house.app.playing("/whoami", vec![Step::ReadBody, Step::Send(bytes)]);
            let reply = tab.send(Ask::script(method, &house.shop(&path), &house.shop("/"))).is(status);
            let leaked = reply.fields.iter().find(|(name, _)| folded(name).starts_with("x-context"));
            assert_eq!(leaked, None, "{method} {status}");
        }
    }
}

#[test]
fn b25_an_app_cannot_set_a_cookie_of_ours() {
    let house = House::open();
    let mut tab = logged_on(&house);
    let before = tab.browser.cookies(SHOP);
    let planted = [
        "__Host-vst=planted",
        "__Host-vst-keep=planted; Path=/; Secure",
        "__Host-vst-idp=planted; Path=/; Secure",
        "__Host-vst =planted",
        " __Host-vst=planted",
        "\t__Host-vst=planted",
        "__host-vst=planted",
        "__HOST-VST=planted",
        "__Host-vst=planted; Domain=localhost",
        "__Host-vst",
        "__Host-vst-new=planted",
        "=__Host-vst=planted",
    ];
    let lines: Vec<_> = planted.iter().map(|it| format!("Set-Cookie:{it}")).collect();
    let mut lines: Vec<_> = lines.iter().map(String::as_str).collect();
    lines.push("Set-Cookie: good=1; Path=/");
    let path = house.app.answering("/whoami", &lines);

    let mut raw = tab.begin(&house.shop(&path));
    let reply = raw.response();

    assert_eq!(reply.fields.all("set-cookie"), ["good=1; Path=/"]);
    tab.open(&house.shop("/")).is(200).sets_nothing();
    assert_eq!(tab.browser.cookies(SHOP), before);
}

#[test]
fn b27_b28_only_the_exact_name_is_ours() {
    let house = House::open();
    let tab = logged_on(&house);
    let value = tab.browser.cookie(SHOP, "__Host-vst").expect("a cookie");
    for line in [
        format!("__host-vst={value}"),
        format!("__HOST-VST={value}"),
        format!("\u{2000}__Host-vst={value}"),
        format!("\u{a0}__Host-vst={value}"),
        format!("\u{85}__Host-vst={value}"),
        format!("\"__Host-vst\"={value}"),
        format!("=__Host-vst={value}"),
        format!("__Host-vst\u{a0}={value}"),
        format!("__Host-vst=\"{value}\""),
        format!("__Host-vst={value} x"),
        format!("__Host-vst={value},a=1"),
        format!("__Host-vst=={value}"),
        format!("$Version=1, __Host-vst={value}"),
    ] {
        assert_eq!(standing(&house, &line).as_deref(), Some("anonymous"), "{line}");
    }
    // No legacy parsing: quotes swallow nothing, so what stands between them is a cookie like any other.
    for line in [
        format!("$Version=1; __Host-vst={value}"),
        format!("$Version=1; a=\"x; __Host-vst={value}; y\""),
        format!("a=\"; __Host-vst={value}; b=\""),
        format!("a=1;__Host-vst={value};b=2"),
    ] {
        assert_eq!(standing(&house, &line).as_deref(), Some("logged-on"), "{line}");
    }
}

/// What an app is told for this cookie line; `None` if the request was refused. The value never reaches it.
#[track_caller]
fn standing(house: &House, line: &str) -> Option<String> {
    let path = house.app.new_path("/whoami");
    let reply = house
        .browser()
        .tab()
        .send(Ask::typed(&house.shop(&path)).with(&format!("Cookie: {line}")))
        .sets_nothing();
    if reply.status == 400 {
        return None;
    }
    reply.is(200);
    Some(house.app.told(&path).standing().to_owned())
}

/// Names of all fields, in order of the names, in one spelling.
fn names_of(told: &Told) -> Vec<String> {
    let mut names: Vec<_> = told.0.iter().map(|(name, _)| folded(name)).collect();
    names.sort();
    names
}

#[track_caller]
fn visitors(house: &House) -> [(&'static str, Tab); 3] {
    let mut returning = house.browser().tab();
    house.patch(&mut returning, r#"{"basket":["old"]}"#).is(200);
    [("anonymous", house.browser().tab()), ("returning", returning), ("logged-on", logged_on(house))]
}

#[track_caller]
fn logged_on(house: &House) -> Tab {
    let mut tab = house.logged_on();
    house.patch(&mut tab, r#"{"basket":["mine"]}"#).is(200);
    house.advance(std::time::Duration::from_secs(3));
    tab
}
