//! What a store may lose as it is set up is said before anything is lost, and what keeps a process from starting before
//! it is started.

use vestibule::config::Config;
use vestibule::serve;
use vestibule_testkit::server::mongo::ReplicaSet;
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

#[test]
fn a_check_leaves_the_servers_as_they_are() {
    let ask = |url: &str| {
        let text = format!("[sessions]\nstore = \"{url}\"\n");
        let asked = serve::ask(&Config::parse(&text, "v.toml").expect("a store")).expect("a runtime");
        assert_eq!(asked.refusals, [""; 0]);
        asked.notes
    };
    let new = ["sessions.store: nothing of ours is there yet; the first start makes what is needed"];

    let redis = Redis::start(&[]);
    assert_eq!(ask(&format!("redis://{}", redis.place())), new);
    assert_eq!(redis.command(&["DBSIZE"]), "0");

    let postgres = Postgres::start();
    assert_eq!(ask(&postgres.url(SUPERUSER, "postgres")), new);
    let ours = "SELECT COUNT(*) FROM pg_namespace WHERE nspname = 'vestibule'";
    assert_eq!(postgres.sql("postgres", ours), "0");

    let mongo = ReplicaSet::of_one();
    assert_eq!(ask(&mongo.url("shop")), new);
    let names = tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
        let client = mongodb::Client::with_uri_str(mongo.url("admin")).await.expect("a URL");
        client.list_database_names().await.expect("anybody may ask")
    });
    assert!(!names.contains(&"shop".to_owned()), "{names:?}");
}

#[test]
fn a_number_of_no_database_is_named() {
    let redis = Redis::start(&[]);
    let text = format!("[sessions]\nstore = \"redis://{}/99\"\n", redis.place());
    let asked = serve::ask(&Config::parse(&text, "v.toml").expect("a store")).expect("a runtime");
    let [refusal] = &asked.refusals[..] else { panic!("{asked:?}") };
    let place = redis.place();
    assert!(
        refusal.starts_with(&format!("sessions.store: redis at {place} has no database 99 (")),
        "{refusal}"
    );
}
