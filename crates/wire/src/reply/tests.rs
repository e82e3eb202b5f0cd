//! Every refusal is a page for people and a JSON document for the rest, and names no part of us.

use base64::Engine as _;
use sha2::{Digest as _, Sha256};
use vestibule_message::framing::LengthFault;
use vestibule_message::target::TargetFault;

use super::*;
use crate::page::{PAGE, PAGE_POLICY};

fn audience(fields: &str) -> Audience {
    Audience::of([127, 0, 0, 1].into(), format!("GET / HTTP/1.1\r\n{fields}\r\n").as_bytes())
}

fn refusals() -> [(Refusal, u16); 14] {
    [
        (Refusal::Scan(ScanFault::BareLf), 400),
        (Refusal::Head(HeadFault::Host), 400),
        (Refusal::Head(HeadFault::Length(LengthFault::Both)), 400),
        (Refusal::Head(HeadFault::Target(TargetFault::Parameter)), 400),
        (Refusal::Head(HeadFault::Target(TargetFault::Byte)), 400),
        (Refusal::Head(HeadFault::Length(LengthFault::Coding)), 400),
        (Refusal::Head(HeadFault::TooLarge("one field")), 431),
        (Refusal::Head(HeadFault::TargetTooLong), 414),
        (Refusal::Head(HeadFault::Version), 505),
        (Refusal::Body(ChunkFault::Size), 400),
        (Refusal::Head(HeadFault::MethodNotAllowed), 405),
        (Refusal::HeadSlow, 408),
        (Refusal::Crowded, 503),
        (Refusal::Panic, 500),
    ]
}

fn fields(answer: &Answer) -> String {
    String::from_utf8(answer.lines.as_bytes().to_vec()).unwrap()
}

#[test]
fn refusals_read_well() {
    for (refusal, code) in refusals() {
        let answer = refusal.answer(&audience("Accept: application/json\r\n"));
        assert!(fields(&answer).contains("content-type: application/problem+json\r\n"));
        let body = String::from_utf8(answer.body).unwrap();
        assert_eq!(answer.status.code(), code, "{body}");
        assert_eq!(body.matches('"').count(), 10, "a quote inside would break the document: {body}");
        assert!(!body.contains('\\') && !body.to_lowercase().contains("vestibule"), "{body}");
    }
}

#[test]
fn people_get_a_page() {
    for (refusal, code) in refusals() {
        let answer = refusal.answer(&audience("Accept: text/html\r\n"));
        assert!(fields(&answer).contains("content-type: text/html"), "{refusal:?}");
        let body = String::from_utf8(answer.body).unwrap();
        assert_eq!(answer.status.code(), code);
        assert!(body.contains(&format!("<small>{code} ")) && !body.contains("{headline}"), "{body}");
        assert!(!body.contains("<script") && !body.to_lowercase().contains("vestibule"), "{body}");
    }
}

#[test]
fn nothing_of_ours_may_be_framed_read_across_sites_or_kept() {
    for (refusal, _) in refusals() {
        for accept in ["Accept: text/html\r\n", "Accept: */*\r\n"] {
            let fields = fields(&refusal.answer(&audience(accept)));
            for line in [
                "cache-control: no-store",
                "x-content-type-options: nosniff",
                "referrer-policy: no-referrer",
                "cross-origin-opener-policy: same-origin",
                "content-security-policy: default-src 'none'; ",
                "frame-ancestors 'none'",
            ] {
                assert!(fields.contains(line), "{refusal:?}: {line}");
            }
        }
    }
}

#[test]
fn only_cookies_that_are_too_large_are_offered_to_be_removed() {
    let refusal = Refusal::Head(HeadFault::TooLarge("one field"));
    let page = |fields: &str| String::from_utf8(refusal.answer(&audience(fields)).body).unwrap();
    let bomb = format!("Accept: text/html\r\nCookie: bomb={}; <b>=1\r\n", "x".repeat(16_996));
    let said = page(&bomb);
    assert!(said.contains("<li>bomb (17 KB)</li>") && said.contains("<script>"), "{said}");
    // Without scripts there is no button, and a way by hand.
    assert!(said.contains(r#"<p id="offer" hidden>"#) && said.contains("<h2>By hand</h2>"), "{said}");
    assert!(!said.contains("<b>") && !said.contains("xxx"), "{said}");
    let answer = refusal.answer(&audience(&bomb));
    // An error never clears a session: what to remove is the person's own choice.
    assert!(!fields(&answer).contains("set-cookie") && !fields(&answer).contains("clear-site-data"));
    let unnamed = page(&format!("Accept: text/html\r\nCookie: <b>={}\r\n", "x".repeat(17_000)));
    assert!(unnamed.contains("<script>") && !unnamed.contains("<ul>"), "{unnamed}");
    let other = page(&format!("Accept: text/html\r\nX-Any: {}\r\n", "x".repeat(17_000)));
    assert!(!other.contains("<script>") && other.contains("The request is too large"), "{other}");
}

#[test]
fn the_policies_allow_what_the_pages_hold_and_nothing_else() {
    let hash = |page: &str, tag: &str| {
        let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
        let text = page.split_once(&open).unwrap().1.split_once(&close).unwrap().0;
        format!(
            "{tag}-src 'sha256-{}'",
            base64::engine::general_purpose::STANDARD.encode(Sha256::digest(text))
        )
    };
    for (page, policy, tags) in
        [(PAGE, PAGE_POLICY, &["style"][..]), (COOKIES_PAGE, COOKIES_POLICY, &["style", "script"][..])]
    {
        for tag in tags {
            assert!(policy.contains(&hash(page, tag)), "{}", hash(page, tag));
            assert_eq!(page.matches(&format!("<{tag}")).count(), 1);
        }
        assert_eq!(policy.matches("sha256-").count(), tags.len());
        assert!(!page.contains("style=") && !page.contains("onclick="));
    }
}
