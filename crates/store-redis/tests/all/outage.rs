//! Servers that die, freeze, fail over or refuse: what callers are told meanwhile, and that it heals by itself.

use std::time::Duration;

use vestibule_ports::session_store::{Created, Ended, SessionStore as _, Slot, StoreError, Updated};
use vestibule_store_redis::{Config, open};
use vestibule_testkit::patience::Patience;
use vestibule_testkit::server::redis::{Cluster, MASTER, Redis, SentinelSet};

use crate::contract::guarded_cluster;
use crate::rig::{
    HEALED_MAX, NOW, alive, beat, ended, handle, healed, hurried, record, store, tombstone, until, watched,
};

/// How long a failover may take: to notice, to agree, to change roles.
const FAILOVER_MAX: Duration = Duration::from_secs(20);

fn url(redis: &Redis) -> String {
    format!("redis://{}", redis.place())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_writes_survive_a_kill_of_the_server() {
    let mut redis = Redis::start(&["appendfsync always"]);
    let store = store(&url(&redis)).await;
    assert!(store.capabilities().durable);
    for number in 0..50 {
        store.create(handle(number), record("1")).await.unwrap();
        match number % 3 {
            0 => drop(store.update(handle(number), 1, record("2"), NOW).await.unwrap()),
            1 => drop(store.end(handle(number), None, tombstone(), NOW).await.unwrap()),
            _ => {}
        }
    }
    let mut watch = store.watch().await.unwrap();
    redis.server.kill();
    ended(&mut watch, HEALED_MAX).await;
    let down = until(
        HEALED_MAX,
        async || store.create(handle(99), record("x")).await,
        |answer| matches!(answer, Err(StoreError::Unreachable(_))),
    );
    assert!(down.await.unwrap_err().is_outage());
    redis.server.restart();
    healed(&store, HEALED_MAX).await;
    for number in 0..50 {
        match (number % 3, store.get(handle(number), NOW).await.unwrap()) {
            (1, Slot::Ended(left)) => assert_eq!(left, tombstone()),
            (0, Slot::Live(stored)) => assert_eq!((stored.version, stored.record), (2, record("2"))),
            (2, Slot::Live(stored)) => assert_eq!((stored.version, stored.record), (1, record("1"))),
            (_, other) => panic!("{number} became {other:?}"),
        }
    }
    let mut watch = store.watch().await.unwrap();
    alive(&store, &mut watch, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_server_holds_nobody_up_and_thaws_without_a_trace() {
    let redis = Redis::start(&[]);
    let store = store(&url(&redis)).await;
    store.create(handle(1), record("1")).await.unwrap();
    redis.server.freeze();
    // Far more calls than any queue holds, each given up by its caller.
    let calls = (0..5_000).map(|_| hurried(store.get(handle(1), NOW)));
    let answers = futures_util::future::join_all(calls).await;
    assert!(answers.iter().all(Result::is_err));
    let written = hurried(store.update(handle(1), 1, record("in doubt"), NOW)).await;
    assert!(matches!(written, Err(StoreError::Deadline | StoreError::Unknown(_))), "{written:?}");
    let gives_up = until(
        Duration::from_secs(3),
        async || hurried(store.get(handle(1), NOW)).await,
        |answer| matches!(answer, Err(StoreError::Unreachable(_))),
    );
    gives_up.await.unwrap_err();
    let quick = Patience::new(Duration::from_millis(200));
    assert!(matches!(store.get(handle(1), NOW).await, Err(StoreError::Unreachable(_))));
    assert!(!quick.left().is_zero(), "a connection known to be dead is not waited for");
    redis.server.thaw();
    healed(&store, HEALED_MAX).await;
    // The write in doubt may have been committed by now or not; it was never sent twice.
    let Slot::Live(stored) = store.get(handle(1), NOW).await.unwrap() else { panic!("it is gone") };
    assert!(stored.version <= 2, "{stored:?}");
    assert_eq!(
        store.update(handle(1), stored.version, record("after"), NOW).await,
        Ok(Updated::Updated(stored.version + 1))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_channel_ends_the_watch_and_nothing_else() {
    let redis = Redis::start(&[]);
    let store = store(&url(&redis)).await;
    let mut watch = store.watch().await.unwrap();
    alive(&store, &mut watch, 1).await;
    redis.command(&["CLIENT", "KILL", "TYPE", "pubsub"]);
    ended(&mut watch, HEALED_MAX).await;
    assert_eq!(store.create(handle(1), record("1")).await, Ok(Created::Created));
    let mut watch = store.watch().await.unwrap();
    alive(&store, &mut watch, 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_reset_come_back() {
    let redis = Redis::start(&[]);
    let store = store(&url(&redis)).await;
    for round in 0..3 {
        redis.command(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
        healed(&store, HEALED_MAX).await;
        assert_eq!(store.create(handle(round), record("1")).await, Ok(Created::Created));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_may_not_write_says_so_and_has_not_written() {
    let redis = Redis::start(&[]);
    let store = store(&url(&redis)).await;
    let mut watch = store.watch().await.unwrap();
    store.create(handle(1), record("1")).await.unwrap();
    for (setting, sick, well, told) in
        [("min-replicas-to-write", "1", "0", "min-replicas-to-write"), ("maxmemory", "1", "0", "maxmemory")]
    {
        redis.command(&["CONFIG", "SET", setting, sick]);
        for refused in [
            store.create(handle(2), record("2")).await.map(drop),
            store.update(handle(1), 1, record("2"), NOW).await.map(drop),
            store.end(handle(1), None, tombstone(), NOW).await.map(drop),
            store.beat(beat(1)).await,
        ] {
            let Err(StoreError::Unreachable(why)) = refused else { panic!("{refused:?}") };
            assert!(why.contains(told), "{why}");
        }
        redis.command(&["CONFIG", "SET", setting, well]);
        let Slot::Live(stored) = store.get(handle(1), NOW).await.unwrap() else { panic!("it was ended") };
        assert_eq!((stored.version, stored.record), (1, record("1")));
        alive(&store, &mut watch, 2).await;
    }
    assert_eq!(store.create(handle(2), record("2")).await, Ok(Created::Created));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_becomes_a_replica_keeps_no_lease_alive() {
    let redis = Redis::start(&[]);
    let store = store(&url(&redis)).await;
    let other = Redis::start(&[]);
    redis.command(&["REPLICAOF", "127.0.0.1", &other.server.port().to_string()]);
    let refused = store.beat(beat(1)).await;
    assert!(matches!(refused, Err(StoreError::Unreachable(_))), "{refused:?}");
    // Reads go on for a moment; then nobody is told of the past any more.
    let refused = until(HEALED_MAX, async || store.get(handle(1), NOW).await, Result::is_err).await;
    assert!(refused.unwrap_err().is_outage());
    redis.command(&["REPLICAOF", "NO", "ONE"]);
    healed(&store, HEALED_MAX).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forgotten_scripts_are_sent_again() {
    let redis = Redis::start(&[]);
    let store = store(&url(&redis)).await;
    let mut watch = store.watch().await.unwrap();
    for number in 1..4 {
        redis.command(&["SCRIPT", "FLUSH"]);
        assert_eq!(store.create(handle(number), record("1")).await, Ok(Created::Created));
        redis.command(&["SCRIPT", "FLUSH"]);
        store.touch(&[(handle(number), NOW)]).await.unwrap();
        redis.command(&["SCRIPT", "FLUSH"]);
        alive(&store, &mut watch, number).await;
        let Slot::Live(stored) = store.get(handle(number), NOW).await.unwrap() else { panic!("not there") };
        assert_eq!((stored.version, stored.last_seen), (1, Some(NOW)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failover_of_sentinels_is_followed_and_brings_nothing_back() {
    let mut set = SentinelSet::start(&[]);
    let url = format!("redis+sentinel://{}/{MASTER}?wait_replicas=1&wait_ms=1000", set.places());
    let store = store(&url).await;
    for number in 0..20 {
        store.create(handle(number), record("1")).await.unwrap();
        assert_eq!(store.end(handle(number), None, tombstone(), NOW).await, Ok(Ended::Ended));
    }
    let mut watch = store.watch().await.unwrap();
    alive(&store, &mut watch, 1).await;
    set.servers[0].server.kill();
    ended(&mut watch, HEALED_MAX).await;
    healed(&store, FAILOVER_MAX).await;
    for number in 0..20 {
        assert_eq!(store.get(handle(number), NOW).await, Ok(Slot::Ended(tombstone())), "{number} is back");
        assert_eq!(store.update(handle(number), 1, record("late"), NOW).await, Ok(Updated::Gone));
    }
    let alone = store.create(handle(30), record("1")).await;
    assert!(matches!(alone, Err(StoreError::Unsafe(_))), "no replica is left to wait for: {alone:?}");
    let mut watch = watched(&store, HEALED_MAX).await;
    alive(&store, &mut watch, 2).await;
    set.servers[0].server.restart();
    let whole = until(
        FAILOVER_MAX,
        async || store.create(handle(31), record("1")).await,
        |answer| {
            // The one before stands, too, and was only not safe yet.
            matches!(answer, Ok(Created::Created | Created::Exists))
        },
    );
    whole.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_master_of_a_cluster_ends_the_watch_and_is_replaced() {
    let mut cluster = Cluster::start(3, 1);
    let store = store(&format!("redis+cluster://{}?wait_ms=500", cluster.places())).await;
    for number in 0..40 {
        store.create(handle(number), record("1")).await.unwrap();
    }
    let mut watch = store.watch().await.unwrap();
    alive(&store, &mut watch, 1).await;
    cluster.masters[0].until(&["INFO", "replication"], "state=online");
    cluster.masters[0].server.kill();
    ended(&mut watch, HEALED_MAX).await;
    assert!(store.beat(beat(2)).await.is_err(), "a beat that one master has not taken");
    for number in 0..40 {
        let found =
            until(FAILOVER_MAX, async || hurried(store.get(handle(number), NOW)).await, Result::is_ok).await;
        assert!(matches!(found, Ok(Slot::Live(_))), "{number} is {found:?}");
    }
    let beaten = async || hurried(store.beat(beat(3))).await;
    until(FAILOVER_MAX, beaten, Result::is_ok).await.unwrap();
    let mut watch = store.watch().await.unwrap();
    alive(&store, &mut watch, 4).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_cluster_has_ended_stays_so_when_the_master_that_ended_it_is_lost() {
    let mut cluster = Cluster::start(3, 3);
    let url = format!("redis+cluster://{}?wait_replicas=1&wait_ms=1000", cluster.places());
    let store = store(&url).await;
    for number in 0..40 {
        store.create(handle(number), record("1")).await.unwrap();
        assert_eq!(store.end(handle(number), None, tombstone(), NOW).await, Ok(Ended::Ended));
    }
    let mut watch = store.watch().await.unwrap();
    alive(&store, &mut watch, 1).await;
    // Of forty keys, spread by a hash over three masters.
    assert!(cluster.masters[0].command(&["DBSIZE"]).parse::<u32>().unwrap() >= 5);
    cluster.masters[0].server.kill();
    ended(&mut watch, HEALED_MAX).await;
    for number in 0..40 {
        let found =
            until(FAILOVER_MAX, async || hurried(store.get(handle(number), NOW)).await, Result::is_ok).await;
        assert_eq!(found, Ok(Slot::Ended(tombstone())), "{number} is back");
        store.touch(&[(handle(number), NOW)]).await.unwrap();
        assert_eq!(store.update(handle(number), 1, record("late"), NOW).await, Ok(Updated::Gone));
        assert_eq!(store.get(handle(number), NOW).await, Ok(Slot::Ended(tombstone())));
    }
    assert_eq!(
        cluster.replicas[0].command(&["ROLE"]).lines().next(),
        Some("master"),
        "the replica took over"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_whose_slot_is_under_way_is_asked_for_where_it_goes() {
    let (cluster, url, ca) = guarded_cluster(2, 0);
    let store = open(Config::parse(&url).unwrap().with_ca(ca.into_bytes())).await.unwrap();
    let key = format!("vst:s:{}", handle(1));
    let slot = cluster.masters[0].command(&["CLUSTER", "KEYSLOT", &key]);
    let at = usize::from(slot.parse::<u32>().unwrap() >= 8_192);
    let (from, to) = (&cluster.masters[at], &cluster.masters[1 - at]);
    let [from_id, to_id] = [from, to].map(|node| node.command(&["CLUSTER", "MYID"]));
    to.command(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &from_id]);
    from.command(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &to_id]);
    assert_eq!(store.create(handle(1), record("1")).await, Ok(Created::Created));
    assert_eq!(to.command(&["CLUSTER", "COUNTKEYSINSLOT", &slot]), "1", "it was made where the slot goes");
    store.touch(&[(handle(1), NOW)]).await.unwrap();
    assert_eq!(store.update(handle(1), 1, record("2"), NOW).await, Ok(Updated::Updated(2)));
    let Slot::Live(stored) = store.get(handle(1), NOW).await.unwrap() else { panic!("it is gone") };
    assert_eq!((stored.record, stored.last_seen), (record("2"), Some(NOW)));
    assert_eq!(store.end(handle(1), None, tombstone(), NOW).await, Ok(Ended::Ended));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slots_may_move_while_they_are_used() {
    let cluster = Cluster::start(2, 0);
    let store = store(&format!("redis+cluster://{}", cluster.places())).await;
    let mut watch = store.watch().await.unwrap();
    alive(&store, &mut watch, 1).await;
    let fresh = cluster.join();
    let [from, to] = [&cluster.masters[0], &fresh].map(|node| node.command(&["CLUSTER", "MYID"]));
    let place = cluster.masters[0].place();
    let reshard = ["--cluster", "reshard", &place, "--cluster-from", &from, "--cluster-to", &to];
    let reshard = [&reshard[..], &["--cluster-slots", "300", "--cluster-yes"]].concat();
    let reshard: Vec<String> = reshard.into_iter().map(str::to_owned).collect();
    let hand = tokio::task::spawn_blocking(move || {
        let told = cluster.masters[0].command(&reshard.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(told.contains("Moving slot"), "{told}");
        cluster
    });
    let mut number = 0;
    while number < 400 || !hand.is_finished() {
        // A key that is under way is refused, never half there; so it is not there before, either.
        let created =
            until(FAILOVER_MAX, async || store.create(handle(number), record("1")).await, Result::is_ok);
        assert_eq!(created.await, Ok(Created::Created));
        number += 1;
    }
    let _cluster = hand.await.unwrap();
    ended(&mut watch, HEALED_MAX).await;
    until(FAILOVER_MAX, async || store.beat(beat(2)).await, Result::is_ok).await.unwrap();
    let mut watch = watched(&store, HEALED_MAX).await;
    alive(&store, &mut watch, 3).await;
    let touches: Vec<_> = (0..number).map(|number| (handle(number), NOW)).collect();
    store.touch(&touches).await.unwrap();
    for number in 0..number {
        let Slot::Live(stored) = store.get(handle(number), NOW).await.unwrap() else { panic!("{number}") };
        assert_eq!(stored.last_seen, Some(NOW));
    }
    assert!(fresh.command(&["DBSIZE"]).parse::<u32>().unwrap() > 1, "the new master holds some");
}
