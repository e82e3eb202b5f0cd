//! The oracle must refuse what it is there to see.

use super::{Fault, Framing, Reader};

fn request(bytes: &str) -> Result<super::Request, Fault> {
    Reader::new(bytes.as_bytes()).request()
}

#[test]
fn reads_a_request_with_each_framing() {
    let plain = request("GET /a?b HTTP/1.1\r\nHost: a\r\nX-Y:  z \r\n\r\n").unwrap();
    assert_eq!((plain.method.as_str(), plain.target.as_str(), plain.framing), ("GET", "/a?b", Framing::None));
    assert_eq!(plain.fields.only("x-y"), Some("z"));
    let sized = request("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc").unwrap();
    assert_eq!(sized.body, b"abc");
    let chunked =
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n";
    assert_eq!(request(chunked).unwrap().body, b"abc");
}

#[test]
fn refuses_what_can_be_read_in_two_ways() {
    let head = "POST / HTTP/1.1\r\nHost: a\r\n";
    let chunked = "Transfer-Encoding: chunked\r\n\r\n";
    for (what, bytes) in [
        ("two spaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned()),
        ("old version", "GET / HTTP/1.0\r\nHost: a\r\n\r\n".to_owned()),
        ("lower-case method", "get / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned()),
        ("absolute target", "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n".to_owned()),
        ("no host", "GET / HTTP/1.1\r\n\r\n".to_owned()),
        ("two hosts", format!("{head}Host: a\r\n\r\n")),
        ("bare LF", format!("{head}X: y\nZ: z\r\n\r\n")),
        ("bare CR", format!("{head}X: y\rZ: z\r\n\r\n")),
        ("fold", format!("{head}X: y\r\n z\r\n\r\n")),
        ("space before colon", format!("{head}X : y\r\n\r\n")),
        ("both framings", format!("{head}Content-Length: 0\r\n{chunked}0\r\n\r\n")),
        ("two lengths", format!("{head}Content-Length: 0\r\nContent-Length: 0\r\n\r\n")),
        ("leading zero", format!("{head}Content-Length: 01\r\n\r\na")),
        ("other coding", format!("{head}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n")),
        ("extension", format!("{head}{chunked}1;a=b\r\na\r\n0\r\n\r\n")),
        ("trailer", format!("{head}{chunked}0\r\nX: y\r\n\r\n")),
        ("spill", format!("{head}{chunked}1\r\nab\r\n0\r\n\r\n")),
    ] {
        assert!(matches!(request(&bytes), Err(Fault::Syntax(_))), "{what}");
    }
}

#[test]
fn tells_a_clean_end_from_a_cut() {
    assert_eq!(request(""), Err(Fault::Closed));
    assert_eq!(request("GET / HT"), Err(Fault::Cut));
    assert_eq!(request("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab"), Err(Fault::Cut));
}

#[test]
fn reads_responses_by_their_own_rules() {
    let head = |bytes: &str, method| Reader::new(bytes.as_bytes()).response_head(method);
    assert_eq!(head("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "HEAD").unwrap().framing, Framing::None);
    assert_eq!(head("HTTP/1.1 200 OK\r\n\r\n", "GET").unwrap().framing, Framing::Close);
    assert_eq!(
        head("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", "GET").unwrap().framing,
        Framing::None
    );
    assert!(matches!(
        head("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", "GET"),
        Err(Fault::Syntax(_))
    ));
    assert!(matches!(head("HTTP/1.1 200\r\n\r\n", "GET"), Err(Fault::Syntax(_))));
    let mut body = Vec::new();
    let mut reader = Reader::new(&b"abc"[..]);
    assert_eq!(reader.body(Framing::Close, &mut body), Ok(()));
    assert_eq!(body, b"abc");
}
