//! One site is one origin: scheme, host and port. Whoever comes by another is sent there, if that is harmless, and is
//! served nothing. Over https every answer says to come back by https alone (C31; RFC 6797; ASVS 3.4.1, 4.1.2).

use std::path::Path;

use vestibule_testkit::client::Raw;
use vestibule_testkit::strict::{Response, lines};
use vestibule_testkit::upstream::{Step, answer};

use super::front::{Front, HOST, Shape};

const PAGE: &str = "Accept: text/html,*/*;q=0.8";
const HTTPS: &str = "X-Forwarded-Proto: https";
const HSTS: &str = "strict-transport-security";

/// An https site behind a load balancer that is believed, with another name.
const BALANCED: &str = r#"
[proxy]
trusted_peers = ["127.0.0.1/32"]
[[site]]
name = "shop"
origin = "https://shop.test"
aliases = ["www.shop.test"]
"#;

/// The same with nobody in front.
const BARE: &str = r#"
[[site]]
name = "shop"
origin = "https://shop.test"
"#;

/// A log-in of its own, without which no visitor is known, and something to be known by.
const AT_HOME: &str = r#"
[[listener]]
bind = "127.0.0.1:0"
serves = ["idp"]
[idp]
issuer = "http://login.localhost:8090"
[[attribute]]
name = "basket"
survives = true
"#;

fn front(sites: &str) -> Front {
    Front::with(&Shape { sites, ..Shape::default() })
}

fn ask(front: &Front, method: &str, host: &str, target: &str, fields: &[&str]) -> Response {
    let mut client = Raw::connect(front.proxy);
    let host = format!("Host: {host}");
    let head: Vec<_> = [host.as_str(), "Content-Length: 0"].iter().chain(fields).copied().collect();
    client.send(format!("{method} {target} HTTP/1.1\r\n{}\r\n", lines(&head)));
    client.response_to(method)
}

#[track_caller]
fn is_not_served(front: &Front, reply: &Response) {
    assert_eq!(reply.fields.all("set-cookie"), [""; 0]);
    assert!(front.upstream.requests().iter().all(|seen| seen.target == "/home"), "the app was asked");
}

