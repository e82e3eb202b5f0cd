//! Tasks outlive their callers, places do not.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;
use vestibule_ports::session_store::StoreError;

use super::{Calls, Kind};

#[tokio::test]
async fn a_call_goes_on_when_its_caller_has_gone() {
    let calls = Calls::new(1);
    let (begun, has_begun) = oneshot::channel();
    let (go_on, may_go_on) = oneshot::channel();
    let (done, is_done) = oneshot::channel();
    let call = calls.run(Kind::Write, async {
        begun.send(()).unwrap();
        may_go_on.await.unwrap();
        done.send(()).unwrap();
        Ok(())
    });
    tokio::select! {
        _ = call => panic!("it cannot end yet"),
        begun = has_begun => begun.unwrap(),
    }
    go_on.send(()).unwrap();
    is_done.await.expect("the call has come to its end");
}

#[tokio::test(start_paused = true)]
async fn without_a_place_nothing_is_sent_and_the_caller_learns_that() {
    let calls = Arc::new(Calls::new(1));
    let busy = Arc::clone(&calls);
    let holder = tokio::spawn(async move { busy.run(Kind::Read, pending::<Result<(), _>>()).await });
    tokio::task::yield_now().await;
    let refused = calls.run::<()>(Kind::Write, async { panic!("it must not begin") }).await;
    assert_eq!(refused, Err(StoreError::Unreachable("all connections are busy".to_owned())));
    assert_eq!(holder.await.unwrap(), Err(StoreError::Deadline), "it ends in the end");
    assert_eq!(calls.run(Kind::Read, async { Ok(7) }).await, Ok(7), "and its place is free again");
}

#[tokio::test(start_paused = true)]
async fn a_place_that_nobody_waits_for_any_more_is_not_taken() {
    let calls = Arc::new(Calls::new(1));
    let (go_on, may_go_on) = oneshot::channel::<()>();
    let busy = Arc::clone(&calls);
    let holder = tokio::spawn(async move {
        busy.run(Kind::Read, async {
            may_go_on.await.unwrap();
            Ok(())
        })
        .await
    });
    tokio::task::yield_now().await;
    let impatient = calls.run::<()>(Kind::Write, async { panic!("its caller has gone") });
    assert!(timeout(Duration::from_millis(1), impatient).await.is_err(), "it waits for a place");
    go_on.send(()).unwrap();
    holder.await.unwrap().unwrap();
    assert_eq!(calls.run(Kind::Read, async { Ok(7) }).await, Ok(7));
}

#[tokio::test(start_paused = true)]
async fn a_write_that_never_ends_has_an_unknown_outcome() {
    let calls = Calls::new(1);
    let answer = calls.run(Kind::Write, pending::<Result<(), _>>()).await;
    assert_eq!(answer, Err(StoreError::Unknown("no answer in time".to_owned())));
}
