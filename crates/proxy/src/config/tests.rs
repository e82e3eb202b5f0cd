//! Origins, routes, attributes: what is accepted, and what a bad one is told.

use super::*;

fn route(host: &str, path: &str, app: &str) -> RouteConfig {
    toml::from_str(&format!("host = '{host}'\npath = '{path}'\napp = '{app}'")).unwrap()
}

fn said(config: &Config) -> Vec<String> {
    let problems = read(config).err().expect("the configuration should be refused");
    problems.iter().map(ToString::to_string).collect()
}

#[test]
fn origins() {
    let origin = Origin::parse("https://shop.example:8443").unwrap();
    assert_eq!((origin.scheme, origin.host.to_string().as_str()), ("https", "shop.example:8443"));
    for bad in [
        "shop.example",
        "https://shop.example/",
        "https://Shop.example",
        "https://shop.example:443",
        "ftp://a",
        "https://a/b",
        "http://u@a",
        "",
    ] {
        assert!(Origin::parse(bad).is_err(), "{bad}");
    }
    for (origin, keeps) in [
        ("https://a", true),
        ("http://localhost:8080", true),
        ("http://shop.localhost", true),
        ("http://127.0.0.1:1", true),
        ("http://[::1]:1", true),
        ("http://a", false),
        ("http://localhost.example", false),
    ] {
        assert_eq!(Origin::parse(origin).unwrap().keeps_cookies(), keeps, "{origin}");
    }
}

#[test]
fn all_problems_of_routes_are_told_at_once() {
    let mut slow = route("b", "/", "http://127.0.0.1:1");
    slow.answer_timeout_ms = Some(0);
    let routes = vec![route("a b", "/", "http://127.0.0.1:1"), route("a", "x", "127.0.0.1"), slow];
    assert_eq!(
        said(&Config { routes, ..Config::default() }),
        [
            "route[0].host: 'a b' is not a host name or address such as shop.example",
            "route[1].path: 'x' cannot be a context root: the target is neither a path nor an http URL",
            "route[1].app: '127.0.0.1' is not http://HOST:PORT without a path",
            "route[2].answer_timeout_ms: must be at least 1 (milliseconds)",
        ]
    );
}

#[test]
fn a_route_is_at_its_sites_port() {
    let site = |origin: &str| SiteConfig {
        name: "a".to_owned(),
        origin: origin.to_owned(),
        aliases: Vec::new(),
        log_on_client: None,
        hsts_seconds: None,
    };
    for (origin, host, fits) in [
        ("https://a.test", "a.test", true),
        ("https://a.test", "a.test:443", true),
        ("https://a.test", "a.test:80", false),
        ("http://a.localhost:8080", "a.localhost", true),
        ("http://a.localhost:8080", "a.localhost:8080", true),
        ("http://a.localhost:8080", "a.localhost:8081", false),
    ] {
        let routes = vec![route(host, "/", "http://127.0.0.1:1")];
        let read = read(&Config { sites: vec![site(origin)], routes, ..Config::default() });
        let said: Vec<_> = read.err().into_iter().flatten().map(|problem| problem.to_string()).collect();
        let problem = format!("route[0].host: '{host}' is another origin than its site's, {origin}");
        assert_eq!(said, if fits { vec![] } else { vec![problem] }, "{origin} {host}");
    }
}

#[test]
fn sites_and_attributes_must_fit_together() {
    let site = |name: &str, origin: &str, client: Option<&str>| SiteConfig {
        name: name.to_owned(),
        origin: origin.to_owned(),
        aliases: vec!["b.test".to_owned()],
        log_on_client: client.map(str::to_owned),
        hsts_seconds: None,
    };
    let attribute = |name: &str| AttributeConfig { name: name.to_owned(), survives: true, max_bytes: 10 };
    let mut reader = route("a.test", "/", "http://127.0.0.1:1");
    reader.reads = vec!["basket".to_owned(), "sub".to_owned(), "ghost".to_owned()];
    let config = Config {
        sites: vec![site("a", "https://a.test", Some("shop")), site("a", "http://b.test", None)],
        attributes: vec![attribute("basket"), attribute("basket"), attribute("exp")],
        routes: vec![reader],
        ..Config::default()
    };
    assert_eq!(
        said(&config),
        [
            "attribute[1].name: 'basket' is there twice",
            "attribute[2].name: 'exp' is a reserved name",
            "route[0].reads: 'sub' is a reserved name",
            "site[0].log_on_client: there is no identity provider to log on with",
            "site[1].origin: must be https, or http on this machine: browsers keep no Secure cookie elsewhere",
            "site[1].name: 'a' is there twice",
            "site[1].origin: 'b.test' belongs to a site already",
            "site[1].aliases[0]: 'b.test' belongs to a site already",
            "route[0].reads: attribute ghost is not declared",
        ]
    );
}

