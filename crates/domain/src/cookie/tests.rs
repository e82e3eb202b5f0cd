//! Names byte for byte, values character for character, and who sets what.

use super::*;
use crate::fixture::*;

const HANDLE: Handle = Handle::from_bytes([7; 16]);

fn value(number: u8) -> String {
    SessionValue { handle: HANDLE, secret: vst(number) }.expose()
}

fn read(cookies: &[(&str, &str)]) -> Jar {
    Jar::read(cookies.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())))
}

fn found(jar: &Jar) -> Vec<SessionCookie> {
    jar.candidates().map(|(cookie, _)| cookie).collect()
}

#[test]
fn a_value_is_a_handle_a_dot_and_a_secret() {
    let good = value(1);
    assert_eq!(good.len(), 45);
    let read = SessionValue::parse(good.as_bytes()).unwrap();
    assert_eq!(read.handle, HANDLE);
    assert!(read.secret.digest().matches(&vst(1)));
    assert!(!format!("{read:?}").contains(&vst(1).expose()));
    let bad = [
        String::new(),
        good[..44].to_owned(),
        format!("{good}A"),
        format!("{good} "),
        format!("\"{good}\""),
        good.replace('.', "-"),
        good.replace('.', ""),
        "x".repeat(10_000),
        format!("{HANDLE}.{}", "'".repeat(22)),
    ];
    for text in bad {
        assert!(SessionValue::parse(text.as_bytes()).is_none(), "{text}");
    }
}

#[test]
fn look_alike_names_are_no_cookies_of_ours() {
    let value = value(1);
    for name in [
        "__host-vst",
        "__HOST-VST",
        " __Host-vst",
        "__Host-vst ",
        "\u{2000}__Host-vst",
        "\u{85}__Host-vst",
        "\"__Host-vst\"",
        "=__Host-vst",
        "",
        "vst",
    ] {
        let jar = read(&[(name, &value)]);
        assert_eq!(found(&jar), [], "{name:?}");
        assert_eq!(jar.fate(SessionCookie::Vst), Some(Fate::NotSent), "{name:?}");
    }
}

#[test]
fn vst_is_looked_up_first() {
    let (one, two) = (value(1), value(2));
    let jar = read(&[("theme", "dark"), ("__Host-vst-keep", &two), ("__Host-vst", &one)]);
    assert_eq!(found(&jar), [SessionCookie::Vst, SessionCookie::Keep]);
    assert_eq!((jar.fate(SessionCookie::Vst), jar.fate(SessionCookie::Keep)), (None, None));
    assert!(jar.any_of_ours() && !jar.is_doubled());
}

#[test]
fn two_of_one_name_find_nothing_at_all() {
    let (one, two) = (value(1), value(2));
    for cookies in [
        vec![("__Host-vst", one.as_str()), ("__Host-vst", two.as_str()), ("__Host-vst-keep", one.as_str())],
        vec![("__Host-vst", one.as_str()), ("__Host-vst", one.as_str())],
        vec![("__Host-vst", one.as_str()), ("__Host-vst-keep", "x"), ("__Host-vst-keep", one.as_str())],
        vec![("__Host-vst", "x"), ("__Host-vst", "x"), ("__Host-vst", one.as_str())],
    ] {
        let jar = read(&cookies);
        assert!(jar.is_doubled(), "{cookies:?}");
        assert_eq!(found(&jar), [], "{cookies:?}");
        let fates = [SessionCookie::Vst, SessionCookie::Keep].map(|cookie| jar.fate(cookie));
        assert!(fates.contains(&Some(Fate::Doubled)));
    }
}

#[test]
fn an_unreadable_value_finds_nothing_and_lives_nowhere() {
    let jar = read(&[("__Host-vst", "$Version=1"), ("__Host-vst-keep", "")]);
    assert_eq!(found(&jar), []);
    assert_eq!(jar.fate(SessionCookie::Vst), Some(Fate::Gone));
    assert_eq!(jar.fate(SessionCookie::Keep), Some(Fate::Gone));
}

#[test]
fn cookies_of_other_faces_count_as_ours_and_are_not_read() {
    for name in ["__Host-vst-idp", "__Host-vst-known", "__Host-vst-way", "__Host-vst-of-tomorrow"] {
        let jar = read(&[(name, "x"), (name, "y")]);
        assert!(jar.any_of_ours() && !jar.is_doubled(), "{name}");
    }
    assert!(!read(&[("theme", "dark")]).any_of_ours());
}

#[test]
fn another_process_reads_through_while_the_writer_is_named() {
    let (own, other) = (NodeId::from_bytes([1; 16]), NodeId::from_bytes([2; 16]));
    let at = |text: &str| read(&[("__Host-vst-at", text)]).must_read_through(own);
    assert!(!read(&[]).must_read_through(own));
    assert!(!at(&own.to_string()));
    assert!(at(&other.to_string()));
    assert!(at("x"));
}

#[test]
fn tries_come_back_and_nonsense_is_none() {
    let mut tries = Tries::default();
    tries.push(crate::attempt::TryValue::from_random(&[1; 16]));
    assert!(!read(&[("__Host-vst-try", &tries.expose())]).tries().is_empty());
    assert!(read(&[("__Host-vst-try", "x")]).tries().is_empty());
    assert!(read(&[]).tries().is_empty());
}

#[test]
fn only_what_won_a_commit_speaks_of_session_cookies() {
    let cases = [
        (Committed::Nothing, SessionCookies::Silent, false),
        (Committed::Patch, SessionCookies::Silent, true),
        (Committed::FirstPatch, SessionCookies::Set, true),
        (Committed::LogOn, SessionCookies::Set, true),
        (Committed::StepDown, SessionCookies::Silent, false),
        (Committed::LogOut, SessionCookies::Clear, false),
    ];
    for (committed, cookies, names_writer) in cases {
        assert_eq!(committed.session_cookies(), cookies);
        assert_eq!(committed.names_writer(), names_writer);
    }
}

#[test]
fn lines_have_every_attribute_and_no_domain() {
    let [first, second] = set_session(HANDLE, &vst(1), &keep(1), &limits());
    assert_eq!(first, format!("__Host-vst={}; Path=/; Secure; HttpOnly; SameSite=Lax", value(1)));
    let kept = SessionValue { handle: HANDLE, secret: keep(1) }.expose();
    let expected = format!("__Host-vst-keep={kept}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=7776000");
    assert_eq!(second, expected);
    let [first, second] = clear_session();
    assert_eq!(first, "__Host-vst=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0");
    assert_eq!(second, "__Host-vst-keep=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0");
    let at = set_at(NodeId::from_bytes([0; 16]));
    assert!(at.starts_with("__Host-vst-at=AAAAAAAAAAAAAAAAAAAAAA; ") && at.ends_with("; Max-Age=2"));
}

#[test]
fn every_name_begins_with_the_prefix_that_apps_never_see() {
    assert!(Cookie::ALL.iter().all(|cookie| cookie.name().starts_with(PREFIX)));
}
