//! What cannot work is said when the store is opened, in words that name what to change.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};

use futures_util::future::join_all;
use vestibule_store_redis::{Config, FORMAT, OpenError, examine, open};
use vestibule_testkit::port::Port;
use vestibule_testkit::server::redis::{Cluster, Redis, SentinelSet};

use crate::contract::user;
use crate::rig::store;

async fn refused(url: &str) -> OpenError {
    refused_config(Config::parse(url).unwrap()).await
}

async fn refused_config(config: Config) -> OpenError {
    match open(config).await {
        Ok(_) => panic!("it opens"),
        Err(error) => error,
    }
}

fn told(error: &OpenError, place: &str) -> String {
    error.to_string().replace(place, "PLACE")
}

#[tokio::test]
async fn a_place_where_nobody_listens_is_unreachable() {
    let port = Port::free();
    let place = port.address().to_string();
    let error = refused(&format!("redis://{place}")).await;
    assert_eq!(
        told(&error, &place),
        "redis at PLACE cannot be reached: Connection refused (os error 111); is it running, and is this its host \
         and port?"
    );
}

#[tokio::test]
async fn users_passwords_and_rights_are_checked() {
    let redis = Redis::start(&[
        &user("s3cret"),
        &format!("{} -publish", user("s3cret").replace("vestibule", "mute")),
        &format!("{} resetchannels", user("s3cret").replace("vestibule", "deaf")),
        &format!("{} -script|load", user("s3cret").replace("vestibule", "plain")),
        &format!("{} -wait", user("s3cret").replace("vestibule", "hasty")),
        "user default on >master +@all ~* &*",
    ]);
    let place = redis.place();
    let error = refused(&format!("redis://{place}")).await;
    assert!(matches!(error, OpenError::WrongPassword { .. }), "{error}");
    let error = refused(&format!("redis://vestibule:wrong@{place}")).await;
    let text = told(&error, &place);
    assert!(text.starts_with("redis at PLACE refuses the user or password ("), "{text}");
    assert!(text.ends_with("check the user in the URL and store_password_file"), "{text}");
    assert!(!text.contains("wrong@"), "{text}");
    for (name, lacks) in [("mute", "publish"), ("deaf", "channel"), ("plain", "script|load")] {
        let error = refused(&format!("redis://{name}:s3cret@{place}")).await;
        assert!(matches!(error, OpenError::MissingPrivilege { .. }), "{error}");
        assert!(error.to_string().contains(lacks), "{error}");
    }
    let error = refused(&format!("redis://vestibule:s3cret@{place}?prefix=other")).await;
    assert!(error.to_string().contains("does not let its user do all that sessions need"), "{error}");
    let error = refused(&format!("redis://hasty:s3cret@{place}?wait_replicas=1")).await;
    assert!(matches!(error, OpenError::MissingPrivilege { .. }), "{error}");
    store(&format!("redis://hasty:s3cret@{place}")).await;
    store(&format!("redis://vestibule:s3cret@{place}")).await;
    store(&format!("redis://:master@{place}")).await;
}

#[tokio::test]
async fn another_kind_of_server_is_named() {
    let web = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let place = web.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for connection in web.incoming() {
            let mut connection = connection.unwrap();
            let _asked = connection.read(&mut [0; 1_024]);
            let _answered = connection.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
        }
    });
    let error = refused(&format!("redis://{place}")).await;
    assert_eq!(
        told(&error, &place),
        "what listens at PLACE is no Redis for sessions: it does not speak Redis's protocol"
    );
}

#[tokio::test]
async fn tls_is_wanted_from_both_or_neither() {
    let (plain, tls) = (Redis::start(&[]), Redis::start_with_tls(&[]));
    let error = refused(&format!("rediss://{}", plain.place())).await;
    assert!(matches!(error, OpenError::Tls { .. }), "{error}");
    let error = refused(&format!("rediss://{}", tls.place())).await;
    assert_eq!(
        told(&error, &tls.place()),
        "TLS with redis at PLACE failed: invalid peer certificate: UnknownIssuer; check rediss in the URL, the \
         host's name and store_ca_file"
    );
    let error = refused(&format!("redis://{}", tls.place())).await;
    assert!(told(&error, &tls.place()).contains("as a server with TLS does"), "{error}");
    let config = Config::parse(&format!("rediss://{}", tls.place())).unwrap();
    let error = refused_config(config.clone().with_ca(b"nonsense".to_vec())).await;
    assert_eq!(
        told(&error, &tls.place()),
        "TLS with redis at PLACE failed: store_ca_file holds no certificates in PEM; check rediss in the URL, the \
         host's name and store_ca_file"
    );
    open(config.with_ca(tls.ca().unwrap().into_bytes())).await.unwrap();
}

