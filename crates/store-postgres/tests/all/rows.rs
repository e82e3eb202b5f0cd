//! How rows are kept: rewritten in place, swept without harm, unreadable one by one, never brought back.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_postgres::NoTls;
use vestibule_domain::identity::Timestamp;
use vestibule_ports::session_store::{Ended, Record, SessionStore as _, Slot, StoreError, Swept, Updated};
use vestibule_testkit::server::postgres::{Postgres, SUPERUSER};

use crate::rig::{self, LIFE, NOW, handle, healed, in_time, live, record, record_of, server, tombstone};

/// A handle as SQL writes bytes.
fn id(number: u64) -> String {
    format!("{number:016x}5a5a5a5a5a5a5a5a")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn updates_and_touches_stay_on_their_page_and_touch_no_index() {
    // A transaction that is open in another database keeps old versions of rows, so the shared server will not do.
    let server = Postgres::start();
    let store = rig::store_on(&server).await;
    for number in 0..50 {
        store.create(handle(number), record_of("alice")).await.unwrap();
    }
    for round in 1..20 {
        let later = NOW + Duration::from_secs(round);
        for number in 0..50 {
            let slid = Record { expires_at: later + LIFE, ..record_of("alice") };
            store.update(handle(number), round, slid, NOW).await.unwrap();
        }
        let seen: Vec<_> = (0..50).map(|number| (handle(number), later)).collect();
        store.touch(&seen).await.unwrap();
    }
    drop(store);
    let ask = "SELECT relname, n_tup_upd, n_tup_upd - n_tup_hot_upd FROM pg_stat_user_tables
        WHERE relname IN ('session', 'seen') ORDER BY relname";
    // A server counts what a connection did when that ends.
    healed(|| async {
        match server.sql("postgres", ask) {
            counted if counted == "seen|950|0\nsession|950|0" => Ok(()),
            counted => Err(StoreError::Unreachable(counted)),
        }
    })
    .await;
}

#[tokio::test]
async fn a_row_that_makes_no_sense_is_one_sessions_trouble() {
    let store = rig::store("corrupt").await;
    for number in 1..=3 {
        store.create(handle(number), record_of("alice")).await.unwrap();
    }
    let damage = |number: u64, set: &str| {
        let id = id(number);
        server().sql("corrupt", &format!("UPDATE vestibule.session SET {set} WHERE handle = '\\x{id}'"));
    };
    damage(1, "version = -1");
    damage(2, "user_id = '\\xff'");
    for number in [1, 2] {
        let read = store.get(handle(number), NOW).await;
        assert!(matches!(read, Err(StoreError::Corrupt(_))), "{read:?}");
    }
    assert_eq!(live(&store, 3).await.record, record_of("alice"));
    assert_eq!(store.end(handle(1), None, tombstone(), NOW).await, Ok(Ended::Ended));
}

/// By a trigger that says what a server says whose page or index is damaged.
#[tokio::test]
async fn a_damaged_page_or_index_is_the_servers_trouble_and_ends_no_session() {
    let store = rig::store("damaged").await;
    store.create(handle(1), record_of("alice")).await.unwrap();
    for code in ["XX001", "XX002"] {
        server().sql(
            "damaged",
            &format!(
                "CREATE OR REPLACE FUNCTION vestibule.damaged() RETURNS trigger LANGUAGE plpgsql AS
                    $$ BEGIN RAISE EXCEPTION 'invalid page' USING ERRCODE = '{code}'; END $$;
                 CREATE OR REPLACE TRIGGER damaged BEFORE UPDATE ON vestibule.session
                    FOR EACH ROW EXECUTE FUNCTION vestibule.damaged()"
            ),
        );
        let refused = store.update(handle(1), 1, record("after"), NOW).await;
        assert!(matches!(&refused, Err(StoreError::Unreachable(why)) if why.contains(code)), "{refused:?}");
    }
    server().sql("damaged", "DROP TRIGGER damaged ON vestibule.session");
    assert_eq!(store.update(handle(1), 1, record("after"), NOW).await, Ok(Updated::Updated(2)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_takes_nothing_that_slides_on_meanwhile() {
    let store = Arc::new(rig::store("slides").await);
    let due = NOW + Duration::from_secs(1);
    for number in 0..100 {
        store.create(handle(number), Record { expires_at: due, ..record("1") }).await.unwrap();
    }
    let mut writers = JoinSet::new();
    for number in 0..100 {
        let store = Arc::clone(&store);
        writers.spawn(async move { (number, store.update(handle(number), 1, record("2"), NOW).await) });
    }
    let mut removed = 0;
    loop {
        let swept = store.sweep(due, 7).await.unwrap();
        removed += swept.removed;
        if writers.is_empty() && swept == (Swept { removed: 0, more: false }) {
            break;
        }
        while let Some(answer) = writers.try_join_next() {
            let (number, answer) = answer.unwrap();
            match answer.unwrap() {
                Updated::Updated(2) => assert_eq!(live(&store, number).await.record, record("2")),
                Updated::Gone => assert_eq!(store.get(handle(number), NOW).await, Ok(Slot::Absent)),
                other => panic!("{number}: {other:?}"),
            }
        }
    }
    let left = server().sql("slides", "SELECT count(*) FROM vestibule.session");
    assert_eq!(left, (100 - removed).to_string());
    assert_eq!(server().sql("slides", "SELECT count(*) FROM vestibule.seen"), left);
}

#[tokio::test]
async fn what_has_slid_on_is_put_off_once_and_hides_nothing_behind_it() {
    let store = rig::store("put_off").await;
    let second = Duration::from_secs(1);
    let (due, late) = (NOW + second, NOW + LIFE);
    for number in 0..20 {
        store.create(handle(number), Record { expires_at: due, ..record("1") }).await.unwrap();
        store.update(handle(number), 1, Record { expires_at: late, ..record("2") }, NOW).await.unwrap();
    }
    for number in 20..25 {
        store.create(handle(number), Record { expires_at: due + second, ..record("1") }).await.unwrap();
    }
    let now = due + second;
    for removed in [0, 0, 1, 4] {
        assert_eq!(store.sweep(now, 7).await.map(|swept| swept.removed), Ok(removed));
    }
    let waiting = "SELECT count(*), count(*) FILTER (WHERE sweep_at = expires_at) FROM vestibule.session";
    assert_eq!(server().sql("put_off", waiting), "20|20");
    assert_eq!(store.sweep(now, 7).await, Ok(Swept { removed: 0, more: false }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn touches_that_race_with_ends_and_sweeps_leave_nothing_behind() {
    let store = Arc::new(rig::store("touched").await);
    let short = Record { expires_at: NOW + Duration::from_secs(1), ..record("short") };
    for number in 0..60 {
        let record = if number % 2 == 0 { record("long") } else { short.clone() };
        store.create(handle(number), record).await.unwrap();
    }
    let mut races = JoinSet::new();
    for round in 0..20_i64 {
        let store = Arc::clone(&store);
        races.spawn(async move {
            let at = Timestamp::from_millis(NOW.as_millis() + round);
            let mut seen: Vec<_> = (0..60).map(|number| (handle(number), at)).collect();
            if round % 2 == 0 {
                seen.reverse();
            }
            store.touch(&seen).await
        });
    }
    for number in (0..60).step_by(2) {
        store.end(handle(number), None, tombstone(), NOW).await.unwrap();
    }
    store.sweep(NOW + Duration::from_secs(1), 100).await.unwrap();
    assert!(races.join_all().await.iter().all(Result::is_ok));
    store.sweep(NOW + Duration::from_secs(1), 100).await.unwrap();
    assert_eq!(server().sql("touched", "SELECT count(*) FROM vestibule.seen"), "0");
    assert_eq!(server().sql("touched", "SELECT count(*) FROM vestibule.session WHERE ended"), "30");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_row_holds_up_its_own_session_only() {
    let store = Arc::new(rig::store("locked").await);
    for number in 0..20 {
        store.create(handle(number), record("1")).await.unwrap();
    }
    let url = server().url(SUPERUSER, "locked");
    let (holder, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    tokio::spawn(connection);
    let lock = format!("BEGIN; SELECT 1 FROM vestibule.session WHERE handle = '\\x{}' FOR UPDATE", id(0));
    holder.batch_execute(&lock).await.unwrap();
    let mut callers = JoinSet::new();
    for _ in 0..30 {
        let store = Arc::clone(&store);
        callers.spawn(async move { in_time(store.update(handle(0), 1, record("2"), NOW)).await });
    }
    for number in 1..20 {
        assert_eq!(
            in_time(store.get(handle(number), NOW)).await.map(|slot| matches!(slot, Slot::Live(_))),
            Ok(true)
        );
    }
    assert!(callers.join_all().await.iter().all(Result::is_err));
    holder.batch_execute("COMMIT").await.unwrap();
    healed(|| async { store.update(handle(1), 1, record("2"), NOW).await }).await;
}
