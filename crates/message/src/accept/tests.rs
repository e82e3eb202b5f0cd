//! Media ranges as browsers and programs write them.

use super::*;

#[test]
fn a_page_is_taken_by_whoever_names_it_and_does_not_refuse_it() {
    for (accept, is_taken) in [
        ("text/html", true),
        ("text/html,application/xhtml+xml;q=0.9", true),
        ("application/json, Text/HTML ; q=0.1", true),
        ("*/*", false),
        ("", false),
        ("text/html;q=0, */*", false),
        ("text/html; q=0.000", false),
        ("text/htmlx", false),
        ("x-text/html", false),
    ] {
        assert_eq!(names_html(accept.as_bytes()), is_taken, "{accept}");
    }
}
