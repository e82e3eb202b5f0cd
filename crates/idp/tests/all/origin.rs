//! The provider's own origin: its name, and https where the issuer is.

use http::{Request, StatusCode};
use vestibule_idp::config::Config;

use super::house::{Asked, Browser, HOST, House, ISSUER, PASSWORD, Reply, config};

const HSTS: &str = "strict-transport-security";
const PAGE: (&str, &str) = ("accept", "text/html,application/xhtml+xml");

async fn ask(browser: &mut Browser, method: &str, path: &str, headers: &[(&str, &str)]) -> Reply {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    browser.send(request.body(axum::body::Body::empty()).unwrap()).await
}

#[tokio::test]
async fn in_the_clear_pages_lead_to_https_and_everything_else_is_refused() {
    let house = House::new().await;
    let mut browser = house.browser();
    browser.over_https = false;
    for path in
        [Asked::shop().url().as_str(), "/login?client_id=shop&a=%20", "/password", "/", "//evil.example/"]
    {
        for method in ["GET", "HEAD"] {
            let reply = ask(&mut browser, method, path, &[PAGE]).await;
            assert_eq!(reply.status, StatusCode::TEMPORARY_REDIRECT, "{method} {path}");
            assert_eq!(reply.location(), format!("{ISSUER}{path}"));
            // RFC 6797 7.2: said in the clear it would mean nothing.
            assert_eq!((reply.header(HSTS), reply.header("set-cookie")), ("", ""));
        }
    }
    let form = house.browser().open_form(&Asked::shop()).await;
    let posted = browser.try_password(&form, "alice", PASSWORD).await;
    let token = browser.post("/token", &[("grant_type", "client_credentials")]).await;
    let script = ask(&mut browser, "GET", "/jwks", &[("accept", "*/*")]).await;
    for reply in [posted, token, script] {
        assert_eq!((reply.status, reply.location()), (StatusCode::MISDIRECTED_REQUEST, ""));
        assert_eq!((reply.header(HSTS), reply.header("set-cookie")), ("", ""));
        assert_eq!(reply.cause, "in the clear, where the issuer is https");
    }
}

#[tokio::test]
async fn over_https_every_answer_says_so_for_a_year() {
    let house = House::new().await;
    let mut browser = house.browser();
    for path in ["/jwks", "/login", "/nothing"] {
        let reply = ask(&mut browser, "GET", path, &[PAGE]).await;
        assert_eq!(reply.header(HSTS), "max-age=31536000", "{path}");
    }
}

#[tokio::test]
async fn only_the_issuer_s_own_name_is_served() {
    let house = House::new().await;
    let mut browser = house.browser();
    for host in [HOST, "LOGIN.example", "login.example:443"] {
        assert_eq!(
            ask(&mut browser, "GET", "/jwks", &[("host", host)]).await.status,
            StatusCode::OK,
            "{host}"
        );
    }
    for host in
        ["evil.example", "login.example:8443", "login.example.evil", "localhost", "127.0.0.1", "", "a b"]
    {
        let reply = ask(&mut browser, "GET", "/login", &[("host", host), PAGE]).await;
        assert_eq!((reply.status, reply.location()), (StatusCode::MISDIRECTED_REQUEST, ""), "{host}");
    }
    let twice = ask(&mut browser, "GET", "/jwks", &[("host", HOST), ("host", HOST)]).await;
    assert_eq!(twice.status, StatusCode::MISDIRECTED_REQUEST);
}

/// RFC 6761 6.3: a provider on one's own machine, tried out, in a container, behind a forwarded port.
#[tokio::test]
async fn at_this_machine_every_name_of_it_is_served_in_the_clear_and_no_other() {
    let house = House::of(Config { issuer: "http://localhost:8090".to_owned(), ..config() }).await;
    let mut browser = house.browser();
    browser.over_https = false;
    for host in
        ["localhost:8090", "localhost:1", "127.0.0.1:8090", "[::1]:8090", "login.localhost:8090", "127.9.9.9"]
    {
        let reply = ask(&mut browser, "GET", "/jwks", &[("host", host)]).await;
        assert_eq!((reply.status, reply.header(HSTS)), (StatusCode::OK, ""), "{host}");
    }
    for host in ["evil.example:8090", "localhost.evil", "10.0.0.1:8090"] {
        let reply = ask(&mut browser, "GET", "/jwks", &[("host", host)]).await;
        assert_eq!(reply.status, StatusCode::MISDIRECTED_REQUEST, "{host}");
    }
}
