//! What other processes hear, beyond the contract: nothing acknowledged goes untold.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::task::JoinSet;
use vestibule_ports::session_store::{Event, SessionStore as _, Updated};

use crate::rig::{self, NOW, database, handle, healed, heard, record, record_of, server, tombstone};
use vestibule_store_postgres::PostgresStore;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acknowledged_commit_has_been_told_to_every_process() {
    let writer = rig::store("told").await;
    let listener = PostgresStore::open(database("told")).await.unwrap();
    let mut watch = listener.watch().await.unwrap();
    writer.create(handle(1), record("1")).await.unwrap();
    writer.update(handle(1), 1, record("2"), NOW).await.unwrap();
    writer.update(handle(1), 2, record_of("alice"), NOW).await.unwrap();
    writer.update(handle(1), 3, record_of("alice"), NOW).await.unwrap();
    writer.end(handle(1), None, tombstone(), NOW).await.unwrap();
    // The beat is another process's: only acknowledged means told, not the order within one queue.
    let changed = |version| Event::Changed { handle: handle(1), version };
    let ended = Event::Ended { handle: handle(1) };
    assert_eq!(
        heard(&listener, &mut watch, 1).await,
        [changed(1), changed(2), changed(3), changed(4), ended]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_caller_has_gone_is_told_too() {
    let store = Arc::new(rig::store("gone").await);
    let mut watch = store.watch().await.unwrap();
    for number in 0..200 {
        let writer = Arc::clone(&store);
        let call = tokio::spawn(async move { writer.create(handle(number), record("1")).await });
        tokio::task::yield_now().await;
        call.abort();
        let _aborted = call.await;
    }
    // What was begun runs to its end; then there is a connection for each of these.
    healed(|| async { store.touch(&[(handle(0), NOW)]).await }).await;
    let mut told = HashSet::new();
    let (mut round, mut stored) = (1_000, usize::MAX);
    while told.len() < stored {
        round += 1;
        told.extend(heard(&store, &mut watch, round).await.iter().map(|event| format!("{event:?}")));
        stored = server().sql("gone", "SELECT count(*) FROM vestibule.session").parse().unwrap();
    }
    assert_eq!(told.len(), stored);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_told_becomes_a_gap() {
    let store = Arc::new(rig::store("gap").await);
    let mut watch = store.watch().await.unwrap();
    for number in 0..8 {
        store.create(handle(number), record("1")).await.unwrap();
    }
    let mut writers = JoinSet::new();
    for number in 0..8 {
        let store = Arc::clone(&store);
        writers.spawn(async move {
            let mut acknowledged = 0;
            for version in 1..200 {
                match store.update(handle(number), version, record("x"), NOW).await {
                    Ok(Updated::Updated(version)) => acknowledged = version,
                    // Its own cut made the outcome unknown, so what it expects may be wrong: it stops here.
                    _ => break,
                }
            }
            (number, acknowledged)
        });
    }
    // Everything but the listener loses its connection, again and again.
    while !writers.is_empty() && server().sql("gap", "SELECT min(version) > 20 FROM vestibule.session") == "f"
    {
    }
    let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE datname = 'gap' AND application_name = 'vestibule' AND query NOT LIKE 'LISTEN%'";
    server().sql("postgres", cut);
    let acknowledged = writers.join_all().await;
    healed(|| store.beat(rig::beat(1))).await;
    let heard = heard(&store, &mut watch, 2).await;
    let gap = heard.iter().rposition(|event| *event == Event::Gap);
    for (number, version) in acknowledged {
        let told = heard.iter().any(|event| {
            matches!(event, Event::Changed { handle: of, version: told } if *of == handle(number) && *told >= version)
        });
        assert!(told || gap.is_some(), "{number} was acknowledged at {version} and nobody was told");
    }
}
