//! Names are asked for once in a while, once at a time, and never twice when the first answer still does.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures_util::FutureExt as _;
use tokio::sync::Notify;

use super::*;

const NAME: &str = "app.test:80";

/// A resolver of the test's own.
#[derive(Default)]
struct Names {
    asked: AtomicUsize,
    is_away: AtomicBool,
    is_held: AtomicBool,
    go_on: Notify,
}

impl Names {
    fn resolver(self: &Arc<Self>) -> Arc<Resolver> {
        let names = Arc::clone(self);
        Arc::new(Resolver::new(move |_| {
            let names = Arc::clone(&names);
            Box::pin(async move {
                let n = names.asked.fetch_add(1, Ordering::SeqCst) + 1;
                if names.is_held.load(Ordering::SeqCst) {
                    names.go_on.notified().await;
                }
                if names.is_away.load(Ordering::SeqCst) {
                    return Err(io::Error::other("no resolver"));
                }
                Ok(vec![SocketAddr::from(([127, 0, 0, n as u8], 80))])
            })
        }))
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

async fn last_byte(resolver: &Arc<Resolver>, now: Instant) -> Option<String> {
    let found = resolver.addresses_at(NAME, now).await.ok()?;
    Some(found.iter().map(|address| address.ip().to_string()).collect())
}

#[tokio::test]
async fn an_answer_is_used_for_five_seconds() {
    let (names, start) = (Arc::new(Names::default()), tick::now());
    let resolver = names.resolver();
    for (after, expected, asked) in [(0, "127.0.0.1", 1), (4, "127.0.0.1", 1), (5, "127.0.0.2", 2)] {
        let found = last_byte(&resolver, start + Duration::from_secs(after)).await;
        assert_eq!((found.as_deref(), names.asked()), (Some(expected), asked), "after {after} s");
    }
}

#[tokio::test]
async fn an_old_answer_does_for_a_minute_while_there_is_no_newer_one() {
    let (names, start) = (Arc::new(Names::default()), tick::now());
    let resolver = names.resolver();
    assert!(last_byte(&resolver, start).await.is_some());
    names.is_away.store(true, Ordering::SeqCst);
    let at = |seconds| start + Duration::from_secs(seconds);
    assert_eq!(last_byte(&resolver, at(59)).await.as_deref(), Some("127.0.0.1"));
    assert_eq!(last_byte(&resolver, at(60)).await, None);
    // One that hangs instead of failing is waited for a moment only.
    names.is_away.store(false, Ordering::SeqCst);
    let renewed = last_byte(&resolver, at(61)).await;
    assert!(renewed.is_some());
    names.is_held.store(true, Ordering::SeqCst);
    assert_eq!(last_byte(&resolver, at(70)).await, renewed);
}

#[tokio::test]
async fn a_resolver_that_hangs_is_waited_for_once_and_not_by_everybody() {
    let (names, start) = (Arc::new(Names::default()), tick::now());
    let resolver = names.resolver();
    let known = last_byte(&resolver, start).await;
    names.is_held.store(true, Ordering::SeqCst);
    let later = start + Duration::from_secs(10);
    assert!(last_byte(&resolver, later).now_or_never().is_none(), "the first one waits");
    for _ in 0..10 {
        assert_eq!(last_byte(&resolver, later).now_or_never(), Some(known.clone()));
    }
    // What took no connection is not used again so lightly.
    resolver.doubt(NAME);
    assert_eq!(last_byte(&resolver, later).now_or_never(), None);
    assert_eq!(last_byte(&resolver, later).await, known);
    assert_eq!(names.asked(), 2);
}

#[tokio::test]
async fn who_asks_at_the_same_time_shares_one_look_up() {
    let (names, start) = (Arc::new(Names::default()), tick::now());
    let resolver = names.resolver();
    names.is_held.store(true, Ordering::SeqCst);
    let askers: Vec<_> = (0..50)
        .map(|_| {
            let resolver = Arc::clone(&resolver);
            tokio::spawn(async move { last_byte(&resolver, start).await })
        })
        .collect();
    while names.asked() == 0 {
        tokio::task::yield_now().await;
    }
    names.go_on.notify_one();
    for asker in askers {
        assert_eq!(asker.await.unwrap().as_deref(), Some("127.0.0.1"));
    }
    assert_eq!(names.asked(), 1);
}

#[tokio::test]
async fn an_address_that_took_no_connection_is_asked_for_again() {
    let (names, start) = (Arc::new(Names::default()), tick::now());
    let resolver = names.resolver();
    assert!(last_byte(&resolver, start).await.is_some());
    resolver.doubt(NAME);
    assert_eq!(last_byte(&resolver, start).await.as_deref(), Some("127.0.0.2"));
    // But it is better than none.
    resolver.doubt(NAME);
    names.is_away.store(true, Ordering::SeqCst);
    assert_eq!(last_byte(&resolver, start).await.as_deref(), Some("127.0.0.2"));
}

#[tokio::test]
async fn failures_and_addresses_are_not_kept() {
    let (names, start) = (Arc::new(Names::default()), tick::now());
    let resolver = names.resolver();
    names.is_away.store(true, Ordering::SeqCst);
    assert_eq!(last_byte(&resolver, start).await, None);
    assert!(resolver.addresses("127.0.0.1:80").await.is_ok() && resolver.addresses("[::1]:80").await.is_ok());
    assert!(resolver.names().is_empty());
    assert_eq!(names.asked(), 1);
}

#[tokio::test]
async fn there_are_never_more_names_than_the_limit() {
    let names = Arc::new(Names::default());
    let resolver = names.resolver();
    for n in 0..NAMES_MAX + 10 {
        resolver.addresses_at(&format!("app-{n}.test:80"), tick::now()).await.unwrap();
    }
    assert!(resolver.names().len() <= NAMES_MAX);
}