/// What is wrong with one route more at a site, `https://a.test`, and none at `b.test`.
fn told(lines: &str) -> Vec<String> {
    let site = SiteConfig {
        name: "a".to_owned(),
        origin: "https://a.test".to_owned(),
        aliases: Vec::new(),
        log_on_client: None,
        hsts_seconds: None,
    };
    let attributes = vec![toml::from_str("name = 'basket'").unwrap()];
    let routes = vec![
        route("a.test", "/", "http://127.0.0.1:1"),
        toml::from_str(&format!("app = 'http://127.0.0.1:1'\n{lines}")).unwrap(),
    ];
    let problems = read(&Config { sites: vec![site], attributes, routes, ..Config::default() }).err();
    problems.into_iter().flatten().map(|problem| problem.to_string()).collect()
}

#[test]
fn routes_that_could_never_do_what_they_say_are_refused() {
    let none: [&str; 0] = [];
    assert_eq!(told("host = 'a.test'\npath = '/b'\nreads = ['basket']\nclaims = ['name', 'roles']"), none);
    assert_eq!(told("host = 'a.test'\npath = '/.vestibuled'"), none);
    assert_eq!(told("host = 'b.test'\ntoken = 'wanted'\nwhen_unknown = 'anonymous'"), none);
    let stranger = "does nothing, as nobody is ever known at 'b.test:1': make it the host of a [[site]], or leave this out";
    for (lines, said) in [
        (
            "host = 'a.test'\npath = '/.vestibule/x'",
            vec![
                "route[1].path: '/.vestibule/x' is the proxy's own on every host, so that no request reaches the app: choose a path that does not begin with /.vestibule".to_owned(),
            ],
        ),
        (
            "host = 'b.test'\nname = 'x'\npath = '/.vestibule'",
            vec![
                "route[1].path: '/.vestibule' is the proxy's own on every host, so that no request reaches the app: choose a path that does not begin with /.vestibule".to_owned(),
            ],
        ),
        (
            "host = 'a.test'\npath = '/b'\nclaims = ['name', 'nmae']",
            vec![
                "route[1].claims: there is no claim 'nmae', only name, locale, email, email_verified, roles".to_owned(),
            ],
        ),
        (
            "host = 'a.test'\npath = '/b'\nrequires = 'returning'\nwhen_unknown = 'anonymous'",
            vec![
                "route[1].when_unknown: is for routes that require nothing: in an outage it would ask visitors to log on who are, where requires is 'returning'; leave it out, and they are answered with 503".to_owned(),
            ],
        ),
        (
            "host = 'b.test:1'\nrequires = 'logged-on'\nreads = ['basket']\nwrites = ['basket']\nclaims = ['name']\ntoken = 'required'",
            ["requires", "reads", "writes", "claims", "token"].map(|key| format!("route[1].{key}: {stranger}")).into(),
        ),
    ] {
        assert_eq!(told(lines), said, "{lines}");
    }
}

#[test]
fn faults_are_told_once_at_the_line_that_is_guilty() {
    let mut config = Config {
        sites: ["a", "b"]
            .map(|name| SiteConfig {
                name: name.to_owned(),
                origin: format!("https://{name}.test"),
                aliases: Vec::new(),
                log_on_client: None,
                hsts_seconds: None,
            })
            .into(),
        attributes: vec![
            toml::from_str("name = 'fine'").unwrap(),
            toml::from_str("name = 'empty'\nmax_bytes = 0").unwrap(),
        ],
        routes: vec![
            route("a.test", "/", "http://127.0.0.1:1"),
            route("a.test", "/b/", "http://127.0.0.1:1"),
            route("b.test", "/a|b", "http://127.0.0.1:1"),
            route("b.test", "/c/d", "http://127.0.0.1:1"),
            route("b.test", "/C/D", "http://127.0.0.1:1"),
            route("b.test", "/c-d", "http://127.0.0.1:1"),
        ],
        ..Config::default()
    };
    config.routes[1].reads = vec!["ghost".to_owned()];
    config.routes[3].writes = vec!["ghost".to_owned()];
    assert_eq!(
        said(&config),
        [
            "attribute[1].max_bytes: must be between 1 and 16384, all that a session may hold",
            "route[2].name: 'a|b' is not a name: it was made of the path '/a|b'; write a name of your own",
            "route[5].name: 'c-d' is there twice on this site: it was made of the path '/c-d'; write a name of your own",
            "route[1].reads: attribute ghost is not declared",
            "route[3].writes: attribute ghost is not declared",
            "route[1].path: route a.test/b/: the path must be '/' or a path without query and without '/' at its end",
            "route[4].path: route b.test/C/D is there twice (upper and lower case count as the same)",
        ]
    );
}