#[tokio::test]
async fn replicas_and_evicting_servers_are_refused() {
    let master = Redis::start(&["maxmemory 100mb", "maxmemory-policy noeviction"]);
    store(&format!("redis://{}", master.place())).await;
    let replica = Redis::start(&[&format!("replicaof 127.0.0.1 {}", master.server.port())]);
    let error = refused(&format!("redis://{}", replica.place())).await;
    assert_eq!(
        told(&error, &replica.place()),
        "redis at PLACE is a replica and takes no writes: name the master, or the sentinels (redis+sentinel://)"
    );
    for policy in ["allkeys-lru", "volatile-ttl"] {
        master.command(&["CONFIG", "SET", "maxmemory-policy", policy]);
        let error = refused(&format!("redis://{}", master.place())).await;
        assert_eq!(
            told(&error, &master.place()),
            format!(
                "redis at PLACE may delete sessions when its memory is full (maxmemory-policy {policy}), which logs \
                 visitors out: set maxmemory-policy noeviction"
            )
        );
    }
}

#[tokio::test]
async fn another_format_is_left_alone_and_told_for_what_it_is() {
    let redis = Redis::start(&[]);
    let url = format!("redis://{}", redis.place());
    store(&url).await;
    for (found, told) in [
        ("2", "the sessions in redis have format 2 and this program knows 1: run the newer program"),
        (
            "0",
            "the sessions in redis have format 0 and this program reads 1 only: name another prefix in the URL \
             (?prefix=NAME), where everybody begins logged out",
        ),
        (
            "somebody else's",
            "the key vst:format in redis holds something else than the format of sessions: name another prefix in the \
             URL (?prefix=NAME)",
        ),
    ] {
        redis.command(&["SET", "vst:format", found]);
        assert_eq!(refused(&url).await.to_string(), told);
        let looked = examine(Config::parse(&url).unwrap()).await;
        assert_eq!(looked.unwrap_err().to_string(), told, "a look says the same");
        assert_eq!(redis.command(&["GET", "vst:format"]), found);
    }
    redis.command(&["DEL", "vst:format"]);
    redis.command(&["HSET", "vst:format", "a", "b"]);
    assert!(matches!(refused(&url).await, OpenError::ForeignFormat { .. }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_that_open_at_once_one_writes_the_format() {
    let redis = Redis::start(&[]);
    let url = format!("redis://{}", redis.place());
    let opened = join_all((0..8).map(|_| store(&url))).await;
    assert_eq!(opened.len(), 8);
    assert_eq!(redis.command(&["GET", "vst:format"]), FORMAT.to_string());
    // A newer program that was faster by a moment, too.
    redis.command(&["SET", "vst:format", "2"]);
    let refused = join_all((0..8).map(|_| refused(&url))).await;
    assert!(refused.iter().all(|error| matches!(error, OpenError::NewerFormat { .. })), "{refused:?}");
}

#[tokio::test]
async fn the_url_must_fit_the_arrangement() {
    let (single, cluster, set) = (Redis::start(&[]), Cluster::start(1, 0), SentinelSet::start(&[]));
    let (one, node) = (single.place(), cluster.places());
    let error = refused(&format!("redis+cluster://{one}")).await;
    assert!(told(&error, &one).starts_with("what listens at PLACE is no Redis for sessions"), "{error}");
    let error = refused(&format!("redis://{node}")).await;
    assert_eq!(
        told(&error, &node),
        "what listens at PLACE is no Redis for sessions: it is a node of a cluster: write redis+cluster://"
    );
    let sentinel = set.places().split(',').next().unwrap().to_owned();
    let error = refused(&format!("redis://{sentinel}")).await;
    assert_eq!(
        told(&error, &sentinel),
        "what listens at PLACE is no Redis for sessions: it is a sentinel: write \
         redis+sentinel://HOST:PORT/MASTER-NAME"
    );
    assert_eq!(
        refused(&format!("redis+sentinel://{}/other", set.places())).await.to_string(),
        "the sentinels know no master named other: check the name in the URL (sentinel monitor NAME ...)"
    );
    let error = refused(&format!("redis+sentinel://{one}/vestibule")).await;
    assert!(matches!(error, OpenError::WrongServer { .. }), "{error}");
}

#[tokio::test]
async fn the_live_settings_are_judged() {
    let redis = Redis::start(&["maxmemory 100mb"]);
    let store = store(&format!("redis://{}", redis.place())).await;
    for (setting, value, told) in [
        ("appendfsync", "everysec", "may lose the last second"),
        ("appendfsync", "no", "half minute"),
        ("appendonly", "no", "a restart loses everything since the last snapshot"),
    ] {
        redis.command(&["CONFIG", "SET", setting, value]);
        let warnings = store.warnings().await;
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].contains(told), "{warnings:?}");
    }
    redis.command(&["CONFIG", "SET", "appendonly", "yes"]);
    redis.command(&["CONFIG", "SET", "appendfsync", "always"]);
    assert_eq!(store.warnings().await, [""; 0]);
}
