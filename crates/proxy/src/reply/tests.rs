//! Pages and problem documents: policy, escaping, silence about us.

use super::*;

#[test]
fn redirects_cannot_be_split() {
    let target = Target::parse(b"/a%20b?c=%0d%0aset-cookie:x").unwrap();
    assert_eq!(elsewhere("http://localhost:8080", &target).status().code(), 307);
    assert_eq!(redirect("/a\r\nset-cookie: x", &[]).status().code(), 500);
}
