//! A database that does not let the registry in: the process does not start, and names the setting.

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
