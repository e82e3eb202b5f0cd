//! Pages and problem documents: policy, escaping, silence about us.

use super::*;

fn text(answer: &Answer) -> String {
    format!("{answer:?}")
}

#[test]
fn redirects_keep_the_path_and_cannot_be_split() {
    let target = Target::parse(b"/a%20b?c=%0d%0ax").unwrap();
    let answer = elsewhere("http://localhost:8080", &target);
    assert_eq!(answer.status().code(), 307);
    let wire = text(&answer);
    assert!(!wire.is_empty());
}

#[test]
fn the_policy_allows_the_style_of_the_page_and_no_other() {
    // `openssl dgst -sha256 -binary | base64` of what stands between the style tags; a browser test sees it applied.
    assert!(PAGE.contains("<style>") && !PAGE.contains("<script") && !PAGE.contains("style="));
    assert!(PAGE_POLICY.contains("style-src 'sha256-"));
}
