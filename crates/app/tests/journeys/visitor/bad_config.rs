//! Configurations that cannot work: the process does not start, and says all that is wrong, where, and what to do.

use std::path::Path;
use std::process::{Command, Output};

use vestibule::config::Config;
use vestibule::serve;
use vestibule_testkit::port::Port;

/// What `vestibule serve` would say of this file.
fn said(text: &str) -> String {
    match Config::parse(text, "v.toml") {
        Err(bad) => bad.to_string(),
        Ok(config) => match serve::start(config) {
            Err(error) => format!("{error:#}"),
            Ok(_) => "it started".to_owned(),
        },
    }
}

const SHOP: &str = r#"data_dir = "DIR"
[[listener]]
bind = "127.0.0.1:0"
serves = ["proxy"]
[[listener]]
bind = "127.0.0.1:0"
serves = ["idp"]
[[site]]
name = "shop"
origin = "http://shop.localhost:8080"
log_on_client = "shop"
anonymous_client = "guest"
[[attribute]]
name = "basket"
[[route]]
host = "shop.localhost"
app = "http://127.0.0.1:9000"
writes = ["basket"]
[idp]
issuer = "http://login.localhost:8090"
[[idp.clients]]
id = "shop"
name = "The shop"
redirect_uris = ["http://shop.localhost:8080/.vestibule/callback"]
grant_types = ["authorization_code"]
[[idp.clients]]
id = "guest"
name = "Guests"
"#;

#[test]
fn what_a_bad_file_is_told() {
    let without =
        |line: &str| SHOP.lines().filter(|it| *it != line).flat_map(|it| [it, "\n"]).collect::<String>();
    let mut wrong = Vec::new();
    for (what, text, expected) in [
        (
            "an unknown key",
            SHOP.replace("writes =", "write ="),
            "v.toml:18: route[0].write: unknown field `write`, expected one of `host`, `path`, `app`, `name`, `requires`, `reads`, `writes`, `claims`, `token`, `when_unknown`, `on_patch_failure`, `cache`, `cross_site`, `body_bytes_max`, `connect_timeout_ms`, `answer_timeout_ms`, `stall_timeout_ms`",
        ),
        (
            "a face without its settings",
            SHOP[..SHOP.find("[idp]").expect("an idp")].to_owned(),
            "v.toml: idp: a listener serves idp, and there is no [idp]\n\
             v.toml:11: site[0].log_on_client: there is no identity provider to log on with",
        ),
        (
            "nowhere to keep anything",
            without("data_dir = \"DIR\""),
            "v.toml: data_dir: is missing: sessions and users have to be kept somewhere",
        ),
        (
            "an attribute that nobody declared",
            SHOP.replace("writes = [\"basket\"]", "writes = [\"baskets\"]"),
            "v.toml:18: route[0].writes: attribute baskets is not declared",
        ),
        (
            "cookies that no browser would keep",
            without("log_on_client = \"shop\"")
                .replace("anonymous_client = \"guest\"\n", "")
                .replace("origin = \"http://shop.localhost:8080\"", "origin = \"http://shop.example\""),
            "v.toml:10: site[0].origin: must be https, or http on this machine: browsers keep no Secure cookie elsewhere",
        ),
        (
            "a site whose client does not exist",
            SHOP.replace("log_on_client = \"shop\"", "log_on_client = \"shoop\""),
            "v.toml:11: site[0].log_on_client: is not the id of a client",
        ),
        (
            "limits that contradict each other",
            format!("{SHOP}[sessions]\nidle_seconds = 20000\nlog_on_seconds = 14400\n"),
            "v.toml:29: sessions: the idle limit is longer than a log-on",
        ),
        (
            "a registry in no database that there is",
            SHOP.replace("[idp]\n", "[idp]\nregistry = \"mysql://v@db/v\"\n"),
            "v.toml:20: idp.registry: not a usable URL: it does not begin with postgres://; it looks like \
             postgres://user@host:5432/database",
        ),
        (
            "a cap that lets nobody in",
            SHOP.replace("[idp]\n", "[idp]\ncaps = { sessions_per_user = 0 }\n"),
            "v.toml:20: idp.caps.sessions_per_user: must be at least 1",
        ),
        (
            "two things at once",
            SHOP.replace("http://127.0.0.1:9000", "127.0.0.1:9000")
                .replace("serves = [\"idp\"]", "serves = []"),
            "v.toml:7: listener[1].serves: serves nothing: name at least one face\n\
             v.toml:17: route[0].app: '127.0.0.1:9000' is not http://HOST:PORT without a path",
        ),
    ] {
        let dir = tempfile::tempdir().expect("a directory");
        let said = said(&text.replace("DIR", &dir.path().join("data").display().to_string()));
        wrong.extend((said != expected).then(|| format!("{what}: {said}\n  instead of {expected}")));
        assert!(!dir.path().join("data").exists(), "{what}: nothing was begun");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What the binary says of this file on its errors' stream, and its exit code. It says nothing else.
#[track_caller]
fn run(words: &[&str], file: &Path) -> (String, Option<i32>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
    let Output { status, stdout, stderr } =
        command.args(words).arg("--config").arg(file).output().expect("the binary was built for this test");
    assert_eq!(String::from_utf8_lossy(&stdout), "", "{words:?}");
    (String::from_utf8(stderr).expect("text"), status.code())
}

#[test]
fn a_process_and_a_check_of_a_bad_file_end_with_2_and_say_why() {
    let dir = tempfile::tempdir().expect("a directory");
    let (file, data) = (dir.path().join("v.toml"), dir.path().join("data"));
    let shop = SHOP.replace("DIR", &data.display().to_string());
    // The first cannot be read, the second can and makes no sense.
    for (text, problems) in [
        (
            shop.replace("app = \"http://127.0.0.1:9000\"", "app = 9000"),
            &["17: route[0].app: invalid type: integer `9000`, expected a string"][..],
        ),
        (
            shop.replace("http://127.0.0.1:9000", "127.0.0.1:9000")
                .replace("log_on_client = \"shop\"", "log_on_client = \"shoop\""),
            &[
                "17: route[0].app: '127.0.0.1:9000' is not http://HOST:PORT without a path",
                "11: site[0].log_on_client: is not the id of a client",
            ],
        ),
    ] {
        std::fs::write(&file, text).expect("the directory takes files");
        let told: Vec<_> = problems.iter().map(|problem| format!("{}:{problem}", file.display())).collect();
        let told = format!("vestibule: {}\n", told.join("\n"));
        for words in [&["serve"][..], &["config", "check"]] {
            assert_eq!(run(words, &file), (told.clone(), Some(2)), "{words:?}");
        }
        assert!(!data.exists(), "nothing was begun");
    }
}

#[test]
fn a_file_that_is_not_there_ends_with_2_and_a_port_that_is_taken_with_1() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("v.toml");
    let told =
        format!("vestibule: {}: cannot be read: No such file or directory (os error 2)\n", file.display());
    for words in [&["serve"][..], &["config", "check"]] {
        assert_eq!(run(words, &file), (told.clone(), Some(2)), "{words:?}");
    }
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address");
    let text = format!("[[listener]]\nbind = \"{address}\"\nserves = [\"metrics\"]\n");
    std::fs::write(&file, text).expect("the directory takes files");
    let (said, code) = run(&["serve"], &file);
    let begins = format!("vestibule: cannot listen on {address}: is something else using it?");
    assert!(said.starts_with(&begins), "{said}");
    assert_eq!(code, Some(1));
}

#[test]
fn a_taken_port_starts_nothing() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address");
    let dir = tempfile::tempdir().expect("a directory");
    let text = SHOP.replace("DIR", &dir.path().join("data").display().to_string());
    let text = text.replacen("127.0.0.1:0", &address.to_string(), 1);

    let said = said(&text);

    let expected = format!("cannot listen on {address}: is something else using it?");
    assert!(said.starts_with(&expected), "{said}");
    assert!(!dir.path().join("data").exists());
}

