//! Pages: escaping, policy, and that nothing a caller says becomes markup.

use super::*;

const PROBLEM: Problem = Problem { title: "Not right", text: "Try <again>", field: Some("username") };

#[test]
fn every_page_renders_in_the_layout_without_script_or_inline_style() {
    let pages = Pages::new();
    let rendered = [
        pages.login(&LoginForm {
            action: "/login?a=b",
            csrf: "c",
            client: "Shop",
            user_name: "",
            problem: None,
        }),
        pages.password(&PasswordForm { csrf: "c", user_name: "", problem: Some(PROBLEM) }),
        pages.logout("c"),
        pages.done("Done", "Close this window."),
        pages.failure("This did not work", PROBLEM, Some("/begin?a=\"b")),
    ];
    for html in rendered {
        assert!(html.starts_with("<!doctype html>\n<html lang=\"en\">"), "{html}");
        assert!(html.contains("<link rel=\"stylesheet\" href=\"/style.css\">"), "{html}");
        assert!(html.contains("<link rel=\"icon\" href=\"/icon.svg\""), "{html}");
        assert_eq!(html.matches("<h1>").count(), 1, "{html}");
        for banned in ["<script", "style=", "<style", " onload", "javascript:"] {
            assert!(!html.contains(banned), "{banned} in {html}");
        }
        assert_eq!(html.matches("<input id=").count(), html.matches("<label for=").count(), "{html}");
    }
}

#[test]
fn values_are_text_whatever_they_hold() {
    let hostile = "\"><script>alert(1)</script>'";
    let form = LoginForm {
        action: hostile,
        csrf: hostile,
        client: hostile,
        user_name: hostile,
        problem: Some(PROBLEM),
    };
    let html = Pages::new().login(&form);
    assert!(!html.contains("<script>"), "{html}");
    assert!(!html.contains("\"><"), "{html}");
    assert_eq!(html.matches("&lt;script&gt;").count(), 4, "{html}");
}

#[test]
fn a_problem_is_announced_and_leads_to_its_field() {
    let form =
        LoginForm { action: "/login", csrf: "c", client: "Shop", user_name: "al", problem: Some(PROBLEM) };
    let html = Pages::new().login(&form);
    assert!(html.contains("<title>Error: Log in</title>"), "{html}");
    assert!(html.contains("role=\"alert\""), "{html}");
    assert!(html.contains("<a href=\"#username\">Try &lt;again&gt;</a>"), "{html}");
    assert!(html.contains("aria-invalid=\"true\""), "{html}");
    assert!(html.contains("value=\"al\""), "{html}");
}
