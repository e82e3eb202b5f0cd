//! What the browser must get right to log on.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use super::{Browser, attribute};

/// A site that gives these answers, one a connection, and the heads it was asked with.
fn site(answers: &'static [&'static str]) -> (String, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let serve = move || {
        let answer = |answer: &&str| {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = [0; 2048];
            let length = stream.read(&mut asked).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8_lossy(&asked[..length]).into_owned()
        };
        answers.iter().map(answer).collect()
    };
    (url, std::thread::spawn(serve))
}

#[test]
fn cookies_are_kept_sent_and_dropped_through_redirects() {
    let (url, served) = site(&[
        "HTTP/1.1 303 See Other\r\nSet-Cookie: a=1; Path=/\r\nSet-Cookie: b=2\r\nLocation: /next?x=y\r\n\r\n",
        "HTTP/1.1 303 See Other\r\nSet-Cookie: a=; Max-Age=0\r\nLocation: /last\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage",
    ]);
    let mut browser = Browser::default();
    let answer = browser.get(&url).unwrap();
    assert_eq!((answer.status, answer.body.as_str(), answer.url.path()), (200, "page", "/last"));
    assert_eq!((browser.cookie(&answer.url, "a"), browser.cookie(&answer.url, "b")), (None, Some("2")));
    let asked = served.join().unwrap();
    assert!(asked[0].starts_with("GET / ") && !asked[0].contains("Cookie"), "{}", asked[0]);
    assert!(
        asked[1].starts_with("GET /next?x=y ") && asked[1].contains("Cookie: a=1; b=2\r\n"),
        "{}",
        asked[1]
    );
    assert!(asked[2].contains("Cookie: b=2\r\n"), "{}", asked[2]);
}

#[test]
fn an_answer_that_is_cut_off_is_no_answer() {
    let (url, served) = site(&["HTTP/1.1 200 OK\r\nContent-"]);
    assert!(Browser::default().get(&url).is_err());
    served.join().unwrap();
}

#[test]
fn attributes_are_read_from_their_tag() {
    let page = "<form method=\"post\" action=\"/a?b=c&amp;d=e\">\n<input name=\"csrf\" value=\"xyz\">";
    assert_eq!(attribute(page, "<form", "action").as_deref(), Some("/a?b=c&d=e"));
    assert_eq!(attribute(page, "name=\"csrf\"", "value").as_deref(), Some("xyz"));
    assert_eq!(attribute(page, "<select", "value"), None);
}
