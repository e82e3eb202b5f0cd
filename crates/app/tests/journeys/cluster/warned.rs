//! What a store may lose as it is set up is said before anything is lost.

use vestibule::config::Config;
use vestibule::serve;
use vestibule_testkit::server::redis::Redis;

fn warnings(redis: &Redis) -> Vec<String> {
    let text = format!("[sessions]\nstore = \"redis://{}\"\n", redis.place());
    serve::warnings(&Config::parse(&text, "v.toml").expect("a store and nothing else")).expect("a runtime")
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
    let said = serve::warnings(&Config::parse(text, "v.toml").expect("a store")).expect("a runtime");
    let [warning] = &said[..] else { panic!("{said:?}") };
    assert!(warning.starts_with("sessions.store: a process would not start now: "), "{warning}");
}
