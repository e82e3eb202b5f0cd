//! Configurations: what a good one means, and the exact words a bad one is told.

use super::*;
use crate::serve;

const GOOD: &str = r#"
[[listener]]
bind = "127.0.0.1:0"
serves = ["proxy", "metrics"]
[[site]]
name = "shop"
origin = "https://shop.example"
[[route]]
host = "shop.example"
app = "http://127.0.0.1:9000"
"#;

fn refused(text: &str) -> String {
    match Config::parse(text, "v.toml") {
        Err(bad) => bad.to_string(),
        Ok(config) => serve::check(&config).expect_err("the file should be refused").to_string(),
    }
}

#[test]
fn a_good_file_and_its_defaults() {
    let config = Config::parse(GOOD, "v.toml").unwrap();
    assert!(serve::check(&config).is_ok());
    assert_eq!(config.limits.limits(), vestibule_wire::Limits::default());
    assert_eq!((config.log.access, config.drain.limit_ms), (AccessLog::Stdout, 30_000));
}

#[test]
fn bad_files_are_told_all_that_is_wrong_and_where() {
    for (text, said) in [
        ("", "v.toml: listener: there is none: add [[listener]] with bind and serves"),
        ("[[listener]\n", "v.toml:1: unclosed array table, expected `]`"),
        ("\nlistner = 1", "v.toml:2: unknown field `listner`, expected one of `data_dir`, `listener`, .."),
        ("[[listener]]\nbind = \"localhost\"\nserves = []", "v.toml:2: invalid socket address syntax"),
        (
            "[[listener]]\nbind = \"127.0.0.1:1\"\nserves = [\"prxy\"]",
            "v.toml:3: unknown variant `prxy`, expected one of `proxy`, ..",
        ),
        (
            "[[listener]]\nbind = \"127.0.0.1:1\"\nserves = [\"proxy\"]",
            "v.toml: route: there is none: the proxy would answer every request with 421",
        ),
        (
            &GOOD
                .replace("https://shop.example", "https://shop.example/")
                .replace("http://127.0.0.1:9000", "127.0.0.1:9000"),
            "v.toml:7: site[0].origin: 'https://shop.example/' is not an origin such as https://shop.example (no path, no slash at the end)\n\
             v.toml:10: route[0].app: '127.0.0.1:9000' is not http://HOST:PORT without a path",
        ),
        (
            &format!(
                "{GOOD}\n[[route]]\nhost = \"SHOP.example\"\nname = \"other\"\napp = \"http://a\"\n[limits]\nfields_max = 257\nhead_timeout_ms = 0"
            ),
            "v.toml:17: limits.fields_max: must be at most 256\nv.toml:18: limits.head_timeout_ms: must be at least 1\n\
             v.toml:8: route: route shop.example/ is there twice (upper and lower case count as the same)",
        ),
        (
            &GOOD.replace("\"metrics\"", "\"proxy\""),
            "v.toml:4: listener[0].serves: names two faces besides metrics: give each a listener of its own",
        ),
    ] {
        // The list of all keys or faces grows; its beginning is enough.
        match said.strip_suffix("..") {
            Some(beginning) => assert!(refused(text).starts_with(beginning), "{}", refused(text)),
            None => assert_eq!(refused(text), said),
        }
    }
}

#[test]
fn the_environment_overrides_single_values() {
    let read = |key: &str, value: &str| {
        Config::parse_with(GOOD, "v.toml", std::iter::once((key.to_owned(), value.to_owned())))
    };
    assert_eq!(read("VESTIBULE_LIMITS__HEAD_TIMEOUT_MS", "7").unwrap().limits.head_timeout_ms, Some(7));
    assert_eq!(read("VESTIBULE_LOG__ACCESS", "off").unwrap().log.access, AccessLog::Off);
    assert_eq!(
        read("VESTIBULE_PROXY__TRUSTED_PEERS", "[\"10.0.0.0/8\"]").unwrap().proxy.trusted_peers.len(),
        1
    );
    for (key, value, said) in [
        ("VESTIBULE_LIMITS", "1", "VESTIBULE_LIMITS: the name must be VESTIBULE_SECTION__KEY"),
        (
            "VESTIBULE_ROUTE__APP",
            "x",
            "VESTIBULE_ROUTE__APP: only single values can be set, not those of lists such as [[route]]",
        ),
    ] {
        assert_eq!(read(key, value).unwrap_err().to_string(), said);
    }
    let unknown = read("VESTIBULE_LIMITS__HEAD", "7").unwrap_err().to_string();
    assert!(
        unknown.starts_with("VESTIBULE_LIMITS__HEAD: unknown field `head`, expected one of"),
        "{unknown}"
    );
}

