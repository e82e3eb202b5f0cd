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
        (
            "\nlistner = 1",
            "v.toml:2: listner: unknown field `listner`, expected one of `data_dir`, `listener`, ..",
        ),
        (
            "[[listener]]\nbind = \"localhost\"\nserves = []",
            "v.toml:2: listener[0].bind: invalid socket address syntax",
        ),
        (
            "[[listener]]\nbind = \"127.0.0.1:1\"\nserves = [\"prxy\"]",
            "v.toml:3: listener[0].serves[0]: unknown variant `prxy`, expected one of `proxy`, ..",
        ),
        (
            "[[listener]]\nbind = \"127.0.0.1:1\"\nserves = [\"metrics\"]\n[proxy]\ntrusted_peers = [\"10.0.0.0/8\", \"10.0.0.0\"]",
            "v.toml:5: proxy.trusted_peers[1]: is no network: write an address and how many of its bits count, such as \
             10.0.0.0/8 or 192.0.2.1/32",
        ),
        (
            "[[listener]]\nbind = \"127.0.0.1:1\"\nserves = [\"metrics\"]\n[[route]]\nhost = \"a\"\napp = \"http://a:1\"\nrequires = \"logged-in\"",
            "v.toml:7: route[0].requires: unknown variant `logged-in`, expected one of `anonymous`, ..",
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
             v.toml:12: route[1].path: route shop.example/ is there twice (upper and lower case count as the same)",
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
        Config::read_with(GOOD, "v.toml", &[(key.to_owned(), value.to_owned())], None)
    };
    assert_eq!(read("VESTIBULE_LIMITS__HEAD_TIMEOUT_MS", "7").unwrap().limits.head_timeout_ms, Some(7));
    assert_eq!(read("VESTIBULE_LOG__ACCESS", "off").unwrap().log.access, AccessLog::Off);
    assert_eq!(
        read("VESTIBULE_PROXY__TRUSTED_PEERS", "[\"10.0.0.0/8\"]").unwrap().proxy.trusted_peers.len(),
        1
    );
    for (key, value, said) in [
        (
            "VESTIBULE_LIMITS",
            "1",
            "VESTIBULE_LIMITS: limits: invalid type: integer `1`, expected struct LimitsConfig",
        ),
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
        unknown.starts_with("VESTIBULE_LIMITS__HEAD: limits.head: unknown field `head`, expected one of"),
        "{unknown}"
    );
}

#[test]
fn the_environment_sets_any_value_and_whole_tables() {
    let read = |variables: &[(&str, &str)]| {
        let variables: Vec<_> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Config::read_with(GOOD, "v.toml", &variables, None)
    };
    let config = read(&[
        ("VESTIBULE_DATA_DIR", "/data"),
        ("VESTIBULE_IDP__CAPS__SESSIONS_PER_USER", "7"),
        ("VESTIBULE_IDP__SERVICE_AUDIENCE", "1234"),
        ("VESTIBULE_IDP__PASSWORD_COST__PASSES", "3"),
    ])
    .unwrap();
    let idp = config.idp.as_ref().unwrap();
    assert_eq!(config.data_dir.as_deref(), Some(Path::new("/data")));
    assert_eq!((idp.caps.sessions_per_user, idp.password_cost.passes), (7, 3));
    assert_eq!(idp.service_audience, "1234");
    assert!(overrides::print(&config.source.merged).unwrap().contains("service_audience = \"1234\""));

    let issuer = [
        ("VESTIBULE_ISSUER__CLIENT_ID", "proxy"),
        ("VESTIBULE_ISSUER__PUBLIC_URL", "http://login.localhost:8090"),
        ("VESTIBULE_ISSUER__SECRET_FILE", "secret"),
        ("VESTIBULE_ISSUER__URL", "http://127.0.0.1:8091"),
    ];
    assert_eq!(read(&issuer).unwrap().issuer.unwrap().client_id, "proxy");
    let said = read(&issuer[..3]).unwrap_err().to_string();
    assert_eq!(said, "VESTIBULE_ISSUER__CLIENT_ID: issuer: missing field `url`");
}

#[test]
fn a_key_that_the_file_lacks_may_come_from_the_environment() {
    let text =
        GOOD.replace("[[route]]", "[issuer]\nurl = \"http://127.0.0.1:8091\"\nclient_id = \"p\"\n[[route]]");
    let set = ("VESTIBULE_ISSUER__SECRET_FILE".to_owned(), "secret".to_owned());
    assert!(Config::read_with(&text, "v.toml", &[], None).is_err());
    assert!(Config::read_with(&text, "v.toml", &[set], None).is_ok());
}

