//! A primary that is cut off from its synchronous standby: it acknowledges nothing, shows nothing that a failover would undo,
//! keeps nobody alive, and still reads.

use futures_util::future::{join, join_all, select};
use futures_util::{FutureExt as _, StreamExt as _};
use vestibule_ports::session_store::{Ended, Event, SessionStore as _, Slot, StoreError};
use vestibule_store_postgres::{ANSWER_MAX, CONNECTIONS_MIN, Config, PostgresStore};
use vestibule_testkit::patience::{PATIENCE, Patience};
use vestibule_testkit::server::postgres::{Postgres, SUPERUSER};

use crate::rig::{HEALED_WITHIN, NOW, beat, handle, healed, in_time, live, record, store_on, tombstone};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_without_its_standby_acknowledges_nothing_and_echoes_no_beat() {
    let server = Postgres::start();
    let store = store_on(&server).await;
    for number in 0..20 {
        store.create(handle(number), record("1")).await.unwrap();
    }
    let mut watch = store.watch().await.unwrap();
    server.set("synchronous_standby_names", "elsewhere");

    let late = store.beat(beat(1)).boxed();
    let heard = select(watch.next(), in_time(late).boxed()).await;
    assert!(matches!(heard, futures_util::future::Either::Right((Err(_), _))), "a beat without a majority");

    // More log-outs than there are connections for writes.
    let ends = (0..20).map(|number| in_time(store.end(handle(number), None, tombstone(), NOW)));
    for answer in join_all(ends).await {
        let error = answer.expect_err("must not be acknowledged");
        assert!(!matches!(error, StoreError::Corrupt(_) | StoreError::Bug(_)), "{error:?}");
    }
    in_time(store.get(handle(19), NOW)).await.expect("reads need no standby");

    server.set("synchronous_standby_names", "");
    let (ended, took) = healed(|| store.end(handle(1), None, tombstone(), NOW)).await;
    assert!(matches!(ended, Ended::Ended | Ended::Already));
    assert!(took < HEALED_WITHIN, "{took:?}");
    healed(|| store.beat(beat(2))).await;
    while watch.next().await.expect("the channel is there") != Event::Alive(beat(2)) {}
    store.create(handle(30), record("1")).await.unwrap();
    assert_eq!(live(&store, 30).await.version, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_waits_for_the_standby_is_seen_by_nobody_and_others_fill_no_server() {
    let server = Postgres::start();
    let store = store_on(&server).await;
    for number in 0..20 {
        store.create(handle(number), record("1")).await.unwrap();
    }
    let mut watch = store.watch().await.unwrap();
    server.set("synchronous_standby_names", "elsewhere");
    let late = store.end(handle(0), None, tombstone(), NOW).await;
    assert!(matches!(late, Err(StoreError::Unknown(_))), "{late:?}");

    // Long after its answer was due, wave upon wave of others. PostgreSQL lets who notifies commit one by one, so ends stand in
    // line behind the first and give up there; whoever is created waits beside it.
    let patience = Patience::new(ANSWER_MAX * 2);
    while !patience.left().is_zero() {
        let ends = (0..20).map(|number| store.end(handle(number), None, tombstone(), NOW));
        assert!(join_all(ends).await.iter().all(Result::is_err));
        let creates = (20..30).map(|number| store.create(handle(number), record("1")));
        assert!(join_all(creates).await.iter().all(Result::is_err));
        let seen = "SELECT count(*) FILTER (WHERE ended), count(*) FROM vestibule.session";
        assert_eq!(server.sql("postgres", seen), "0|20");
    }
    // As many as may write; what asked after them is gone again.
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    assert_eq!(server.sql("postgres", waiting), "4");
    live(&store, 0).await;

    server.set("synchronous_standby_names", "");
    while watch.next().await.expect("the channel is there") != (Event::Ended { handle: handle(0) }) {}
    let carried_out = "SELECT count(*) FILTER (WHERE ended), count(*) FROM vestibule.session";
    let patience = Patience::new(PATIENCE);
    while server.sql("postgres", carried_out) != "1|23" {
        assert!(!patience.left().is_zero(), "what was sent is carried out");
    }
    let (_, took) = healed(|| store.end(handle(19), None, tombstone(), NOW)).await;
    assert!(took < HEALED_WITHIN, "{took:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_smallest_store_reads_while_its_writes_wait_for_the_standby() {
    let server = Postgres::start();
    let url = format!("{}?connections_max={CONNECTIONS_MIN}", server.url(SUPERUSER, "postgres"));
    let store = PostgresStore::open(Config::parse(&url).unwrap()).await.unwrap();
    store.create(handle(0), record("1")).await.unwrap();
    server.set("synchronous_standby_names", "elsewhere");
    let creates = (1..9).map(|number| store.create(handle(number), record("1")));
    assert!(join_all(creates).await.iter().all(Result::is_err));
    let stored = in_time(store.get(handle(0), NOW)).await;
    assert!(matches!(stored, Ok(Slot::Live(_))), "{stored:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_whose_wait_was_cut_short_is_acknowledged_when_the_standby_has_it() {
    let server = Postgres::start();
    let store = store_on(&server).await;
    store.create(handle(1), record("1")).await.unwrap();
    server.set("synchronous_standby_names", "elsewhere");

    // What an operator does, or a server that is shut down in order.
    let cut = async {
        let cut = "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
        let patience = Patience::new(PATIENCE);
        while server.sql("postgres", cut) != "1" {
            assert!(!patience.left().is_zero(), "nothing waits for a standby");
            tokio::task::yield_now().await;
        }
    };
    let (ended, ()) = join(store.end(handle(1), None, tombstone(), NOW), cut).await;
    assert!(matches!(ended, Err(StoreError::Unsafe(_))), "{ended:?}");
    assert!(matches!(store.get(handle(1), NOW).await, Ok(Slot::Ended(_))), "it is there for all to see");

    let again = store.end(handle(1), None, tombstone(), NOW).await;
    assert!(matches!(again, Err(StoreError::Unsafe(_))), "{again:?}");
    server.set("synchronous_standby_names", "");
    let (answer, took) = healed(|| store.end(handle(1), None, tombstone(), NOW)).await;
    assert_eq!(answer, Ended::Already);
    assert!(took < HEALED_WITHIN, "{took:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_read_proves_nothing_while_commits_wait_for_a_standby() {
    let server = Postgres::start();
    let store = store_on(&server).await;
    let reading_proves = || store.capabilities().reading_proves;
    assert!(!reading_proves(), "nobody has told yet");
    store.beat(beat(1)).await.unwrap();
    assert!(reading_proves(), "there is no standby");

    server.set("synchronous_standby_names", "elsewhere");
    let late = in_time(store.beat(beat(2))).await;
    assert!(late.is_err() && !reading_proves(), "{late:?}");

    server.set("synchronous_standby_names", "");
    healed(|| store.beat(beat(3))).await;
    assert!(reading_proves());
}
