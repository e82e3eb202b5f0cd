//! Heads on their way through: what is stripped goes in every spelling, the rest stays byte for byte.

use vestibule_message::head::{HeadLimits, RequestIndex, ResponseIndex};

use super::*;

static STRIP: Strip = Strip {
    names: KnownSet::of(&[Known::Authorization]),
    prefixes: &["x-context-"],
    cookies: Some("__Host-vst"),
};

fn edit() -> Edit {
    let mut lines = Lines::default();
    lines.push("x-context-standing", "anonymous").unwrap();
    Edit { strip: &STRIP, lines }
}

fn request(text: &str) -> String {
    let mut index = RequestIndex::default();
    index.parse(text.as_bytes(), &HeadLimits::default()).unwrap();
    let mut out = Buffer::default();
    write_request(&index.of(text.as_bytes()), "/t", &edit(), &mut out);
    String::from_utf8(out.data().to_vec()).unwrap()
}

fn response(text: &str, to: Version, close: bool) -> (String, Reframed) {
    let mut index = ResponseIndex::default();
    index.parse(text.as_bytes(), Method::Get, &HeadLimits::default()).unwrap();
    let mut out = Buffer::default();
    let reframed = write_response(&index.of(text.as_bytes()), to, &edit(), close, "now", &mut out);
    (String::from_utf8(out.data().to_vec()).unwrap(), reframed)
}

#[test]
fn a_request_goes_up() {
    let sent = request(
        "POST /x HTTP/1.1\r\nA: 1\r\nHost: H:80\r\nX_Context.User: evil\r\nAUTHORIZATION: x\r\nCookie: a=1; __Host-vst=s; b=2\r\n\
         Cookie: __Host-vst-keep=k\r\nConnection: keep-alive, b\r\nb: gone\r\nKeep-Alive: 1\r\nUpgrade: h2c\r\nTE: trailers\r\nC:  2 \r\n\
         Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n",
    );
    assert_eq!(
        sent,
        "POST /t HTTP/1.1\r\nhost: h:80\r\nA: 1\r\nC:  2 \r\ncookie: a=1; b=2\r\nx-context-standing: anonymous\r\n\
         transfer-encoding: chunked\r\nexpect: 100-continue\r\n\r\n"
    );
}

#[test]
fn cookies_that_the_connection_claims_are_gone_too() {
    let sent =
        request("GET / HTTP/1.1\r\nHost: h\r\nConnection: cookie\r\nCookie: a=1; __Host-vst=s\r\n\r\n");
    assert_eq!(sent, "GET /t HTTP/1.1\r\nhost: h\r\nx-context-standing: anonymous\r\n\r\n");
}

#[test]
fn an_answer_goes_down() {
    let text = "HTTP/1.1 200 Fine\r\nSet-Cookie: a=1\r\nset-cookie:  __host-VST=x\r\nX-Context-Update: {}\r\nConnection: x-a\r\nX-A: 1\r\nTransfer-Encoding: chunked\r\n\r\n";
    let head = "HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\ndate: now\r\nx-context-standing: anonymous\r\n";
    assert_eq!(
        response(text, Version::Current, false),
        (format!("{head}transfer-encoding: chunked\r\n\r\n"), Reframed::Chunked)
    );
    assert_eq!(
        response(text, Version::Old, true),
        (format!("{head}connection: close\r\n\r\n"), Reframed::AsIs)
    );
}

#[test]
fn lengths_of_answers() {
    for (text, line) in [
        ("HTTP/1.1 200 OK\r\nDate: d\r\nContent-Length: 5\r\n\r\n", "content-length: 5\r\n"),
        ("HTTP/1.1 200 OK\r\nDate: d\r\nContent-Length: 0\r\n\r\n", "content-length: 0\r\n"),
        ("HTTP/1.1 304 OK\r\nDate: d\r\nContent-Length: 9\r\n\r\n", "content-length: 9\r\n"),
        ("HTTP/1.1 204 OK\r\nDate: d\r\nContent-Length: 0\r\n\r\n", ""),
        ("HTTP/1.1 200 OK\r\nDate: d\r\n\r\n", "transfer-encoding: chunked\r\n"),
    ] {
        let (sent, _) = response(text, Version::Current, false);
        assert!(sent.ends_with(&format!("Date: d\r\nx-context-standing: anonymous\r\n{line}\r\n")), "{sent}");
    }
}
