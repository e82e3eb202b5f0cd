//! The load must count pages and nothing else.

use super::{ACCOUNT, PRODUCT, is_page, request};
use crate::origin::PAGE_BYTES;

#[test]
fn a_request_is_as_large_as_a_browsers() {
    let bytes = request("shop.example", PRODUCT, "", "").len();
    assert!((480..=560).contains(&bytes), "{bytes}");
    assert_eq!(request("shop.example", ACCOUNT, "; a=b", "C: d\r\n").len(), bytes + 11);
}

#[test]
fn only_the_whole_page_counts() {
    let head = b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n";
    let page = [&head[..], &[b'p'; PAGE_BYTES]].concat();
    assert!(is_page(&page).unwrap());
    for end in [0, 5, head.len(), page.len() - 1] {
        assert!(!is_page(&page[..end]).unwrap());
    }
    assert!(is_page(&[&page[..], b"x"].concat()).is_err());
    assert!(is_page(b"HTTP/1.1 502 Bad Gateway\r\n\r\n").is_err());
}
