//! Services: what is accepted, what a bad one is told, and which service a path finds.

use vestibule_message::host::Host;
use vestibule_message::target::Target;
use vestibule_routes::NoRoute;

use super::*;

fn service(text: &str) -> ServiceConfig {
    toml::from_str(text).unwrap()
}

fn routed(host: &str, path: &str) -> ServiceConfig {
    let host = if host.is_empty() { String::new() } else { format!("host = '{host}'\n") };
    service(&format!("{host}path = '{path}'\nupstream = 'http://127.0.0.1:1'\nscopes = ['a:read']"))
}

fn said(services: Vec<ServiceConfig>) -> Vec<String> {
    let config = Config { services, ..Config::default() };
    config.problems().iter().map(ToString::to_string).collect()
}

fn refused(text: &str) -> String {
    toml::from_str::<ServiceConfig>(text).unwrap_err().message().to_owned()
}

#[test]
fn all_problems_are_told_at_once() {
    let with = |rest: &str| service(&format!("path = '/x'\nupstream = 'http://127.0.0.1:1'\n{rest}"));
    let bad = service(
        "host = 'a b'\npath = 'x'\nupstream = '127.0.0.1'\nscopes = ['Orders', 'a b']\nanswer_timeout_ms = 0",
    );
    let methods = with("host = 'b'\nscopes = { GET = [], get = ['a:read'], TRACE = ['a:read'] }");
    assert_eq!(
        said(vec![bad, methods, with("host = 'c'\nscopes = {}"), with("host = 'd'\nscopes = []")]),
        [
            "service[0].scopes: Orders: write resource:action or domain.resource:action in small letters",
            "service[0].scopes: 'a b': malformed scope",
            "service[1].scopes.GET: name a scope: without one every token would do",
            "service[1].scopes.TRACE: is not a method that can be served",
            "service[1].scopes.get: is not a method that can be served",
            "service[2].scopes: name at least one method",
            "service[3].scopes: name a scope: without one every token would do",
            "service[0].host: 'a b' is not a host name or address such as api.example",
            "service[0].path: 'x' cannot be a path prefix: the target is neither a path nor an http URL",
            "service[0].upstream: '127.0.0.1' is not http://HOST:PORT without a path",
            "service[0].answer_timeout_ms: must be at least 1 (milliseconds)",
        ]
    );
}

#[test]
fn two_services_of_one_place_are_refused_in_either_order() {
    for hosts in [["a", "a"], ["", ""]] {
        let told = said([&hosts[..], &["b"]].concat().iter().map(|host| routed(host, "/x")).collect());
        assert_eq!(told.len(), 1, "{hosts:?}");
        assert!(told[0].starts_with("service[1].path: route "), "{told:?}");
    }
    assert!(said(vec![routed("a", "/x"), routed("", "/x")]).is_empty());
    assert!(said(vec![routed("", "/x"), routed("a", "/x")]).is_empty());
}

#[test]
fn a_service_says_what_it_needs_and_nothing_unknown() {
    let base = "path = '/x'\nupstream = 'http://127.0.0.1:1'";
    assert_eq!(refused(base), "missing field `scopes`");
    assert_eq!(
        refused(&format!("{base}\nscopes = 1")),
        "must be a list of scopes, or a table of such lists by method"
    );
    assert!(
        refused(&format!("{base}\nscopes = ['a:read']\nscope = 'b'")).starts_with("unknown field `scope`")
    );
}

#[test]
fn the_longest_prefix_wins_among_services_of_the_host_and_of_every_host() {
    let places = [
        ("", "/"),
        ("", "/orders"),
        ("a", "/orders"),
        ("a", "/orders/old"),
        ("a:81", "/x"),
        ("", "/orders/old/er"),
    ];
    let find = |services: Vec<(usize, ServiceConfig)>, host: &str, path: &str| {
        let (numbers, services): (Vec<_>, Vec<_>) = services.into_iter().unzip();
        let live = read(&Config { services, ..Config::default() }).unwrap();
        let (host, target) = (Host::parse(host.as_bytes()).unwrap(), Target::parse(path.as_bytes()).unwrap());
        live.find(&host, &target).map(|found| numbers[found.route().number])
    };
    for (host, path, expected) in [
        ("b", "/", Ok(0)),
        ("b", "/orders/1", Ok(1)),
        ("b", "/ordersx", Ok(0)),
        ("a", "/orders/1", Ok(2)),
        ("a:80", "/orders/1", Ok(2)),
        ("a", "/orders/old", Ok(3)),
        ("a", "/orders/old/er", Ok(5)),
        ("a", "/x", Ok(0)),
        ("a:81", "/x", Ok(4)),
        ("a:81", "/orders", Ok(1)),
        ("a", "/Orders/1", Err(NoRoute::Path)),
        ("b", "/orders./1", Err(NoRoute::Path)),
    ] {
        let services: Vec<_> = places.iter().map(|(host, path)| routed(host, path)).enumerate().collect();
        let reversed = services.iter().rev().cloned().collect();
        assert_eq!(find(services, host, path), expected, "{host}{path}");
        assert_eq!(find(reversed, host, path), expected, "{host}{path} in the other order");
    }
}

#[test]
fn what_is_not_configured_has_no_route() {
    let live = read(&Config { services: vec![routed("a", "/x")], ..Config::default() }).unwrap();
    let find = |host: &str, path: &str| {
        let (host, target) = (Host::parse(host.as_bytes()).unwrap(), Target::parse(path.as_bytes()).unwrap());
        live.find(&host, &target).map(|_| ())
    };
    assert_eq!(find("a", "/x"), Ok(()));
    assert_eq!(find("a", "/y"), Err(NoRoute::Path));
    assert_eq!(find("b", "/x"), Err(NoRoute::Host));
}
