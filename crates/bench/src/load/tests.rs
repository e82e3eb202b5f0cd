//! The load must count pages and nothing else.

use super::{ACCOUNT, Answered, BASKET, PRODUCT, answered, request};
use crate::origin::PAGE_BYTES;

#[test]
fn a_request_is_as_large_as_a_browsers() {
    let bytes = request("shop.example", PRODUCT, "", "").len();
    assert!((480..=560).contains(&bytes), "{bytes}");
    assert_eq!(request("shop.example", ACCOUNT, "; a=b", "C: d\r\n").len(), bytes + 11);
    assert_eq!(request("shop.example", BASKET, "", "").len(), bytes);
}

#[test]
fn only_the_whole_page_counts() {
    let head = b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n";
    let page = [&head[..], &[b'p'; PAGE_BYTES]].concat();
    assert_eq!(answered(&page).unwrap(), Some(Answered::Page));
    for end in [0, 5, head.len(), page.len() - 1] {
        assert_eq!(answered(&page[..end]).unwrap(), None);
    }
    assert!(answered(&[&page[..], b"x"].concat()).is_err());
    assert!(answered(b"HTTP/1.1 502 Bad Gateway\r\n\r\n").is_err());
}

#[test]
fn a_refusal_for_now_is_counted_apart() {
    let busy = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 2\r\n\r\n{}";
    assert_eq!(answered(busy).unwrap(), Some(Answered::Busy));
    assert_eq!(answered(&busy[..busy.len() - 1]).unwrap(), None);
}
