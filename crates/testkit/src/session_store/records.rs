//! Rules of `create`, `get` and `update`.

use tokio::task::JoinSet;
use vestibule_domain::identity::Handle;
use vestibule_ports::session_store::{Created, FIRST_VERSION, Slot, Updated, Version};

use super::{NOW, Nodes, Store, Stores, handle, live, record};

pub(super) async fn run(stores: &dyn Stores) {
    rules!(
        stores,
        an_unknown_handle_is_absent,
        create_commits_the_first_version_once,
        update_replaces_only_the_expected_version,
        bodies_are_opaque
    );
    rules_of_two!(stores, no_update_is_lost_under_64_writers, one_of_many_creators_wins);
}

async fn an_unknown_handle_is_absent(store: &Store) {
    assert_eq!(store.get(handle(1), NOW).await, Ok(Slot::Absent));
    assert_eq!(store.update(handle(1), FIRST_VERSION, record("x"), NOW).await, Ok(Updated::Gone));
    assert_eq!(store.get(handle(1), NOW).await, Ok(Slot::Absent));
}

async fn create_commits_the_first_version_once(store: &Store) {
    assert_eq!(store.create(handle(1), record("first")).await, Ok(Created::Created));
    assert_eq!(store.create(handle(1), record("second")).await, Ok(Created::Exists));
    let stored = live(store, handle(1)).await;
    assert_eq!((stored.version, stored.record), (FIRST_VERSION, record("first")));
    assert_eq!(stored.last_seen, None);
}

async fn update_replaces_only_the_expected_version(store: &Store) {
    store.create(handle(1), record("1")).await.unwrap();
    store.create(handle(2), record("other")).await.unwrap();
    assert_eq!(store.update(handle(1), 1, record("2"), NOW).await, Ok(Updated::Updated(2)));
    for wrong in [0, 1, 3, Version::MAX] {
        assert_eq!(store.update(handle(1), wrong, record("wrong"), NOW).await, Ok(Updated::Conflict));
    }
    let stored = live(store, handle(1)).await;
    assert_eq!((stored.version, stored.record), (2, record("2")));
    assert_eq!(live(store, handle(2)).await.record, record("other"), "another handle changed");
}

async fn bodies_are_opaque(store: &Store) {
    let every_byte: Vec<u8> = (0..=u8::MAX).collect();
    let largest: Vec<u8> = every_byte.iter().copied().cycle().take(16 * 1024).collect();
    let bodies: [&[u8]; 5] = [b"", b"\0", b"\xff\xfe not UTF-8", &every_byte, &largest];
    for (number, body) in (0..).zip(bodies) {
        store.create(handle(number), record(body)).await.unwrap();
        assert_eq!(live(store, handle(number)).await.record.body, body);
        let reversed: Vec<u8> = body.iter().rev().copied().collect();
        store.update(handle(number), FIRST_VERSION, record(&reversed), NOW).await.unwrap();
        assert_eq!(live(store, handle(number)).await.record.body, reversed);
    }
}

const WRITERS: usize = 64;
const COMMITS_EACH: usize = 4;

async fn no_update_is_lost_under_64_writers(nodes: &Nodes) {
    let store = nodes.first();
    store.create(handle(1), record(0_u64.to_le_bytes())).await.unwrap();
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let store = nodes.of(writer);
        writers.spawn(async move {
            let mut versions = Vec::new();
            for _ in 0..COMMITS_EACH {
                versions.push(add_one(&store, handle(1)).await);
            }
            versions
        });
    }
    let mut versions = writers.join_all().await.concat();
    versions.sort_unstable();
    let commits = (WRITERS * COMMITS_EACH) as u64;
    assert_eq!(versions, (2..=commits + 1).collect::<Vec<_>>(), "each commit has a version of its own");
    let stored = live(store, handle(1)).await;
    assert_eq!(stored.record, record(commits.to_le_bytes()));
    assert_eq!(stored.version, commits + 1);
}

/// Counts the body up by one, however often it takes, and returns the version of the commit.
async fn add_one(store: &Store, handle: Handle) -> Version {
    loop {
        let stored = live(store, handle).await;
        let count = u64::from_le_bytes(stored.record.body[..].try_into().unwrap());
        match store.update(handle, stored.version, record((count + 1).to_le_bytes()), NOW).await.unwrap() {
            Updated::Updated(version) => return version,
            Updated::Conflict => {}
            Updated::Gone => panic!("the record vanished"),
        }
    }
}

async fn one_of_many_creators_wins(nodes: &Nodes) {
    let mut creators = JoinSet::new();
    for (creator, number) in (0_u64..100).enumerate() {
        let store = nodes.of(creator);
        creators.spawn(async move {
            (number, store.create(handle(1), record(number.to_le_bytes())).await.unwrap())
        });
    }
    let answers = creators.join_all().await;
    let winners: Vec<u64> = answers
        .into_iter()
        .filter(|(_, answer)| *answer == Created::Created)
        .map(|(number, _)| number)
        .collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(live(nodes.first(), handle(1)).await.record, record(winners[0].to_le_bytes()));
}