#[test]
fn a_bad_value_of_the_environment_is_not_blamed_on_the_file() {
    let text = format!("{GOOD}[limits]\nhead_timeout_ms = 10_000\n");
    let set = [("VESTIBULE_LIMITS__HEAD_TIMEOUT_MS".to_owned(), "0".to_owned())];
    let config = Config::read_with(&text, "v.toml", &set, None).unwrap();
    assert_eq!(
        serve::check(&config).unwrap_err().to_string(),
        "VESTIBULE_LIMITS__HEAD_TIMEOUT_MS: limits.head_timeout_ms: must be at least 1"
    );
}

#[test]
fn one_fault_hides_no_other() {
    let text = GOOD.replace("app = ", "aap = 1\napp = ").replace("bind = \"127.0.0.1:0\"", "bind = 7")
        + "[log]\nzz1 = 1\nzz2 = 2\naccess = 7\n[limits]\nfields_max = 257\nzz3 = 1\n[drain]\ndelay_ms = -1\n";
    let said = refused(&text);
    let lines: Vec<_> = said.lines().map(|line| line.split(", expected").next().unwrap()).collect();
    assert_eq!(
        lines,
        [
            "v.toml:3: listener[0].bind: invalid type: integer `7`",
            "v.toml:10: route[0].aap: unknown field `aap`",
            "v.toml:13: log.zz1: unknown field `zz1`",
            "v.toml:14: log.zz2: unknown field `zz2`",
            "v.toml:15: log.access: invalid type: integer `7`",
            "v.toml:18: limits.zz3: unknown field `zz3`",
            "v.toml:20: drain.delay_ms: invalid value: integer `-1`",
            "v.toml:17: limits.fields_max: must be at most 256",
        ],
        "{said}"
    );
}