#[test]
fn a_registry_that_cannot_be_reached_is_named_by_its_setting() {
    let dir = tempfile::tempdir().expect("a directory");
    let port = Port::free();
    let text = SHOP.replace("DIR", &dir.path().join("data").display().to_string());
    let url = format!("postgres://vestibule:canary@127.0.0.1:{port}/vestibule");
    let said = said(&text.replace("[idp]\n", &format!("[idp]\nregistry = \"{url}\"\n")));
    let expected = format!("idp.registry: PostgreSQL at 127.0.0.1:{port} cannot be reached: ");
    assert!(said.starts_with(&expected) && !said.contains("canary"), "{said}");
}

#[test]
fn a_secret_that_cannot_be_read_is_named_and_never_shown() {
    let dir = tempfile::tempdir().expect("a directory");
    let (file, secret) = (dir.path().join("v.toml"), dir.path().join("guest.secret"));
    std::fs::write(&file, format!("{SHOP}secret_file = \"guest.secret\"\n")).expect("a file");
    let said = || Config::read(&file).expect_err("no secret").to_string();
    let at = format!("{}:29: idp.clients[1].secret_file: {}", file.display(), secret.display());

    assert_eq!(said(), format!("{at}: No such file or directory (os error 2)"));
    std::fs::write(&secret, "canary\nof two lines").expect("a file");
    assert_eq!(said(), format!("{at}: has more than one line"));
    std::fs::write(&secret, "c\u{e4}nary\n").expect("a file");
    assert_eq!(said(), format!("{at}: is no client's secret: 512 printable ASCII characters at most"));
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let said = Config::read(Path::new("no/such/file.toml")).expect_err("there is none").to_string();
    assert_eq!(said, "no/such/file.toml: cannot be read: No such file or directory (os error 2)");
}
