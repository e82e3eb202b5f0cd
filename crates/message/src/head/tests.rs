//! Heads: what is refused and why, and that what is kept is kept byte for byte.

use proptest::prelude::*;

use super::*;
use crate::field::KnownSet;
use crate::framing::LengthFault;
use crate::target::TargetFault;

fn request(text: &str) -> Result<RequestIndex, HeadFault> {
    let mut index = RequestIndex::default();
    index.parse(text.as_bytes(), &HeadLimits::default()).map(|()| index)
}

fn response(text: &str, method: Method) -> Result<ResponseIndex, HeadFault> {
    let mut index = ResponseIndex::default();
    index.parse(text.as_bytes(), method, &HeadLimits::default()).map(|()| index)
}

#[test]
fn a_request_is_read() {
    let text = "POST /a%62?c HTTP/1.1\r\nHost: Shop.Test:80\r\nCookie: a=1\r\nContent-Length: 5\r\nExpect: 100-continue\r\nX-Empty:\r\n\r\n";
    let index = request(text).unwrap();
    let head = index.of(text.as_bytes());
    assert_eq!(head.method(), Method::Post);
    assert_eq!(head.target().as_str(), "/ab?c");
    assert_eq!(head.host().to_string(), "shop.test:80");
    assert_eq!(head.body_length(), BodyLength::Exact(5));
    assert!(head.expects_continue() && head.persistent());
    assert_eq!(head.fields().only(Known::Cookie), Some(&b"a=1"[..]));
    let mut out = Vec::new();
    head.fields().copy_kept(|f| !KnownSet::HOP_BY_HOP.has(f.known), |run| out.extend_from_slice(run));
    assert_eq!(String::from_utf8(out).unwrap(), "Cookie: a=1\r\nX-Empty:\r\n");
}

#[test]
fn nominated_fields_never_go_on() {
    let text = "GET / HTTP/1.1\r\nHost: a\r\nX_A: 1\r\nConnection: x-a, close, X-User-Id\r\nx-b: 2\r\nx.user.id: 3\r\n\r\n";
    let index = request(text).unwrap();
    let head = index.of(text.as_bytes());
    assert!(!head.persistent());
    let mut out = Vec::new();
    head.fields().copy_kept(|f| !KnownSet::HOP_BY_HOP.has(f.known), |run| out.extend_from_slice(run));
    assert_eq!(String::from_utf8(out).unwrap(), "x-b: 2\r\n");
}

#[test]
fn refused_requests() {
    use HeadFault::*;
    let too_many = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "a: b\r\n".repeat(100));
    let far_too_many = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "a: b\r\n".repeat(1000));
    let too_large = format!("GET / HTTP/1.1\r\nHost: a\r\nx: {}\r\n\r\n", "a".repeat(16 * 1024));
    let too_long = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(8 * 1024));
    let nominations = format!("GET / HTTP/1.1\r\nHost: a\r\nConnection: {}\r\n\r\n", "a,".repeat(17));
    for (text, fault) in [
        ("GET / HTTP/1.1\r\n\r\n", Host),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", Host),
        ("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", Host),
        ("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", Host),
        ("GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", Host),
        ("get / HTTP/1.1\r\nHost: a\r\n\r\n", Method),
        ("BREW / HTTP/1.1\r\nHost: a\r\n\r\n", Method),
        ("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", MethodNotAllowed),
        ("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", MethodNotAllowed),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", Version),
        ("GET / HTTP/1.2\r\nHost: a\r\n\r\n", Version),
        ("GET / http/1.1\r\nHost: a\r\n\r\n", Syntax("request line")),
        ("GET / HTTP/1.10\r\nHost: a\r\n\r\n", Syntax("request line")),
        ("GE T / HTTP/1.1\r\nHost: a\r\n\r\n", Syntax("request line")),
        ("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", Syntax("request line")),
        ("GET /a HTTP/1.1 b HTTP/1.1\r\nHost: a\r\n\r\n", Syntax("request line")),
        ("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", Syntax("request line")),
        ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", Syntax("request line")),
        ("GET /\r\nHost: a\r\n\r\n", Syntax("request line")),
        ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", Target(TargetFault::Form)),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            Length(LengthFault::Both),
        ),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
            Length(LengthFault::Repeated),
        ),
        (
            "GET / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
            Length(LengthFault::CodingInOldVersion),
        ),
        ("GET / HTTP/1.1\r\nHost: a\r\nTransfer_Encoding: chunked\r\n\r\n", Misspelt),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent.Length: 1\r\n\r\n", Misspelt),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: y 100-continue\r\n\r\n", Expectation),
        ("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nExpect: 100-continue\r\n\r\n", Expectation),
        ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", Syntax("field name")),
        ("GET / HTTP/1.1\r\nHost: a\r\n b: c\r\n\r\n", Syntax("field name")),
        ("GET / HTTP/1.1\r\nHost: a\r\nnocolon\r\n\r\n", Syntax("field name")),
        ("GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", Syntax("field name")),
        ("GET / HTTP/1.1\r\nHost: a\r\nx: a\rb\r\n\r\n", Syntax("field value")),
        ("GET / HTTP/1.1\r\nHost: a\r\nx: a\0b\r\n\r\n", Syntax("field value")),
        ("GET / HTTP/1.1\r\nHost: a\r\nConnection: a b\r\n\r\n", Syntax("Connection names no field")),
        ("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", Syntax("empty line before the request line")),
        (&too_many, TooLarge("too many fields")),
        (&far_too_many, TooLarge("too many fields")),
        (&too_large, TooLarge("one field")),
        (&too_long, TargetTooLong),
        (&nominations, TooLarge("Connection names too many fields")),
    ] {
        assert_eq!(request(text).err(), Some(fault), "{text:?}");
    }
    for line in [
        "GET  / HTTP/1.1",
        "GET\t/ HTTP/1.1",
        "GET / HTTP/1.1 ",
        "GET /",
        "GET / HTTP/01.01",
        "GET / HTTP/1.1\rX",
        "G\0T / HTTP/1.1",
    ] {
        assert!(request(&format!("{line}\r\nHost: a\r\n\r\n")).is_err(), "{line:?}");
    }
}