#[test]
fn c31_in_the_clear_pages_lead_to_https_and_everything_else_is_refused() {
    for (sites, fields) in
        [(BALANCED, &[][..]), (BARE, &[HTTPS][..]), (BALANCED, &["X-Forwarded-Proto: http"][..])]
    {
        let front = front(sites);
        let with = |more: &[&'static str]| [fields, more].concat();
        for method in ["GET", "HEAD"] {
            let reply = ask(&front, method, HOST, "/page?a=1&b=%20", &with(&[PAGE, "Cookie: __Host-vst=x"]));
            assert_eq!(
                (reply.status, reply.fields.only("location")),
                (307, Some("https://shop.test/page?a=1&b=%20"))
            );
            // RFC 6797 7.2: said in the clear it would mean nothing.
            assert_eq!(reply.fields.only(HSTS), None);
            is_not_served(&front, &reply);
        }
        for (method, more) in [
            ("GET", &["Accept: */*"][..]),
            ("GET", &["Accept: application/json", "Authorization: Bearer x"]),
            ("POST", &[PAGE]),
            ("OPTIONS", &[PAGE]),
        ] {
            let reply = ask(&front, method, HOST, "/page", &with(more));
            assert_eq!((reply.status, reply.fields.only("location")), (421, None), "{method} {more:?}");
            is_not_served(&front, &reply);
        }
    }
}

#[test]
fn over_https_it_is_served_and_every_answer_says_to_come_back_so() {
    let front = front(BALANCED);
    let policy = Some("max-age=31536000");
    let app_says = "Strict-Transport-Security: max-age=0";
    front.upstream.on("/page", vec![Step::ReadBody, Step::Send(answer(200, &[app_says], "a page"))]);
    front.upstream.on("/broken", vec![Step::ReadBody, Step::Close]);
    for (method, host, target, status) in [
        ("GET", HOST, "/page", 200),
        ("HEAD", "shop.test:443", "/page", 200),
        ("POST", HOST, "/page", 200),
        ("GET", HOST, "/broken", 502),
        ("GET", HOST, "/.vestibule/nothing", 404),
        ("GET", "www.shop.test", "/page", 307),
        ("POST", "www.shop.test", "/page", 421),
        ("GET", "shop.test:8443", "/page", 307),
        ("DELETE", "shop.test:8443", "/page", 421),
    ] {
        let reply = ask(&front, method, host, target, &[HTTPS]);
        assert_eq!(reply.status, status, "{method} {host}{target}");
        assert_eq!(reply.fields.all(HSTS), policy.into_iter().collect::<Vec<_>>(), "{method} {host}{target}");
        if status == 307 {
            assert_eq!(reply.fields.only("location"), Some("https://shop.test/page"));
        }
    }
}

#[test]
fn a_session_that_began_over_https_goes_on_over_https_alone() {
    let dir = tempfile::tempdir().expect("a directory");
    let (front, bare) =
        (with_sessions(BALANCED, &dir.path().join("1")), with_sessions(BARE, &dir.path().join("2")));
    let origin = "Origin: https://shop.test";
    let update = "x-context-update: {\"basket\":[1]}";
    front.upstream.on("/first", vec![Step::ReadBody, Step::Send(answer(200, &[update], "a page"))]);

    let reply = ask(&front, "POST", HOST, "/first", &[HTTPS, origin]);
    assert_eq!(reply.status, 200);
    let cookies = reply.fields.all("set-cookie");
    let vst = cookies.iter().find_map(|line| line.strip_prefix("__Host-vst=")).expect("a session");
    assert!(vst.ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax"), "{vst}");
    let cookie = format!("Cookie: __Host-vst={}", vst.split(';').next().expect("a value"));

    let reply = ask(&front, "GET", HOST, "/known", &[HTTPS, &cookie]);
    assert_eq!((reply.status, reply.fields.only(HSTS)), (200, Some("max-age=31536000")));
    assert_eq!(told(&front, "/known"), ["returning", "https", "{\"basket\":[1]}"]);
    // In its own clear words, or in those of somebody who is not believed, it opens nothing and changes nothing.
    for (front, says) in [(&front, None), (&front, Some("X-Forwarded-Proto: http")), (&bare, Some(HTTPS))] {
        let fields: Vec<_> = [PAGE, &cookie].into_iter().chain(says).collect();
        assert_eq!(ask(front, "GET", HOST, "/clear", &fields).status, 307, "{says:?}");
        let fields = [&fields[..], &[origin]].concat();
        assert_eq!(ask(front, "POST", HOST, "/clear", &fields).status, 421, "{says:?}");
        assert!(front.upstream.seen().of_target("/clear").is_empty());
    }
    // The page in the clear is no page of the site.
    let reply = ask(&front, "POST", HOST, "/clear", &[HTTPS, &cookie, "Origin: http://shop.test"]);
    assert_eq!(reply.status, 403);
    let reply = ask(&front, "GET", HOST, "/still", &[HTTPS, &cookie]);
    assert_eq!((reply.status, told(&front, "/still")[0].as_str()), (200, "returning"));
}

fn with_sessions(sites: &str, data_dir: &Path) -> Front {
    let sites = format!("{sites}{AT_HOME}");
    let route = "reads = [\"basket\"]\nwrites = [\"basket\"]";
    Front::with(&Shape { sites: &sites, route, data_dir: Some(data_dir), ..Shape::default() })
}

/// Standing, scheme and attributes that the app was told with the only request for this.
fn told(front: &Front, target: &str) -> [String; 3] {
    let seen = front.upstream.seen();
    let [request] = seen.of_target(target)[..] else { panic!("not one request for {target}") };
    ["x-context-standing", "x-forwarded-proto", "x-context-attributes"]
        .map(|name| request.fields.only(name).unwrap_or_default().to_owned())
}

#[test]
fn what_is_refused_before_it_has_a_site_says_so_as_far_as_its_host_is_known() {
    let front = front(BALANCED);
    let large = format!("Cookie: a={}", "x".repeat(20_000));
    for (host, fields, said) in [
        (HOST, [HTTPS, PAGE, large.as_str()], Some("max-age=31536000")),
        ("www.shop.test", [HTTPS, "X: y", large.as_str()], Some("max-age=31536000")),
        (HOST, ["X-Forwarded-Proto: http", PAGE, large.as_str()], None),
        ("other.test", [HTTPS, PAGE, large.as_str()], None),
    ] {
        let reply = ask(&front, "GET", host, "/page", &fields);
        assert_eq!((reply.status, reply.fields.only(HSTS)), (431, said), "{host} {}", fields[1]);
    }
    let bare = Front::with(&Shape { sites: BARE, ..Shape::default() });
    let reply = ask(&bare, "GET", HOST, "/page", &[HTTPS, PAGE, &large]);
    assert_eq!((reply.status, reply.fields.only(HSTS)), (431, None), "nobody is believed");
}

#[test]
fn a_site_says_for_how_long_and_a_site_on_this_machine_says_nothing() {
    let local = "[proxy]\ntrusted_peers = [\"127.0.0.1/32\"]\n[[site]]\nname = \"shop\"\norigin = \"http://shop.localhost\"";
    for (sites, host, said) in [
        (format!("{BALANCED}hsts_seconds = 300"), HOST, Some("max-age=300")),
        (format!("{BALANCED}hsts_seconds = 0"), HOST, Some("max-age=0")),
        (local.to_owned(), "shop.localhost", None),
    ] {
        let front =
            Front::with(&Shape { sites: &sites, more: &[("shop.localhost", "/")], ..Shape::default() });
        let reply = ask(&front, "GET", host, "/page", &[HTTPS]);
        assert_eq!((reply.status, reply.fields.only(HSTS)), (200, said), "{sites}");
    }
}

#[test]
fn another_port_of_the_same_name_is_another_origin() {
    let site = "[[site]]\nname = \"shop\"\norigin = \"http://shop.localhost:8080\"";
    let front = Front::with(&Shape { sites: site, more: &[("shop.localhost", "/")], ..Shape::default() });
    assert_eq!(ask(&front, "GET", "shop.localhost:8080", "/home", &[]).status, 200);
    for host in ["shop.localhost", "shop.localhost:80", "shop.localhost:8081"] {
        for method in ["GET", "HEAD"] {
            let reply = ask(&front, method, host, "/page?x", &["Cookie: __Host-vst=x"]);
            let location = Some("http://shop.localhost:8080/page?x");
            assert_eq!((reply.status, reply.fields.only("location")), (307, location), "{method} {host}");
            is_not_served(&front, &reply);
        }
        for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
            let reply = ask(&front, method, host, "/page", &[]);
            assert_eq!(reply.status, 421, "{method} {host}");
            is_not_served(&front, &reply);
        }
        assert_eq!(ask(&front, "POST", host, "/.vestibule/logout", &[]).status, 421, "{host}");
    }
}

#[test]
fn an_access_line_has_the_client_that_a_load_balancer_names_if_it_is_believed() {
    for (sites, fields, client) in [
        (BALANCED, &[HTTPS, "X-Forwarded-For: 203.0.113.7"][..], Some("203.0.113.7")),
        (BALANCED, &["X-Forwarded-For: 1.2.3.4, 203.0.113.7"][..], Some("203.0.113.7")),
        (BALANCED, &[][..], None),
        (BARE, &["X-Forwarded-For: 203.0.113.7"][..], None),
    ] {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("access.log");
        let front = Front::with(&Shape { sites, access_log: Some(&file), ..Shape::default() });
        ask(&front, "GET", HOST, "/home", fields);
        front.running.stop();
        let log = std::fs::read_to_string(&file).expect("an access log");
        let named = log.split_once(r#""client":""#).map(|(_, rest)| rest.split('"').next().unwrap());
        assert_eq!(named, client, "{fields:?}: {log}");
        assert!(log.contains(r#""peer":"127.0.0.1""#), "{log}");
    }
}
