//! Addresses that are refused, and calls that get no answer, or one that makes no sense.

use std::net::Ipv4Addr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use vestibule_domain::identity::Timestamp;
use vestibule_ports::clock::TestClock;
use vestibule_ports::issuer::Refusal;

use super::*;

const LIMIT: Duration = Duration::from_millis(200);

#[test]
fn only_plain_http_on_this_machine_is_taken() {
    for (url, expected) in [
        ("http://127.0.0.1:8091", Ok(())),
        ("http://[::1]:8091", Ok(())),
        ("http://localhost:8091", Ok(())),
        ("https://login.example", Err(BadUrl::Https)),
        ("http://login.example", Err(BadUrl::NotLoopback)),
        ("http://192.0.2.1:8091", Err(BadUrl::NotLoopback)),
        ("http://localhost.example", Err(BadUrl::NotLoopback)),
        ("http://localhost:8091/", Err(BadUrl::NotAnOrigin)),
        ("http://user@localhost:8091", Err(BadUrl::NotAnOrigin)),
        ("ftp://localhost:8091", Err(BadUrl::NotAnOrigin)),
        ("localhost", Err(BadUrl::NotAnOrigin)),
    ] {
        assert_eq!(check_url(url), expected, "{url}");
    }
}

#[test]
fn id_and_secret_are_encoded_each() {
    let value = basic("a:b", &ClientSecret::parse("c%d").unwrap());
    assert_eq!(value, format!("Basic {}", STANDARD.encode("a%3Ab:c%25d")));
    assert!(value.is_sensitive());
}

/// Asks a provider that answers with these bytes and then keeps the connection open.
async fn ask(answer: &'static str) -> Result<u64, IssuerError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let clock = Arc::new(TestClock::new(Timestamp::from_secs(0)));
    let link = Link::new(&url, "proxy", &ClientSecret::parse("secret").unwrap(), clock).unwrap();
    let served = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _read = stream.read(&mut [0; 1024]).await.unwrap();
        stream.write_all(answer.as_bytes()).await.unwrap();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        answered = link.get("/inside/feed", LIMIT) => answered,
        () = served => Err(IssuerError::Bug("the stand-in has ended".to_owned())),
    }
}

#[tokio::test]
async fn each_answer_is_the_error_it_means() {
    assert_eq!(ask("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n7").await, Ok(7));
    assert_eq!(ask("").await, Err(IssuerError::Deadline));
    assert_eq!(ask("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n7").await, Err(IssuerError::Deadline));
    let busy = ask("HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n").await;
    assert!(matches!(busy, Err(IssuerError::Unreachable(_))), "{busy:?}");
    let no = ask("HTTP/1.1 400 No\r\ncontent-length: 19\r\n\r\n{\"refused\":\"grant\"}").await;
    assert_eq!(no, Err(IssuerError::Refused(Refusal::Grant)));
    for senseless in [
        "HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n\"secret\"",
        "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 500 Broken\r\ncontent-length: 4\r\n\r\nnull",
    ] {
        let bug = ask(senseless).await;
        assert!(matches!(&bug, Err(IssuerError::Bug(text)) if !text.contains("secret")), "{bug:?}");
    }
}
