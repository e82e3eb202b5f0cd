//! The server dies, freezes, resets, reads only, is full: nothing is falsely told, and all is well within two seconds.

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use tokio::time::timeout;
use vestibule_ports::session_store::{Created, Ended, Event, SessionStore as _, StoreError, Updated};
use vestibule_store_postgres::{Config, PostgresStore};
use vestibule_testkit::patience::{PATIENCE, Patience};
use vestibule_testkit::server::postgres::Postgres;

use crate::rig::{
    HEALED_WITHIN, NOW, beat, handle, healed, heard, in_time, live, record, store_on, tombstone,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_that_starts_again_is_used_again() {
    goes_and_comes_back(Postgres::kill).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_server_that_starts_again_is_used_again() {
    goes_and_comes_back(Postgres::stop).await;
}

async fn goes_and_comes_back(go: fn(&mut Postgres)) {
    let mut server = Postgres::start();
    let store = store_on(&server).await;
    let mut watch = store.watch().await.expect("the server is there");
    for number in [1, 2] {
        store.create(handle(number), record("1")).await.expect("a new session");
    }
    store.end(handle(2), None, tombstone(), NOW).await.expect("an end");
    go(&mut server);
    while timeout(PATIENCE, watch.next()).await.expect("the watch ends").is_some() {}
    assert!(in_time(store.get(handle(1), NOW)).await.is_err_and(|e| e.is_outage()));
    // As long as a connection is not known to be dead, something may have been sent.
    let patience = Patience::new(PATIENCE);
    loop {
        match in_time(store.end(handle(1), None, tombstone(), NOW)).await {
            Err(StoreError::Unreachable(_)) => break,
            Err(StoreError::Unknown(_)) => assert!(!patience.left().is_zero(), "never noticed"),
            other => panic!("{other:?}"),
        }
    }
    assert!(in_time(store.beat(beat(1))).await.is_err());
    assert!(in_time(store.watch()).await.is_err());
    server.restart();
    let (answer, took) = healed(|| store.update(handle(1), 1, record("3"), NOW)).await;
    assert_eq!(answer, Updated::Updated(2));
    assert!(took < HEALED_WITHIN, "{took:?}");
    assert_eq!(store.end(handle(2), None, tombstone(), NOW).await, Ok(Ended::Already));
    let (mut watch, _) = healed(|| store.watch()).await;
    healed(|| store.beat(beat(2))).await;
    store.create(handle(3), record("3")).await.expect("a new session");
    let heard = heard(&store, &mut watch, 3).await;
    assert!(heard.ends_with(&[Event::Changed { handle: handle(3), version: 1 }]), "{heard:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_server_is_no_log_out_and_is_used_again_when_it_thaws() {
    let server = Postgres::start();
    let store = store_on(&server).await;
    let mut watch = store.watch().await.unwrap();
    store.create(handle(1), record("1")).await.unwrap();
    let frozen = server.freeze();
    // More calls than connections, each given up by its caller, wave after wave.
    for _ in 0..12 {
        let calls = (0..50).map(|_| in_time(store.get(handle(1), NOW)));
        for answer in join_all(calls).await {
            assert!(answer.unwrap_err().is_outage());
        }
        assert!(in_time(store.beat(beat(1))).await.is_err());
    }
    drop(frozen);
    let (_, took) = healed(|| store.get(handle(1), NOW)).await;
    assert!(took < HEALED_WITHIN, "{took:?}");
    let ((), took) = healed(|| store.beat(beat(2))).await;
    assert!(took < HEALED_WITHIN, "{took:?}");
    let heard = heard(&store, &mut watch, 3).await;
    assert!(heard.contains(&Event::Gap), "beats were lost, and what came with them: {heard:?}");
    assert_eq!(live(&store, 1).await.version, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_cut_are_made_anew() {
    let server = Postgres::start();
    let store = store_on(&server).await;
    store.create(handle(1), record("1")).await.unwrap();
    for version in 1..6 {
        let watch = store.watch().await.unwrap();
        let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
            WHERE application_name = 'vestibule'";
        assert_eq!(server.sql("postgres", cut), "8", "all that the configuration allows");
        assert!(timeout(PATIENCE, watch.collect::<Vec<_>>()).await.is_ok(), "the watch ends");
        let (answer, took) = healed(|| store.update(handle(1), version, record("x"), NOW)).await;
        // Or it was carried out and its answer came after the deadline.
        assert!(matches!(answer, Updated::Updated(_) | Updated::Conflict), "{answer:?}");
        assert_eq!(live(&store, 1).await.version, version + 1);
        assert!(took < HEALED_WITHIN, "{took:?}");
        healed(|| store.beat(beat(version))).await;
        healed(|| async {
            let calls = (0..5).map(|_| store.get(handle(1), NOW));
            join_all(calls).await.into_iter().collect::<Result<Vec<_>, _>>()
        })
        .await;
        let all_up = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'vestibule'";
        healed(|| async {
            let up = server.sql("postgres", all_up);
            if up == "7" { Ok(()) } else { Err(StoreError::Unreachable(up)) }
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_end_as_soon_as_they_are_made_do_not_storm_the_server() {
    let server = Postgres::start();
    let store = store_on(&server).await;
    server.set("idle_session_timeout", "100ms");
    // It counts from the next time that a session falls idle.
    let cut =
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'vestibule'";
    assert_eq!(server.sql("postgres", cut), "7");
    let made =
        || server.sql("postgres", "SELECT sum(sessions) FROM pg_stat_database").parse::<u64>().unwrap();
    let (before, mut asked) = (made(), 0);
    let patience = Patience::new(Duration::from_secs(3));
    while !patience.left().is_zero() {
        made();
        asked += 1;
    }
    let made = made() - before - asked;
    // Seven connections, each with 0.1 s of life and a pause of 0.2 s.
    assert!((7..7 * 12).contains(&made), "{made}");
    server.set("idle_session_timeout", "0");
    healed(|| store.get(handle(1), NOW)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_became_read_only_takes_no_write_and_loses_none() {
    let server = Postgres::start();
    let store = store_on(&server).await;
    store.create(handle(1), record("1")).await.unwrap();
    server.set("default_transaction_read_only", "on");
    let refused = in_time(store.end(handle(1), None, tombstone(), NOW)).await.unwrap_err();
    assert!(matches!(&refused, StoreError::Unreachable(why) if why.contains("read-only")), "{refused:?}");
    server.set("default_transaction_read_only", "off");
    let (answer, took) = healed(|| store.update(handle(1), 1, record("2"), NOW)).await;
    assert_eq!(answer, Updated::Updated(2));
    assert!(took < HEALED_WITHIN, "{took:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_with_too_few_places_serves_with_those_it_has() {
    let server = Postgres::start_with(&["max_connections=10", "superuser_reserved_connections=3"]);
    server.account("clerk");
    server.sql("postgres", "CREATE SCHEMA vestibule AUTHORIZATION clerk");
    let config = Config::parse(&server.url("clerk", "postgres")).unwrap();
    let store = PostgresStore::open(config.clone()).await.unwrap();
    let calls = (0..20).map(|number| store.create(handle(number), record("1")));
    for answer in join_all(calls).await {
        assert_eq!(answer, Ok(Created::Created));
    }
    let (warning, _) = healed(|| async {
        let warnings = store.warnings().await;
        let found = warnings.into_iter().find(|it| it.contains("connections could be made"));
        found.ok_or_else(|| StoreError::Unreachable("not yet".to_owned()))
    })
    .await;
    assert!(warning.contains("raise its max_connections or lower connections_max in the URL"), "{warning}");
    let refused = PostgresStore::open(config).await.unwrap_err().to_string();
    assert!(refused.contains("takes no more connections"), "{refused}");
}
