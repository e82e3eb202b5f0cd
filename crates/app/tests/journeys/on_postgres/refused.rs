//! A database that does not let the registry in: the process does not start, and names the setting; a check says so
//! before, and changes nothing.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use vestibule::config::Config;
use vestibule::serve;
use vestibule_testkit::server::postgres::{PASSWORD, SUPERUSER};

use super::registry::SERVER;

const IDP: &str = r#"data_dir = "DIR"
[[listener]]
bind = "127.0.0.1:0"
serves = ["idp"]
[idp]
issuer = "http://login.localhost:8090"
registry = "URL"
registry_password_file = "registry.password"
registry_schema = "refused"
"#;

#[test]
fn a_check_asks_the_database_and_leaves_it_alone() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).expect("the directory takes files");
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("it is ours");
        path
    };
    let url = format!("postgres://{SUPERUSER}@127.0.0.1:{}/postgres", SERVER.port());
    let text = IDP.replace("\"refused\"", "\"checked\"").replace("DIR", "unused").replace("URL", &url);
    let config = file("v.toml", &text);
    file("registry.password", "canary\n");

    let (code, said) = check(&config);
    let beginning = format!(
        "vestibule: {}: a process would not start now: idp.registry_password_file: PostgreSQL at ",
        config.display()
    );
    assert_eq!(code, Some(1), "{said}");
    assert!(said.starts_with(&beginning) && !said.contains("canary") && !said.contains("fine"), "{said}");

    file("registry.password", &format!("{PASSWORD}\n"));
    assert_eq!(check(&config), (Some(0), format!("{}: fine\n", config.display())));
    let schemas = "SELECT COUNT(*) FROM pg_namespace WHERE nspname = 'checked'";
    assert_eq!(SERVER.sql("postgres", schemas), "0");
}

/// The exit code of `config check`, and what it says in either place.
fn check(config: &Path) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
    let output = command.args(["config", "check", "--config"]).arg(config).output();
    let Output { status, stdout, stderr } = output.expect("the binary was built for this test");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (status.code(), text(stderr) + &text(stdout))
}

#[test]
fn the_password_comes_from_its_file_and_a_wrong_one_is_named_by_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).expect("the directory takes files");
        path
    };
    let url = format!("postgres://{SUPERUSER}@127.0.0.1:{}/postgres", SERVER.port());
    let text = IDP.replace("DIR", &dir.path().join("data").display().to_string()).replace("URL", &url);
    let config = file("v.toml", &text);
    file("registry.password", "canary\n");
    let start = || serve::start(Config::read(&config).expect("it can be read"));
    let said = format!("{:#}", start().err().expect("a wrong password"));
    assert!(said.starts_with("idp.registry_password_file: PostgreSQL at 127.0.0.1:"), "{said}");
    assert!(!said.contains("canary"), "{said}");
    file("registry.password", &format!("{PASSWORD}\n"));
    start().expect("the right password").stop();
}
