//! Which route is found, whatever the order of the table, and that nobody passes who holds too little.

use proptest::prelude::*;

use super::*;

fn route(host: &str, prefix: &str, requires: u8) -> Route<u8> {
    Route {
        number: 0,
        host: Host::parse(host.as_bytes()).unwrap(),
        prefix: Target::parse(prefix.as_bytes()).unwrap(),
        upstream: Arc::new(Upstream::parse("http://127.0.0.1:1").unwrap()),
        requires,
        conduct: Arc::default(),
    }
}

fn find(table: &Table<u8>, host: &str, path: &str) -> Result<String, NoRoute> {
    let target = Target::parse(path.as_bytes()).unwrap();
    table
        .find(&Host::parse(host.as_bytes()).unwrap(), &target)
        .map(|m| format!("{}{}", m.route().host, m.route().prefix.path()))
}

#[test]
fn the_longest_prefix_on_a_segment_boundary() {
    let routes = [("a", "/"), ("a", "/shop"), ("a", "/shop/admin"), ("a:81", "/shop"), ("b", "/only")];
    for order in [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 0, 3, 1, 4]] {
        let table = Table::new(order.map(|at| route(routes[at].0, routes[at].1, 0))).unwrap();
        for (host, path, found) in [
            ("a", "/", Ok("a/")),
            ("a", "/x/y", Ok("a/")),
            ("a", "/shop", Ok("a/shop")),
            ("a", "/shop/", Ok("a/shop")),
            ("a", "/shop?/admin", Ok("a/shop")),
            ("a", "/shopping", Ok("a/")),
            ("a", "/shop/admin/x", Ok("a/shop/admin")),
            ("a", "/shop/adminx", Ok("a/shop")),
            ("a:80", "/shop", Ok("a/shop")),
            ("a:81", "/shop", Ok("a:81/shop")),
            ("a:81", "/", Err(NoRoute::Path)),
            ("b", "/", Err(NoRoute::Path)),
            ("b", "/only/x", Ok("b/only")),
            ("c", "/", Err(NoRoute::Host)),
            ("a.a", "/", Err(NoRoute::Host)),
        ] {
            assert_eq!(find(&table, host, path), found.map(str::to_owned), "{host}{path}");
        }
    }
}

#[test]
fn a_path_that_other_servers_would_route_elsewhere_finds_nothing() {
    let table = Table::new([route("a", "/", 0), route("a", "/admin", 2), route("a", "/Docs", 0)]).unwrap();
    for path in
        ["/ADMIN", "/Admin/x", "/admin./x", "/admin.", "/admin%20", "/admin%20/x", "/admin.%20", "/docs"]
    {
        assert_eq!(find(&table, "a", path), Err(NoRoute::Path), "{path}");
    }
    for (path, found) in
        [("/Docs/X", "a/Docs"), ("/Other", "a/"), ("/admin/X", "a/admin"), ("/x.", "a/"), ("/a%20b", "a/")]
    {
        assert_eq!(find(&table, "a", path), Ok(found.to_owned()), "{path}");
    }
}

#[test]
fn tables_that_cannot_be() {
    let twice =
        Table::new([route("a", "/x", 0), route("A", "/X", 1), route("a", "/x/", 0), route("a", "/?q", 0)]);
    let said: Vec<_> = twice.unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "route a/X is there twice (upper and lower case count as the same)",
            "route a/x/: the path must be '/' or a path without query and without '/' at its end",
            "route a/: the path must be '/' or a path without query and without '/' at its end",
        ]
    );
}

#[test]
fn only_who_holds_enough_gets_a_permit() {
    let table = Table::new([route("a", "/", 1)]).unwrap();
    let target = Target::parse(b"/%61?b").unwrap();
    let host = Host::parse(b"a").unwrap();
    for standing in 0..3 {
        let admitted = table.find(&host, &target).unwrap().admit(Held { standing });
        match admitted {
            Ok(permit) => assert!(standing >= 1 && permit.target() == "/a?b"),
            Err(short) => assert!(standing < 1 && short == Short { requires: 1 }),
        }
    }
}

#[test]
fn upstream_addresses() {
    assert_eq!(Upstream::parse("http://App.internal").unwrap().authority(), "app.internal:80");
    assert_eq!(Upstream::parse("http://[::1]:8/").unwrap().authority(), "[::1]:8");
    for bad in ["", "app:80", "https://app", "http://", "http://app/path", "http://u@app", "http://app:0"] {
        assert!(Upstream::parse(bad).is_err(), "{bad}");
    }
}

proptest! {
    #[test]
    fn a_match_is_the_longest_prefix(path in "(/[ab]{1,2}){0,5}/?") {
        let prefixes = ["/", "/a", "/a/b", "/ab", "/b/a/b"];
        let table = Table::new(prefixes.map(|p| route("h", p, 0))).unwrap();
        let path = if path.is_empty() { "/".to_owned() } else { path };
        let fits = |p: &&str| **p == *"/" || path == **p || path.starts_with(&format!("{p}/"));
        let expected = prefixes.iter().filter(|p| fits(p)).max_by_key(|p| p.len()).unwrap();
        prop_assert_eq!(find(&table, "h", &path), Ok(format!("h{expected}")));
    }
}