#[test]
fn what_is_refused_for_what_it_asks_has_been_read() {
    for (text, is_read) in [
        ("TRACE /a HTTP/1.1\r\nHost: b\r\n\r\n", true),
        ("POST /a HTTP/1.1\r\nHost: b\r\nContent-Length: 1\r\nExpect: tea\r\n\r\n", true),
        ("TRACE /a HTTP/1.1\r\n\r\n", false),
        ("CONNECT b:443 HTTP/1.1\r\nHost: b\r\n\r\n", false),
        ("GET /a b HTTP/1.1\r\nHost: b\r\n\r\n", false),
    ] {
        let mut index = RequestIndex::default();
        assert!(index.parse(text.as_bytes(), &HeadLimits::default()).is_err(), "{text:?}");
        assert_eq!(index.is_read(), is_read, "{text:?}");
        if is_read {
            let head = index.of(text.as_bytes());
            assert_eq!((head.target().path(), head.host().name()), ("/a", "b"), "{text:?}");
        }
    }
}

#[test]
fn the_body_of_an_answer() {
    for (text, method, length, persistent) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", Method::Get, BodyLength::Exact(5), true),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", Method::Head, BodyLength::None, true),
        ("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", Method::Get, BodyLength::None, true),
        ("HTTP/1.1 204 No Content\r\n\r\n", Method::Get, BodyLength::None, true),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Method::Get, BodyLength::Chunked, true),
        ("HTTP/1.1 200 OK\r\n\r\n", Method::Get, BodyLength::UntilClose, false),
        (
            "HTTP/1.1 200\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
            Method::Get,
            BodyLength::None,
            false,
        ),
        ("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n", Method::Get, BodyLength::Exact(1), false),
        (
            "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\n",
            Method::Get,
            BodyLength::Exact(1),
            true,
        ),
    ] {
        let index = response(text, method).unwrap();
        let head = index.of(text.as_bytes());
        assert_eq!((head.body_length(), head.persistent()), (length, persistent), "{text:?}");
    }
}

#[test]
fn refused_answers() {
    for text in [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 99 X\r\n\r\n",
        "HTTP/1.1 600 X\r\n\r\n",
        "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\na: b\r\n c\r\n\r\n",
        "HTTP/1.1 200 OK\r\na b: c\r\n\r\n",
        "HTTP/1.1 200 OK\r\na: b\0\r\n\r\n",
        "\r\nHTTP/1.1 200 OK\r\n\r\n",
    ] {
        assert!(response(text, Method::Get).is_err(), "{text:?}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_an_answer_or_a_fault(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = RequestIndex::default().parse(&bytes, &HeadLimits::default());
        let _ = ResponseIndex::default().parse(&bytes, Method::Get, &HeadLimits::default());
    }

    #[test]
    fn kept_lines_are_copied_as_they_are(values in prop::collection::vec("[ -~]{0,12}", 0..8), mask in any::<u8>()) {
        let lines: Vec<String> = values.iter().enumerate().map(|(n, v)| format!("x-{n}: {v}\r\n")).collect();
        let text = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", lines.concat());
        let index = request(&text).unwrap();
        let mut at = 0;
        let mut out = Vec::new();
        index.of(text.as_bytes()).fields().copy_kept(|_| { at += 1; at > 1 && mask & (1 << (at - 2)) != 0 }, |run| out.extend_from_slice(run));
        let expected: String = lines.iter().enumerate().filter(|(n, _)| mask & (1 << n) != 0).map(|(_, l)| l.as_str()).collect();
        prop_assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