#[test]
fn what_only_follows_from_a_fault_is_not_told() {
    let said = refused(&GOOD.replace("\"proxy\", \"metrics\"", "\"prxy\""));
    assert!(said.starts_with("v.toml:4: listener[0].serves[0]: unknown variant `prxy`"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    let said = refused(&GOOD.replace("name = \"shop\"\n", "").replace("127.0.0.1:9000", "x:y:z"));
    assert_eq!(said, "v.toml:5: site[0]: missing field `name`");
    let said = refused(&GOOD.replace("name = \"shop\"\norigin = \"https://shop.example\"", "zz = 1"));
    let lines: Vec<_> = said.lines().map(|line| line.split(", expected").next().unwrap()).collect();
    assert_eq!(
        lines,
        [
            "v.toml:5: site[0]: missing field `name`",
            "v.toml:5: site[0]: missing field `origin`",
            "v.toml:6: site[0].zz: unknown field `zz`"
        ]
    );
    let said = refused(&format!("idp = 7\n{GOOD}").replace("\"metrics\"", "\"idp\""));
    assert_eq!(said, "v.toml:1: idp: invalid type: integer `7`, expected struct Config");
    let said =
        refused(&format!("data_dri = \"d\"\n{GOOD}").replace("http://127.0.0.1:9000", "127.0.0.1:9000"));
    let lines: Vec<_> = said.lines().map(|line| line.split(", expected").next().unwrap()).collect();
    assert_eq!(lines[0], "v.toml:1: data_dri: unknown field `data_dri`");
    assert!(lines[1].starts_with("v.toml:11: route[0].app: "), "{said}");
}

#[test]
fn paths_count_from_the_directory_of_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("v.toml");
    std::fs::write(&file, format!("data_dir = \"data\"\n{GOOD}[log]\naccess = \"access.log\"\n")).unwrap();
    let config = Config::read(&file).unwrap();
    assert_eq!(config.data_dir, Some(dir.path().join("data")));
    assert_eq!(config.log.access, AccessLog::File(dir.path().join("access.log")));
    std::fs::write(&file, format!("data_dir = \"/data\"\n{GOOD}[log]\naccess = \"off\"\n")).unwrap();
    let config = Config::read(&file).unwrap();
    assert_eq!((config.data_dir.as_deref(), config.log.access), (Some(Path::new("/data")), AccessLog::Off));
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

/// What log-in redirects are made of is as strict here as where it comes from.
#[test]
fn the_issuers_public_url_is_an_origin_that_browsers_may_be_sent_to() {
    let with = |url: &str| {
        let issuer = format!(
            "url = \"http://127.0.0.1:8091\"\npublic_url = \"{url}\"\nclient_id = \"p\"\nsecret_file = \"s\""
        );
        format!("data_dir = \"d\"\n{GOOD}[issuer]\n{issuer}\n")
    };
    for good in ["https://login.example.com", "http://login.localhost:8090", "http://127.0.0.1:8090"] {
        let config = Config::parse(&with(good), "v.toml").unwrap();
        assert_eq!(serve::check(&config).map_err(|bad| bad.to_string()), Ok(()), "{good}");
    }
    for (bad, said) in [
        ("http://login.example.com", "must be https; plain http is for loopback hosts only"),
        ("http://10.1.1.1", "must be https; plain http is for loopback hosts only"),
        ("https://login.example.com/", "must be scheme, host and port only"),
        ("https://login.example.com/a", "must be scheme, host and port only"),
        ("https://LOGIN.example.com", "must be scheme, host and port only"),
        ("login.example.com", "is not a URL"),
    ] {
        let refused = refused(&with(bad));
        assert!(refused.contains(&format!(": issuer.public_url: {said}")), "{bad}: {refused}");
    }
}

#[test]
fn the_issuers_secret_is_long_enough_not_to_be_guessed() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("v.toml");
    let issuer = "[issuer]\nurl = \"http://127.0.0.1:8091\"\nclient_id = \"p\"\nsecret_file = \"p.secret\"\n";
    std::fs::write(&file, format!("data_dir = \"d\"\n{GOOD}{issuer}")).unwrap();
    for (length, fits) in [(1, false), (31, false), (32, true)] {
        std::fs::write(dir.path().join("p.secret"), format!("{}\n", "s".repeat(length))).unwrap();
        let checked = serve::check(&Config::read(&file).unwrap()).map_err(|bad| bad.to_string());
        let said = checked.err().unwrap_or_default();
        assert_eq!(said.is_empty(), fits, "{said}");
        assert_eq!(said.contains("issuer.secret_file: holds a secret that can be guessed"), !fits, "{said}");
    }
}

/// Role secrets and tokens for web apps would travel in the clear.
#[test]
fn the_inside_of_the_identity_provider_is_served_to_this_machine_only() {
    let with = |bind: &str| {
        format!("data_dir = \"d\"\n[[listener]]\nbind = \"{bind}\"\nserves = [\"idp-inside\"]\n[idp]\n")
    };
    for bind in ["127.0.0.1:0", "127.8.8.8:8091", "[::1]:0", "[::ffff:127.0.0.1]:0"] {
        let config = Config::parse(&with(bind), "v.toml").unwrap();
        assert_eq!(serve::check(&config).map_err(|bad| bad.to_string()), Ok(()), "{bind}");
    }
    for bind in ["0.0.0.0:8091", "[::]:8091", "192.0.2.1:8091", "[::ffff:192.0.2.1]:8091"] {
        let said = refused(&with(bind));
        let expected = "v.toml:3: listener[0].bind: serves idp-inside, so it must be a loopback address";
        assert!(said.starts_with(expected), "{bind}: {said}");
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

#[test]
fn an_https_issuer_that_nobody_can_reach_by_https_is_warned_of() {
    let listener = "[[listener]]\nbind = \"127.0.0.1:8090\"\nserves = [\"idp\"]\n";
    let with = |idp: &str| Config::parse(&format!("{listener}[idp]\n{idp}"), "v.toml").unwrap().warnings();
    let issuer = "issuer = \"https://login.example\"\n";
    let said = with(issuer);
    assert!(said.len() == 1 && said[0].starts_with("idp.issuer: "), "{said:?}");
    assert_eq!(with(&format!("{issuer}trusted_peers = [\"10.0.0.0/8\"]\n")), [""; 0]);
    assert_eq!(with("issuer = \"http://localhost:8090\"\n"), [""; 0]);
}

#[test]
fn numbers_have_bounds() {
    for (table, key, value, said) in [
        ("runtime", "cores", "9223372036854775807", "must be at most 1024"),
        ("runtime", "cores", "0", "must be at least 1"),
        ("limits", "head_bytes_max", "1", "must be at least 512"),
        ("limits", "field_bytes_max", "1", "must be at least 128"),
        ("limits", "target_bytes_max", "1", "must be at least 64"),
        ("limits", "connections_max", "9223372036854775807", "must be at most 1000000"),
        ("limits", "idle_timeout_ms", "9223372036854775807", "must be at most 86400000"),
        ("limits", "app_idle_max", "9223372036854775807", "must be at most 65536"),
        ("drain", "delay_ms", "9223372036854775807", "must be at most 600000"),
        ("drain", "limit_ms", "9223372036854775807", "must be at most 86400000"),
    ] {
        let line = GOOD.lines().count() + 2;
        let refused = refused(&format!("{GOOD}[{table}]\n{key} = {value}\n"));
        assert_eq!(refused, format!("v.toml:{line}: {table}.{key}: {said}"));
    }
}

#[test]
fn two_listeners_on_one_address_are_told_before_the_second_finds_out() {
    let listener = |bind: &str| format!("[[listener]]\nbind = \"{bind}\"\nserves = [\"metrics\"]\n");
    for (one, other, is_taken) in [
        ("127.0.0.1:81", "127.0.0.1:81", true),
        ("0.0.0.0:81", "127.0.0.1:81", true),
        ("127.0.0.1:81", "0.0.0.0:81", true),
        ("[::]:81", "[::1]:81", true),
        ("127.0.0.1:81", "127.0.0.1:82", false),
        ("127.0.0.1:81", "127.0.0.2:81", false),
        // Of IPv6 alone.
        ("0.0.0.0:81", "[::]:81", false),
        ("127.0.0.1:0", "127.0.0.1:0", false),
    ] {
        let config = Config::parse(&(listener(one) + &listener(other)), "v.toml").unwrap();
        let said = serve::check(&config).map_err(|bad| bad.to_string());
        let taken = Err(format!("v.toml:5: listener[1].bind: is taken by listener[0]: {one}"));
        assert_eq!(said, if is_taken { taken } else { Ok(()) }, "{one} and {other}");
    }
}

#[test]
fn a_route_on_an_alias_is_never_reached_and_empty_paths_are_none() {
    let text = GOOD
        .replace("[[route]]", "aliases = [\"www.shop.example\"]\n[[route]]")
        .replace("host = \"shop.example\"", "host = \"WWW.shop.example\"");
    assert!(
        refused(&text).contains(
            "v.toml:10: route[0].host: is an alias of https://shop.example, which redirects there: no request gets to \
             the app"
        ),
        "{}",
        refused(&text)
    );
    assert_eq!(refused(&format!("data_dir = \"\"\n{GOOD}")), "v.toml:1: data_dir: is empty");
    let nul = format!("data_dir = \"a\\u0000b\"\n{GOOD}");
    assert_eq!(refused(&nul), "v.toml:1: data_dir: holds a NUL, and no path does");
    assert_eq!(
        refused(&format!("{GOOD}[log]\naccess = \"\"\n")),
        format!("v.toml:{}: log.access: is empty", GOOD.lines().count() + 2)
    );
}

#[test]
fn secrets_that_others_can_read_are_warned_of() {
    warns_of_secrets_in(tempfile::tempdir().unwrap().path());
}

#[test]
fn secrets_beside_a_file_that_is_named_from_here_are_warned_of_too() {
    let dir = tempfile::tempdir().unwrap();
    let here = std::env::current_dir().unwrap();
    let up: std::path::PathBuf = here.components().skip(1).map(|_| "..").collect();
    warns_of_secrets_in(&up.join(dir.path().strip_prefix("/").unwrap()));
}

fn warns_of_secrets_in(dir: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let (file, secret, data) = (dir.join("v.toml"), dir.join("secret"), dir.join("data"));
    let issuer = "[issuer]\nurl = \"http://127.0.0.1:8091\"\nclient_id = \"p\"\nsecret_file = \"secret\"\n";
    std::fs::write(
        &file,
        format!("data_dir = \"data\"\n{GOOD}{issuer}[proxy]\ntrusted_peers = [\"::1/128\"]\n"),
    )
    .unwrap();
    std::fs::write(&secret, "a-secret-that-is-long-enough-for-anybody-at-all\n").unwrap();
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("admin.token"), "").unwrap();
    let with_mode = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let warnings = || Config::read(&file).unwrap().warnings();
    for (path, mode) in [(&secret, 0o640), (&data, 0o755), (&data.join("admin.token"), 0o604)] {
        with_mode(path, mode);
    }
    let said = warnings();
    assert_eq!(said.len(), 3, "{said:?}");
    let path = secret.display();
    assert_eq!(
        said[0],
        format!("issuer.secret_file: {path} is open to others than its owner (mode 0640): chmod 600 {path}")
    );
    assert!(said[1].starts_with("data_dir: ") && said[1].ends_with(&format!("chmod 700 {}", data.display())));
    for (path, mode) in [(&secret, 0o400), (&data, 0o700), (&data.join("admin.token"), 0o600)] {
        with_mode(path, mode);
    }
    assert_eq!(warnings(), [""; 0]);
}

#[test]
fn a_password_file_of_two_lines_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("v.toml");
    let store = "store = \"redis://127.0.0.1:1\"\nstore_password_file = \"password\"\n";
    std::fs::write(&file, format!("{GOOD}[sessions]\n{store}")).unwrap();
    let read = |password: &str| {
        std::fs::write(dir.path().join("password"), password).unwrap();
        Config::read(&file)
            .map(|config| config.sessions.store_password.is_some())
            .map_err(|bad| bad.to_string())
    };
    assert_eq!(read("secret\n"), Ok(true));
    assert_eq!(read("secret\r\n"), Ok(true));
    let path = dir.path().join("password");
    for (bad, why) in [
        ("canary\nand more\n", "has more than one line"),
        ("canary\n\n", "has more than one line"),
        ("\n", "is empty"),
    ] {
        let said = read(bad).unwrap_err();
        let expected = format!("sessions.store_password_file: {}: {why}", path.display());
        assert!(said.ends_with(&expected), "{said}");
    }
}
