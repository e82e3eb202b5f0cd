//! The client's address, as a table.

use vestibule_message::head::{HeadLimits, RequestIndex};

use super::*;

fn client(trusted: &[&str], peer: &str, forwarded: &[&str]) -> String {
    let peers = TrustedPeers(trusted.iter().map(|net| net.parse().unwrap()).collect());
    let lines: Vec<_> = forwarded.iter().map(|value| format!("X-Forwarded-For: {value}\r\n")).collect();
    let text = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", lines.concat());
    let mut index = RequestIndex::default();
    index.parse(text.as_bytes(), &HeadLimits::default()).unwrap();
    peers.client(peer.parse().unwrap(), &index.of(text.as_bytes())).to_string()
}

#[test]
fn the_right_most_hop_that_is_not_trusted() {
    let lan = &["10.0.0.0/8", "::1/128"][..];
    for (trusted, peer, forwarded, expected) in [
        (&[][..], "10.0.0.1", &["6.6.6.6"][..], "10.0.0.1"),
        (lan, "9.9.9.9", &["6.6.6.6"], "9.9.9.9"),
        (lan, "10.0.0.1", &["6.6.6.6"], "6.6.6.6"),
        (lan, "10.0.0.1", &["1.1.1.1, 6.6.6.6, 10.0.0.2"], "6.6.6.6"),
        (lan, "10.0.0.1", &["1.1.1.1", "6.6.6.6 ,10.0.0.2"], "6.6.6.6"),
        (lan, "10.0.0.1", &["::ffff:6.6.6.6"], "6.6.6.6"),
        (lan, "10.0.0.1", &["::ffff:10.0.0.9"], "10.0.0.9"),
        (lan, "10.0.0.1", &["1.1.1.1, garbage, 10.0.0.2"], "10.0.0.2"),
        (lan, "10.0.0.1", &["garbage"], "10.0.0.1"),
        (lan, "10.0.0.1", &[""], "10.0.0.1"),
        (lan, "10.0.0.1", &["6.6.6.6:80"], "10.0.0.1"),
        (lan, "10.0.0.1", &[], "10.0.0.1"),
        (lan, "::1", &["2001:db8::1"], "2001:db8::1"),
    ] {
        assert_eq!(client(trusted, peer, forwarded), expected, "{peer} {forwarded:?}");
    }
}

#[test]
fn https_is_what_a_trusted_peer_calls_it_last() {
    let peers = TrustedPeers(vec!["10.0.0.0/8".parse().unwrap()]);
    let is_https = |peer: &str, lines: &[&str]| {
        let lines: Vec<_> = lines.iter().map(|value| format!("X-Forwarded-Proto: {value}\r\n")).collect();
        let text = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", lines.concat());
        let mut index = RequestIndex::default();
        index.parse(text.as_bytes(), &HeadLimits::default()).unwrap();
        peers.is_https(peer.parse().unwrap(), &index.of(text.as_bytes()))
    };
    for lines in [&["https"][..], &["HTTPS"], &["http, https"], &["http", "https"], &["https,https "]] {
        assert!(is_https("10.0.0.1", lines), "{lines:?}");
        assert!(!is_https("9.9.9.9", lines), "{lines:?}");
    }
    for lines in [&[][..], &["http"], &["https, http"], &["https", "http"], &[""], &["https,"], &["httpss"]] {
        assert!(!is_https("10.0.0.1", lines), "{lines:?}");
    }
}

#[test]
fn addresses_are_spelled_as_everywhere() {
    for text in ["127.0.0.1", "255.255.255.255", "0.0.0.0", "2001:db8::1", "::ffff:192.168.100.200"] {
        let address: IpAddr = text.parse().unwrap();
        assert_eq!(AddressText::of(address).as_ref(), text.as_bytes());
    }
    let longest: IpAddr = "1111:2222:3333:4444:5555:6666:7777:8888".parse().unwrap();
    assert_eq!(AddressText::of(longest).as_ref(), longest.to_string().as_bytes());
}
