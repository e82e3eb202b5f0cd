//! Every form of the URL, and what a bad one is told.

use super::*;

fn place(host: &str, port: u16) -> Place {
    Place { host: host.to_owned(), port }
}

fn refused(url: &str) -> String {
    Config::parse(url).unwrap_err().to_string()
}

#[test]
fn one_server_has_defaults_for_everything_but_its_host() {
    let config = Config::parse("redis://cache.example").unwrap();
    assert_eq!(config.arrangement, Arrangement::Single);
    assert_eq!(config.places, [place("cache.example", 6379)]);
    assert_eq!((config.tls, config.database, config.prefix.as_str()), (false, 0, "vst"));
    assert_eq!((config.user, config.password, config.wait_replicas), (None, None, 0));
}

#[test]
fn every_part_of_a_url_is_heard() {
    let url = "rediss://vestibule:p%40ss%3Aword@[::1]:7000/3?prefix=shop:a&wait_replicas=1&wait_ms=50";
    let config = Config::parse(url).unwrap();
    assert_eq!(config.places, [place("::1", 7000)]);
    assert_eq!(config.user.as_deref(), Some("vestibule"));
    assert_eq!(config.password.as_deref(), Some("p@ss:word"));
    assert_eq!((config.tls, config.database, config.prefix.as_str()), (true, 3, "shop:a"));
    assert_eq!((config.wait_replicas, config.wait), (1, Duration::from_millis(50)));
    assert_eq!(
        Config::parse("redis://:secret@h").unwrap().user,
        None,
        "a password alone is the default user's"
    );
}

#[test]
fn sentinels_name_their_master_and_clusters_their_seeds() {
    let config = Config::parse("redis+sentinel://a,b:1/shop/2").unwrap();
    assert_eq!(config.arrangement, Arrangement::Sentinel { master: "shop".to_owned() });
    assert_eq!((config.places, config.database), (vec![place("a", 26379), place("b", 1)], 2));
    let config = Config::parse("rediss+cluster://a:1,b:2").unwrap();
    assert_eq!((config.arrangement, config.tls), (Arrangement::Cluster, true));
    assert_eq!(config.places, [place("a", 1), place("b", 2)]);
}

#[test]
fn a_bad_url_is_told_what_to_write() {
    for (url, told) in [
        ("localhost:6379", "a store URL begins with redis:// or rediss://"),
        ("http://h", "http:// is no store of this kind: write redis:// or rediss://"),
        ("redis+ring://h", "redis+ring:// is unknown: write redis+sentinel:// or redis+cluster://"),
        ("redis://", "a host is missing: write redis://host:6379"),
        ("redis://a,b", "redis:// takes one host: several are redis+sentinel:// or redis+cluster://"),
        ("redis://h/sessions", "the database is a number: redis://host:6379/0"),
        ("redis://h/0/1", "the URL goes on behind the database"),
        ("redis+cluster://h/1", "a cluster has database 0 only: leave it out"),
        ("redis+sentinel://h", "redis+sentinel:// names the master behind the hosts: .../mymaster"),
        ("redis://h?prefix={a}", "prefix takes up to 64 letters, digits and - _ . :"),
        ("redis://h?wait_replicas=99", "wait_replicas is a number from 0 to 16"),
        ("redis://h?wait_ms=0", "wait_ms is a number from 1 to 10000"),
        ("redis://h?evict=yes", "an option is none of prefix, wait_replicas and wait_ms"),
        (
            "redis://u:12?secret@h",
            "an @ stands behind the hosts; in a user or password write %40 for @, %2F for /, %3F for ?",
        ),
        ("redis://u:%zz@h", "the password has a % without two hexadecimal digits: write %25 for %"),
        (
            "redis://h:x",
            "a port is no number from 1 to 65535; in a user or password write %40 for @, %2F for /, %3A for :",
        ),
    ] {
        assert_eq!(refused(url), told, "{url}");
    }
}

#[test]
fn no_password_is_ever_shown() {
    for url in [
        "redis://u:hunter2@h",
        "redis://u:hunter2@h:x",
        "redis://u:hunter2/x@h",
        "redis://u:hunter2%@h",
        "redis://u:x?hunter2@h",
        "redis://u:1/hunter2@h",
        "redis://u:1?hunter2=1@h",
        "redis://u:1?hunter2",
        "redis+sentinel://u:1/hunter2@h/m",
        "u:hunter2@h/0?redis://",
    ] {
        let shown = format!("{:?}", Config::parse(url));
        assert!(!shown.contains("hunter2"), "{shown}");
    }
    let config = Config::parse("redis://h").unwrap().with_password("hunter2".to_owned());
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[test]
fn a_url_that_is_risky_says_so() {
    let warned = |url| Config::parse(url).unwrap().warnings();
    assert_eq!(warned("redis://127.0.0.1"), [""; 0]);
    assert_eq!(warned("rediss+cluster://far.example?wait_replicas=1"), [""; 0]);
    assert!(warned("redis://far.example")[0].contains("without TLS"));
    assert!(warned("redis://:secret@localhost")[0].contains("store_password_file"));
    assert!(warned("redis+sentinel://localhost/m")[0].contains("wait_replicas=1"));
    let from_file = Config::parse("redis://:secret@localhost").unwrap().with_password("other".to_owned());
    assert_eq!(from_file.warnings(), [""; 0]);
}
