//! What a store may lose as it is set up is said before anything is lost, and what keeps a process from starting before
//! it is started.

use vestibule::config::Config;
use vestibule::serve;
use vestibule_testkit::server::postgres::{Postgres, SUPERUSER};
use vestibule_testkit::server::redis::Redis;

fn warnings(redis: &Redis) -> Vec<String> {
    let text = format!("[sessions]\nstore = \"redis://{}\"\n", redis.place());
    let config = Config::parse(&text, "v.toml").expect("a store and nothing else");
    let asked = serve::ask(&config).expect("a runtime");
    assert_eq!(asked.refusals, [""; 0]);
    asked.warnings
}

#[test]
fn a_check_says_what_a_redis_that_flushes_every_second_may_lose() {
    let said = warnings(&Redis::start(&[]));
    assert!(said.iter().any(|warning| warning.contains("everysec")), "{said:?}");
    let said = warnings(&Redis::start(&["appendfsync always"]));
    assert!(!said.iter().any(|warning| warning.contains("appendfsync")), "{said:?}");
}

#[test]
fn a_check_says_that_nobody_answers_there() {
    let text = "[sessions]\nstore = \"redis://127.0.0.1:1\"\n";
    let said = serve::ask(&Config::parse(text, "v.toml").expect("a store")).expect("a runtime");
    let [refusal] = &said.refusals[..] else { panic!("{said:?}") };
    assert!(refusal.starts_with("sessions.store: redis at 127.0.0.1:1 cannot be reached: "), "{refusal}");
}

#[test]
fn a_wrong_password_is_named_by_the_file_that_it_stands_in() {
    let postgres = Postgres::start();
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("v.toml");
    let settings = format!("postgres://{SUPERUSER}@127.0.0.1:{}/postgres", postgres.port());
    let text = format!("[sessions]\nstore = \"{settings}\"\nstore_password_file = \"store.password\"\n");
    std::fs::write(&file, text).expect("the directory takes files");
    std::fs::write(dir.path().join("store.password"), "canary\n").expect("the directory takes files");
    let said = serve::ask(&Config::read(&file).expect("a store")).expect("a runtime");
    let [refusal] = &said.refusals[..] else { panic!("{said:?}") };
    assert!(
        refusal.starts_with("sessions.store_password_file: ") && !refusal.contains("canary"),
        "{refusal}"
    );
}
