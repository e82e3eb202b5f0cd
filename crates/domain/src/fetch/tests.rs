//! What counts as a page, as a navigation, and as one's own.

use super::*;

const OWN: &str = "https://shop.example";

fn read(method: &str, fields: Fields<'_>) -> Fetch {
    Fetch::read(method.as_bytes(), &fields, OWN)
}

#[test]
fn a_page_is_a_get_for_a_document() {
    let document = Fields { dest: Some(b"document"), ..Fields::default() };
    let script = Fields { dest: Some(b"empty"), accept: Some(b"text/html"), ..Fields::default() };
    let old_browser = Fields { accept: Some(b"application/xml, Text/HTML;q=0.9"), ..Fields::default() };
    let refusing = Fields { accept: Some(b"text/html;q=0, */*"), ..Fields::default() };
    let anything = Fields { accept: Some(b"*/*"), ..Fields::default() };
    let only_site = Fields { site: Some(b"none"), accept: Some(b"text/html"), ..Fields::default() };
    let cases = [
        ("GET", document, true),
        ("HEAD", document, false),
        ("POST", document, false),
        ("get", document, false),
        ("GET", script, false),
        ("GET", old_browser, true),
        ("POST", old_browser, false),
        ("GET", refusing, false),
        ("GET", anything, false),
        ("GET", only_site, false),
        ("GET", Fields::default(), false),
    ];
    for (method, fields, page) in cases {
        assert_eq!(read(method, fields).is_page(), page, "{method} {fields:?}");
    }
}

#[test]
fn a_top_navigation_is_no_frame_and_no_post() {
    let cases: [(&str, &[u8], &[u8], bool); 5] = [
        ("GET", b"navigate", b"document", true),
        ("POST", b"navigate", b"document", false),
        ("GET", b"navigate", b"iframe", false),
        ("GET", b"no-cors", b"document", false),
        ("GET", b"navigate", b"", false),
    ];
    for (method, mode, dest, top) in cases {
        let fields = Fields { mode: Some(mode), dest: Some(dest), ..Fields::default() };
        assert_eq!(read(method, fields).is_top_navigation(), top);
    }
}

#[test]
fn an_origin_is_ones_own_byte_for_byte() {
    let cases: [(Option<&[u8]>, Origin); 8] = [
        (None, Origin::Absent),
        (Some(b"https://shop.example"), Origin::Own),
        (Some(b"http://shop.example"), Origin::Foreign),
        (Some(b"https://shop.example:8443"), Origin::Foreign),
        (Some(b"https://shop.example.evil"), Origin::Foreign),
        (Some(b"https://SHOP.example"), Origin::Foreign),
        (Some(b"null"), Origin::Foreign),
        (Some(b""), Origin::Foreign),
    ];
    for (origin, expected) in cases {
        assert_eq!(read("POST", Fields { origin, ..Fields::default() }).origin, expected);
    }
}

#[test]
fn an_unreadable_fetch_site_is_foreign() {
    let cases: [(Option<&[u8]>, FetchSite); 7] = [
        (None, FetchSite::Absent),
        (Some(b"none"), FetchSite::None),
        (Some(b"same-origin"), FetchSite::SameOrigin),
        (Some(b"same-site"), FetchSite::SameSite),
        (Some(b"cross-site"), FetchSite::CrossSite),
        (Some(b"Same-Origin"), FetchSite::CrossSite),
        (Some(b""), FetchSite::CrossSite),
    ];
    for (site, expected) in cases {
        assert_eq!(read("POST", Fields { site, ..Fields::default() }).site, expected);
    }
}

#[test]
fn bytes_that_are_no_text_make_a_field_nobodys() {
    // B07: obs-text, UTF-8 cut short, a byte that UTF-8 never has, Latin-1, a blank that is none; before and after.
    for odd in [&b"\xe9"[..], b"\xc3\xa9", b"\xc3", b"\xff", b"\x80", b"\xa0", b"\xc2\xa0", b"\xef\xbb\xbf"] {
        for is_first in [true, false] {
            let bytes = |text: &[u8]| if is_first { [odd, text].concat() } else { [text, odd].concat() };
            let of = |text: &str| bytes(text.as_bytes());
            let (origin, same, none) = (of(OWN), of("same-origin"), of("none"));
            for site in [&same, &none] {
                let fields = Fields { site: Some(site), ..Fields::default() };
                assert_eq!(read("POST", fields).site, FetchSite::CrossSite, "{site:?}");
            }
            let fields = Fields { origin: Some(&origin), ..Fields::default() };
            assert_eq!(read("POST", fields).origin, Origin::Foreign, "{origin:?}");
            let (mode, dest) = (of("navigate"), of("document"));
            let fine = Fields { mode: Some(b"navigate"), dest: Some(b"document"), ..Fields::default() };
            assert!(read("GET", fine).is_top_navigation() && read("GET", fine).is_page());
            assert!(!read("GET", Fields { mode: Some(&mode), ..fine }).is_top_navigation(), "{mode:?}");
            let odd_dest = read("GET", Fields { dest: Some(&dest), accept: Some(b"text/html"), ..fine });
            assert!(!odd_dest.is_top_navigation() && !odd_dest.is_page(), "{dest:?}");
            let method = of("GET");
            assert_eq!(Method::of(&method), Method::Unsafe, "{method:?}");
        }
    }
}