#[test]
fn an_issuer_elsewhere_is_on_this_machine_and_not_beside_an_idp() {
    let issuer = "[issuer]\nurl = \"http://127.0.0.1:8091\"\nclient_id = \"gateway\"\nsecret_file = \"s\"\n";
    let gateway = "[[listener]]\nbind = \"127.0.0.1:0\"\nserves = [\"gateway-inside\"]\n\
         [[service]]\npath = \"/echo\"\nupstream = \"http://127.0.0.1:1\"\nscopes = [\"echo:read\"]\n";
    let good = format!("{gateway}{issuer}");
    let config = Config::parse(&good, "v.toml").unwrap();
    assert_eq!(serve::check(&config).map_err(|bad| bad.to_string()), Ok(()));
    for (text, said) in [
        (gateway.to_owned(), "a listener serves gateway-inside, and there is no [idp] or [issuer]"),
        (
            good.replace("http://127", "https://127"),
            "v.toml:9: issuer.url: https to the provider is not supported",
        ),
        (
            good.replace("127.0.0.1:8091", "192.0.2.1:8091"),
            "v.toml:9: issuer.url: must be a loopback address",
        ),
        (good.replace("gateway-inside", "idp-inside"), "a listener serves idp-inside, and there is no [idp]"),
        (
            format!("data_dir = \"d\"\n{good}[idp]\n"),
            "issuer: is another process's, and there is an [idp] here",
        ),
        (
            format!("{GOOD}{issuer}"),
            "v.toml: data_dir: is missing: sessions and users have to be kept somewhere",
        ),
        (
            format!("data_dir = \"d\"\n{GOOD}{issuer}")
                .replace("[[route]]", "log_on_client = \"shop\"\nanonymous_client = \"all\"\n[[route]]"),
            "issuer: public_url is missing: browsers could not be sent to log in",
        ),
    ] {
        let refused = refused(&text);
        assert!(refused.contains(said), "{refused}");
    }
}

#[test]
fn an_admin_listener_needs_something_to_administer_and_a_place_for_its_token() {
    let admin = "[[listener]]\nbind = \"127.0.0.1:0\"\nserves = [\"admin\"]\n";
    let issuer = "[issuer]\nurl = \"http://127.0.0.1:8091\"\nclient_id = \"proxy\"\nsecret_file = \"s\"\n";
    let shared = "[sessions]\nstore = \"postgres://v@127.0.0.1/v\"\n";
    let proxy = format!("{GOOD}{admin}{issuer}{shared}");
    assert_eq!(
        refused(&proxy),
        "v.toml: data_dir: is missing: a listener serves admin, and its token has to be kept somewhere"
    );
    let config = Config::parse(&format!("data_dir = \"d\"\n{proxy}"), "v.toml").unwrap();
    assert_eq!(serve::check(&config).map_err(|bad| bad.to_string()), Ok(()));
    let gateway = format!("data_dir = \"d\"\n{admin}{issuer}");
    assert_eq!(
        refused(&gateway),
        "v.toml:2: listener: a listener serves admin, and there is neither an [idp] nor a proxy with an [issuer] here"
    );
}

#[test]
fn the_stores_deadline_and_how_long_copies_stand_in_for_it_have_bounds_with_a_reason() {
    let settings = |text: &str| Config::parse(text, "v.toml").unwrap().sessions.settings();
    let default = settings("");
    assert_eq!((default.deadline.as_millis(), default.unfresh_max.as_secs()), (300, 10));
    let own = settings("[sessions]\ndeadline_ms = 500\nstale_while_unreachable_seconds = 0\n");
    assert_eq!((own.deadline.as_millis(), own.unfresh_max.as_secs()), (500, 0));
    for (key, value, said) in [
        (
            "deadline_ms",
            "99",
            "sessions.deadline_ms: must be 100 to 1000: less is no time for two round trips",
        ),
        ("deadline_ms", "1001", "sessions.deadline_ms: must be 100 to 1000"),
        (
            "stale_while_unreachable_seconds",
            "11",
            "sessions.stale_while_unreachable_seconds: must be 0 to 10: a node that is cut off from the store cannot \
             hear of a log-out",
        ),
    ] {
        let line = 1 + GOOD.lines().count() + 1;
        let refused = refused(&format!("{GOOD}[sessions]\n{key} = {value}\n"));
        assert!(refused.contains(&format!("v.toml:{line}: {said}")), "{refused}");
    }
}

#[test]
fn an_https_site_that_nobody_can_reach_by_https_is_warned_of() {
    let site = "[[site]]\nname = \"shop\"\norigin = \"https://shop.example\"\n";
    let config = Config::parse(site, "v.toml").unwrap();
    assert_eq!(config.warnings().len(), 1, "{:?}", config.warnings());
    let trusted = format!("{site}[proxy]\ntrusted_peers = [\"10.0.0.0/8\"]\n");
    assert_eq!(Config::parse(&trusted, "v.toml").unwrap().warnings(), [""; 0]);
}
