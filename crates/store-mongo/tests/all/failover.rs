//! A set of three: what was acknowledged survives the primary, and a primary that lost the others is not believed.

use std::time::Duration;

use tokio::time::timeout;
use vestibule_ports::clock::Mono;
use vestibule_ports::session_store::{Beat, Ended, SessionStore as _, Slot, StoreError, Updated};
use vestibule_store_mongo::{Config, MongoStore, VOUCHED_FOR};
use vestibule_testkit::server::Server;
use vestibule_testkit::server::mongo::{Manner, ReplicaSet};

use crate::server::{DEADLINE, NOW, handle, heard, open, record, tombstone, until};

/// Longer than an election takes here, with a second to notice that there has to be one.
const ELECTED: Duration = Duration::from_secs(15);

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_the_primary() {
    let mut set = ReplicaSet::of_three();
    let store = open(&set.url("shop")).await;
    store.create(handle(1), record("1")).await.unwrap();
    store.create(handle(2), record("1")).await.unwrap();
    store.update(handle(2), 1, record("2"), NOW).await.unwrap();
    assert_eq!(store.end(handle(1), None, tombstone(), NOW).await, Ok(Ended::Ended));
    let first = set.primary();
    set.member(first).kill();
    let get = async || timeout(DEADLINE, store.get(handle(1), NOW)).await;
    until("an election", ELECTED, get, |answer| matches!(answer, Ok(Ok(_)))).await;
    assert_eq!(store.get(handle(1), NOW).await, Ok(Slot::Ended(tombstone())));
    // The other member has to find out whom to follow before there is a majority again.
    let update = async || store.update(handle(1), 1, record("back"), NOW).await;
    until("following", ELECTED, update, |answer| *answer == Ok(Updated::Gone)).await;
    assert_eq!(store.update(handle(2), 2, record("3"), NOW).await, Ok(Updated::Updated(3)));
    let mut watch = store.watch().await.unwrap();
    store.end(handle(2), Some(3), tombstone(), NOW).await.unwrap();
    assert_eq!(heard(&store, &mut watch).await.len(), 1);
    // The old primary comes back with what it had, and finds that it is not the primary.
    set.member(first).restart();
    assert_eq!(open(&set.url("shop")).await.get(handle(2), NOW).await, Ok(Slot::Ended(tombstone())));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_primary_that_lost_the_others_is_not_believed_for_longer_than_a_lease() {
    // MongoDB's own. The primary steps down after it and answers no more; it must not be believed before.
    let election_timeout = Duration::from_secs(10);
    let set = ReplicaSet::start(3, Manner { election_timeout, ..Manner::default() });
    let store = open(&set.url("shop")).await;
    store.create(handle(1), record("1")).await.unwrap();
    let primary = set.primary();
    let others = || (0..3).filter(|number| *number != primary).map(|number| &set.members()[number]);
    others().for_each(Server::freeze);
    let get = async || timeout(DEADLINE, store.get(handle(1), NOW)).await;
    // A write that finds nothing is acknowledged even now. It may vouch for nothing.
    let get_after_no_write = async || {
        let _nothing_found = timeout(DEADLINE, store.attempt_take([1; 32], NOW)).await;
        get().await
    };
    let is_refused = |answer: &Result<Result<Slot, StoreError>, _>| !matches!(answer, Ok(Ok(_)));
    until("doubt", VOUCHED_FOR + DEADLINE, get_after_no_write, is_refused).await;
    let late = get().await;
    assert!(is_refused(&late), "and it stays so: {late:?}");
    let beat = Beat { watcher: 1, sent: Mono::from_start(Duration::ZERO) };
    let beaten = store.beat(beat).await;
    assert!(matches!(beaten, Err(StoreError::Unknown(_))), "{beaten:?}");
    others().for_each(Server::thaw);
    until("healing", ELECTED, get, |answer| matches!(answer, Ok(Ok(Slot::Live(_))))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_begins_only_when_a_majority_has_what_lies_before() {
    let set = ReplicaSet::start(3, Manner { election_timeout: ELECTED, ..Manner::default() });
    let store = open(&set.url("shop")).await;
    store.create(handle(1), record("1")).await.unwrap();
    let primary = set.primary();
    let others = || (0..3).filter(|number| *number != primary).map(|number| &set.members()[number]);
    others().for_each(Server::freeze);
    let ended = timeout(DEADLINE, store.end(handle(1), None, tombstone(), NOW)).await;
    assert!(!matches!(ended, Ok(Ok(_))), "the primary has it, and nobody else: {ended:?}");
    let watch = async || timeout(DEADLINE, store.watch()).await.map(|watch| watch.map(drop));
    let early = watch().await;
    assert!(!matches!(early, Ok(Ok(()))), "this stream would never tell of that end, nor would a read");
    others().for_each(Server::thaw);
    until("a watch", ELECTED, watch, |answer| *answer == Ok(Ok(()))).await;
    assert_eq!(store.get(handle(1), NOW).await, Ok(Slot::Ended(tombstone())));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secondary_alone_is_refused() {
    let set = ReplicaSet::of_three();
    open(&set.url("shop")).await;
    let second = set.members()[(set.primary() + 1) % 3].address();
    let config = Config::parse(&format!("mongodb://{second}/shop?directConnection=true")).unwrap();
    assert_eq!(
        MongoStore::open(config).await.expect_err("it takes no writes").to_string(),
        format!(
            "{second} is a secondary and takes no writes: remove directConnection from the URL, so that the primary \
             is found"
        )
    );
}
