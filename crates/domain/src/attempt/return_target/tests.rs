//! Targets that stay on the site, and those that some reader takes elsewhere.

use proptest::prelude::*;

use super::*;

#[test]
fn takes_paths_of_the_site() {
    let long = format!("/{}", "x".repeat(RETURN_TARGET_BYTES_MAX - 1));
    let targets = [
        "/",
        "/account",
        "/account/",
        "/a/b?x=1&y=/z//..?w",
        "/search?q=%2Fshop%20%C3%A4",
        "/search?q=a|b{c}^`d",
        "/search?q=one%0D%0Atwo%09three%5Cfour",
        "/search?q=100%",
        "/a|b",
        "/caf%C3%A9",
        "/.hidden/...",
        "/a:b@c",
        "/?",
        "/.vestibule-apps",
        &long,
    ];
    for target in targets {
        assert_eq!(ReturnTarget::or_root(target.as_bytes()).as_str(), target);
    }
}

#[test]
fn everything_else_is_the_front_page() {
    let long = format!("/{}", "x".repeat(RETURN_TARGET_BYTES_MAX));
    let targets = [
        "",
        "account",
        "?a",
        "//evil",
        "///evil",
        "/a//evil",
        "/\\evil",
        "\\/evil",
        "\\\\evil",
        "/a\\b",
        "/a?b\\c",
        "/\tevil",
        "/\t/evil",
        "\t//evil",
        " //evil",
        "/ /evil",
        "/%09/evil",
        "/%0a/evil",
        "/%0D%0ASet-Cookie:x",
        "/a?b=%00",
        "/a\r\nLocation: //evil",
        "/%5cevil",
        "/%5Cevil",
        "/%2fevil",
        "/%2F/evil",
        "/%252fevil",
        "/%252%66evil",
        "/%25%32%66evil",
        "/%25%32e%25%32e/x",
        "/100%25",
        "/%7f",
        "/%2e%2e//evil",
        "/%2e/evil",
        "/./evil",
        "/../evil",
        "/a/..",
        "/.",
        "/..",
        "/%",
        "/%2",
        "/%zz",
        "/%+1",
        "https:evil",
        "https://evil",
        "https:/evil",
        "http:///evil",
        "javascript:alert(1)",
        "data:text/html,x",
        "good@evil",
        "good.evil.com",
        "/#//evil",
        "/\u{3002}evil",
        "/\u{ff0f}evil",
        "/\u{2215}evil",
        "//\u{ff0e}evil",
        "/<script>",
        "/\"x",
        "/\u{0}",
        "/\u{7f}",
        "/.vestibule",
        "/.vestibule/login?to=/",
        "/.vestibule?x",
        &long,
    ];
    for target in targets {
        assert_eq!(ReturnTarget::or_root(target.as_bytes()), ReturnTarget::root(), "{target:?}");
    }
    assert_eq!(ReturnTarget::or_root(b"/\xff"), ReturnTarget::root());
}

proptest! {
    #[test]
    fn what_is_taken_never_leaves_the_site(target in "[/\\\\.%a-z0-9?#@: \t2fFeE5c]{0,12}") {
        if let Some(taken) = ReturnTarget::parse(target.as_bytes()) {
            let text = taken.as_str();
            prop_assert_eq!(text, target.as_str());
            prop_assert!(text.starts_with('/') && !text[1..].starts_with(['/', '\\']));
            prop_assert!(text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\'));
            prop_assert_eq!(ReturnTarget::parse(text.as_bytes()), Some(taken.clone()));
        }
    }
}
