//! Pages and problem documents: policy, escaping, silence about us.

use base64::Engine as _;
use sha2::{Digest as _, Sha256};

use super::*;

#[test]
fn the_policy_allows_the_style_of_the_page_and_nothing_else() {
    let style = PAGE.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(style));
    assert!(PAGE_POLICY.contains(&format!("style-src 'sha256-{hash}'")), "{hash}");
    assert!(!PAGE.contains("<script") && !PAGE.contains("style="));
}

#[test]
fn redirects_cannot_be_split() {
    let target = Target::parse(b"/a%20b?c=%0d%0aset-cookie:x").unwrap();
    assert_eq!(elsewhere("http://localhost:8080", &target).status().code(), 307);
    assert_eq!(redirect("/a\r\nset-cookie: x", &[]).status().code(), 500);
}
