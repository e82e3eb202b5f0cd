//! Writes that arrive late: their caller has given them up, the network has kept them, and meanwhile others went on. For
//! stores that several nodes share; a store in one process has nothing on the way.

use std::time::Duration;

use async_trait::async_trait;
use tokio::time::timeout;
use vestibule_ports::session_store::{Ended, Slot, StoreError, Updated};

use super::{NOW, Store, handle, live, record, tombstone};

/// As long as a request waits for one call.
const DEADLINE: Duration = Duration::from_millis(300);

/// What lies between one of the nodes and the store.
#[async_trait]
pub trait Network: Send + Sync {
    /// Keeps whatever that node sends from now on.
    async fn hold(&self);
    /// Lets all of it through, and waits until the server has carried out one update or end and one touch, or as much of
    /// that as it does when there is nothing to write.
    async fn deliver(&self);
}

/// What is sent by `far` and held by the network, while `near` goes on, never undoes what `near` was told.
pub async fn late_writes(far: Store, near: Store, network: &dyn Network) {
    an_update_and_a_touch_after_an_end_bring_nothing_back(&far, &near, network).await;
    an_update_and_a_touch_before_an_end_are_ended(&far, &near, network).await;
    an_end_after_an_update_ends_what_it_finds(&far, &near, network).await;
    an_end_of_a_version_that_is_gone_ends_nothing(&far, &near, network).await;
}

/// A call as a request makes it, whose answer never comes.
async fn given_up<T: std::fmt::Debug>(call: impl Future<Output = Result<T, StoreError>>) {
    let answer = timeout(DEADLINE, call).await;
    assert!(!matches!(answer, Ok(Ok(_))), "nothing comes through: {answer:?}");
}

async fn late_update_and_touch(far: &Store, session: u64) {
    let touch = [(handle(session), NOW)];
    let update = far.update(handle(session), 1, record("late"), NOW);
    tokio::join!(given_up(update), given_up(far.touch(&touch)));
}

async fn late_end_and_touch(far: &Store, session: u64, expect: Option<u64>) {
    let touch = [(handle(session), NOW)];
    let end = far.end(handle(session), expect, tombstone("late"), NOW);
    tokio::join!(given_up(end), given_up(far.touch(&touch)));
}

async fn an_update_and_a_touch_after_an_end_bring_nothing_back(
    far: &Store,
    near: &Store,
    network: &dyn Network,
) {
    far.create(handle(1), record("1")).await.unwrap();
    network.hold().await;
    late_update_and_touch(far, 1).await;
    assert_eq!(near.end(handle(1), None, tombstone("over"), NOW).await, Ok(Ended::Ended));
    network.deliver().await;
    assert_eq!(near.get(handle(1), NOW).await, Ok(Slot::Ended(tombstone("over"))));
    assert_eq!(near.end(handle(1), None, tombstone("again"), NOW).await, Ok(Ended::Already));
}

async fn an_update_and_a_touch_before_an_end_are_ended(far: &Store, near: &Store, network: &dyn Network) {
    near.create(handle(2), record("1")).await.unwrap();
    network.hold().await;
    late_update_and_touch(far, 2).await;
    network.deliver().await;
    let stored = live(near, handle(2)).await;
    assert_eq!((stored.version, stored.record), (2, record("late")), "it was on its way, and has arrived");
    assert_eq!(near.end(handle(2), Some(2), tombstone("over"), NOW).await, Ok(Ended::Ended));
    assert_eq!(near.get(handle(2), NOW).await, Ok(Slot::Ended(tombstone("over"))));
}

async fn an_end_after_an_update_ends_what_it_finds(far: &Store, near: &Store, network: &dyn Network) {
    near.create(handle(3), record("1")).await.unwrap();
    network.hold().await;
    late_end_and_touch(far, 3, None).await;
    assert_eq!(near.update(handle(3), 1, record("2"), NOW).await, Ok(Updated::Updated(2)));
    network.deliver().await;
    assert_eq!(near.get(handle(3), NOW).await, Ok(Slot::Ended(tombstone("late"))));
    assert_eq!(near.update(handle(3), 2, record("3"), NOW).await, Ok(Updated::Gone));
}

async fn an_end_of_a_version_that_is_gone_ends_nothing(far: &Store, near: &Store, network: &dyn Network) {
    near.create(handle(4), record("1")).await.unwrap();
    network.hold().await;
    late_end_and_touch(far, 4, Some(1)).await;
    assert_eq!(near.update(handle(4), 1, record("2"), NOW).await, Ok(Updated::Updated(2)));
    network.deliver().await;
    assert_eq!(live(near, handle(4)).await.record, record("2"));
}
