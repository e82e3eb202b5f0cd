//! What only a failing disk shows, and what the writer owes its callers.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use redb::StorageBackend;
use redb::backends::FileBackend;
use tempfile::TempDir;
use vestibule_ports::clock::Mono;
use vestibule_testkit::patience::{PATIENCE, Patience};

use crate::file::{self, Opening};
use crate::shared::FREE_BYTES_MIN;

use super::*;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

/// A disk that can be full, also for a file of this length without having said so, and can fail.
#[derive(Debug, Default)]
struct Disk {
    full: AtomicBool,
    broken: AtomicBool,
    /// Whether what it reads is not what was written.
    garbles: AtomicBool,
    bytes_max: AtomicU64,
    bytes_read: AtomicU64,
}

#[derive(Debug)]
struct DiskFile {
    file: FileBackend,
    disk: Arc<Disk>,
}

struct DiskVolume {
    path: PathBuf,
    disk: Arc<Disk>,
}

impl DiskVolume {
    fn open(&self, opening: Opening) -> Result<Database, OpenError> {
        let file = FileBackend::new(file::owned_file(&self.path, opening).unwrap()).unwrap();
        file::open_on(&self.path, DiskFile { file, disk: Arc::clone(&self.disk) }, 1024 * 1024, opening)
    }
}

impl Volume for DiskVolume {
    fn open(&self) -> Result<Database, OpenError> {
        self.open(Opening::First)
    }

    fn reopen(&self) -> Result<Database, OpenError> {
        self.open(Opening::Again)
    }

    fn free_bytes(&self) -> io::Result<u64> {
        Ok(if self.disk.full.load(Ordering::Relaxed) { FREE_BYTES_MIN - 1 } else { FREE_BYTES_MIN })
    }
}

impl DiskFile {
    /// Whether bytes up to this place are taken.
    fn works(&self, end: u64) -> io::Result<()> {
        let bytes_max = self.disk.bytes_max.load(Ordering::Relaxed);
        if self.disk.broken.load(Ordering::Relaxed) || (bytes_max > 0 && end > bytes_max) {
            Err(io::ErrorKind::StorageFull.into())
        } else {
            Ok(())
        }
    }
}

impl StorageBackend for DiskFile {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)?;
        self.disk.bytes_read.fetch_add(out.len() as u64, Ordering::Relaxed);
        if self.disk.garbles.load(Ordering::Relaxed) {
            out.fill(0x5a);
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.works(len)?;
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.works(0)?;
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.works(offset + data.len() as u64)?;
        self.file.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }
}

fn on_disk(directory: &TempDir) -> (EmbeddedStore, Arc<Disk>) {
    let disk = Arc::<Disk>::default();
    let volume = DiskVolume { path: directory.path().join("sessions.redb"), disk: Arc::clone(&disk) };
    (EmbeddedStore::start(Box::new(volume), Box::new(|_| {})).unwrap(), disk)
}

fn handle(number: u8) -> Handle {
    Handle::from_bytes([number; 16])
}

fn record(body: &'static str) -> Record {
    Record { body: body.into(), user: None, expires_at: Timestamp::from_secs(1_900_000_000) }
}

async fn body(store: &EmbeddedStore, handle: Handle) -> Bytes {
    match store.get(handle, NOW).await {
        Ok(Slot::Live(stored)) => stored.record.body,
        other => panic!("{handle} is {other:?}"),
    }
}

#[tokio::test]
async fn on_a_full_disk_reads_go_on_and_writes_fail_loudly_until_there_is_room() {
    let directory = TempDir::new().unwrap();
    let (store, disk) = on_disk(&directory);
    store.create(handle(1), record("before")).await.unwrap();
    disk.full.store(true, Ordering::Relaxed);
    let refused = store.update(handle(1), 1, record("lost"), NOW).await;
    assert_eq!(
        refused,
        Err(StoreError::Unreachable("the disk is nearly full: less than 64 MiB are free".to_owned()))
    );
    assert_eq!(body(&store, handle(1)).await, "before");
    disk.full.store(false, Ordering::Relaxed);
    assert_eq!(store.update(handle(1), 1, record("after"), NOW).await, Ok(Updated::Updated(2)));
}

#[tokio::test]
async fn a_disk_that_failed_heals_without_a_restart() {
    let directory = TempDir::new().unwrap();
    let (store, disk) = on_disk(&directory);
    store.create(handle(1), record("before")).await.unwrap();
    let mut watch = store.watch().await.unwrap();
    disk.broken.store(true, Ordering::Relaxed);
    let lost = store.update(handle(1), 1, record("lost"), NOW).await;
    assert!(matches!(lost, Err(StoreError::Unknown(_))), "the commit had begun: {lost:?}");
    let refused = store.update(handle(1), 1, record("lost"), NOW).await;
    assert!(matches!(refused, Err(StoreError::Unreachable(_))), "it cannot be reopened: {refused:?}");
    assert!(matches!(store.get(handle(1), NOW).await, Err(StoreError::Unreachable(_))));
    disk.broken.store(false, Ordering::Relaxed);
    assert_eq!(store.create(handle(2), record("after")).await, Ok(Created::Created));
    assert_eq!(watch.next().await, Some(Event::Gap), "an answer was lost, so watchers must read anew");
    drop(store);
    let (store, _) = on_disk(&directory);
    assert_eq!(body(&store, handle(2)).await, "after");
}

/// As by a quota, or where another program was faster: the disk had room when it was asked.
#[tokio::test]
async fn a_file_that_cannot_grow_loses_nothing_that_was_acknowledged_and_readers_have_it_back_at_once() {
    let directory = TempDir::new().unwrap();
    let (store, disk) = on_disk(&directory);
    let (page, handle) = (Bytes::from(vec![7; 64 * 1024]), |number: u16| {
        Handle::from_bytes([number.to_le_bytes(); 8].as_flattened().try_into().unwrap())
    });
    let long = || Record { body: page.clone(), ..record("") };
    store.create(handle(0), long()).await.unwrap();
    let length = directory.path().join("sessions.redb").metadata().unwrap().len();
    disk.bytes_max.store(length, Ordering::Relaxed);
    let mut kept = 1;
    let refused = loop {
        match store.create(handle(kept), long()).await {
            Ok(_) => kept += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, StoreError::Unreachable(_) | StoreError::Unknown(_)), "{refused}");
    for round in 0..3 {
        for number in 0..kept {
            // Nobody asks for it to be opened again.
            let patience = Patience::new(PATIENCE);
            let found = loop {
                match store.get(handle(number), NOW).await {
                    Err(error) => assert!(error.is_outage() && !patience.left().is_zero(), "{error}"),
                    Ok(found) => break found,
                }
            };
            assert!(matches!(found, Slot::Live(stored) if stored.record.body == page), "{number}");
        }
        let refused = store.create(handle(kept), long()).await;
        assert!(refused.is_err(), "round {round}: {refused:?}");
    }
    disk.bytes_max.store(0, Ordering::Relaxed);
    assert_eq!(store.create(handle(kept + 1), long()).await, Ok(Created::Created));
    for number in (0..kept).chain([kept + 1]) {
        assert_eq!(body(&store, handle(number)).await, page);
    }
}

/// More pages than stay in memory.
const MANY: u16 = 100;

fn wide(number: u16) -> Handle {
    Handle::from_bytes([number.to_le_bytes(); 8].as_flattened().try_into().unwrap())
}

#[tokio::test]
async fn pages_that_make_no_sense_are_an_outage_and_no_panic_and_it_ends_with_them() {
    let directory = TempDir::new().unwrap();
    let (store, disk) = on_disk(&directory);
    let page = Bytes::from(vec![7; 64 * 1024]);
    for number in 0..MANY {
        store.create(wide(number), Record { body: page.clone(), ..record("") }).await.unwrap();
    }
    let condition = store.condition();
    assert!(condition.is_open());
    disk.garbles.store(true, Ordering::Relaxed);
    for number in 0..MANY {
        // What is still in memory is well; and nothing is taken for absent.
        match store.get(wide(number), NOW).await {
            Ok(Slot::Live(stored)) => assert_eq!(stored.record.body, page),
            Err(error) => assert!(matches!(error, StoreError::Unreachable(_)), "{error}"),
            Ok(other) => panic!("{number}: {other:?}"),
        }
    }
    // The writer lives, and cannot open it either.
    let refused = store.create(wide(MANY), record("x")).await;
    assert!(matches!(refused, Err(StoreError::Unreachable(_) | StoreError::Unknown(_))), "{refused:?}");
    let refused = store.create(wide(MANY), record("x")).await;
    assert!(matches!(&refused, Err(StoreError::Unreachable(why)) if why.contains("damaged")), "{refused:?}");
    assert!(!condition.is_open());
    disk.garbles.store(false, Ordering::Relaxed);
    assert_eq!(store.create(wide(MANY), record("x")).await, Ok(Created::Created));
    assert!(condition.is_open());
    for number in 0..MANY {
        assert_eq!(body(&store, wide(number)).await, page);
    }
    drop(store);
    assert!(!condition.is_open());
}

#[tokio::test]
async fn a_disk_that_works_again_is_found_by_a_beat() {
    let directory = TempDir::new().unwrap();
    let (store, disk) = on_disk(&directory);
    store.create(handle(1), record("before")).await.unwrap();
    disk.broken.store(true, Ordering::Relaxed);
    store.update(handle(1), 1, record("lost"), NOW).await.unwrap_err();
    store.update(handle(1), 1, record("lost"), NOW).await.unwrap_err();
    store.get(handle(1), NOW).await.unwrap_err();
    disk.broken.store(false, Ordering::Relaxed);
    let mut watch = store.watch().await.unwrap();
    let beat = Beat { watcher: 1, sent: Mono::from_start(Duration::from_secs(1)) };
    store.beat(beat).await.unwrap();
    assert_eq!(watch.next().await, Some(Event::Alive(beat)));
    assert_eq!(watch.next().await, Some(Event::Gap));
    assert_eq!(body(&store, handle(1)).await, "before");
}

#[tokio::test]
async fn every_page_is_checked_when_the_file_is_opened_first_and_not_when_it_is_opened_again() {
    let directory = TempDir::new().unwrap();
    let config = Config::new(directory.path().join("sessions.redb"));
    let store = EmbeddedStore::open(&config).unwrap();
    let page = Bytes::from(vec![7; 64 * 1024]);
    for number in 0..MANY {
        store.create(wide(number), Record { body: page.clone(), ..record("") }).await.unwrap();
    }
    let inside = std::fs::read(&config.path).unwrap().windows(4096).position(|part| part == &page[..4096]);
    let file = OpenOptions::new().write(true).open(&config.path).unwrap();
    file.write_all_at(&[8], inside.unwrap() as u64).unwrap();
    store.shared.set_failed();
    assert_eq!(store.create(wide(MANY), record("after")).await, Ok(Created::Created));
    drop(store);
    let refused = EmbeddedStore::open(&config).expect_err("a page is damaged");
    assert!(matches!(refused, OpenError::Unreadable { .. }), "{refused}");
}

#[tokio::test]
async fn a_file_that_has_gone_is_not_begun_anew_and_is_found_when_it_is_back() {
    let directory = TempDir::new().unwrap();
    let (path, away) = (directory.path().join("sessions.redb"), directory.path().join("away"));
    let store = EmbeddedStore::open(&Config::new(&path)).unwrap();
    store.create(handle(1), record("kept")).await.unwrap();
    std::fs::rename(&path, &away).unwrap();
    store.shared.set_failed();
    for _ in 0..2 {
        let refused = store.create(handle(2), record("lost")).await;
        assert!(matches!(refused, Err(StoreError::Unreachable(_))), "{refused:?}");
        let read = store.get(handle(1), NOW).await;
        assert!(matches!(read, Err(StoreError::Unreachable(_))), "{read:?}");
        assert!(!path.exists());
    }
    std::fs::write(&path, "").unwrap();
    store.create(handle(2), record("lost")).await.unwrap_err();
    std::fs::rename(&away, &path).unwrap();
    assert_eq!(store.create(handle(2), record("after")).await, Ok(Created::Created));
    assert_eq!(body(&store, handle(1)).await, "kept");
}

#[tokio::test]
async fn an_unreadable_row_fails_alone_and_can_be_ended() {
    let directory = TempDir::new().unwrap();
    let (store, _) = on_disk(&directory);
    for number in [1, 2] {
        store.create(handle(number), Record { user: Some("u".to_owned()), ..record("x") }).await.unwrap();
    }
    store.orders.write(|tables| tables.spoil(handle(1))).await.unwrap();
    assert!(matches!(store.get(handle(1), NOW).await, Err(StoreError::Corrupt(_))));
    let mut both = tokio::join!(
        store.update(handle(1), 1, record("y"), NOW),
        store.update(handle(2), 1, Record { user: Some("u".to_owned()), ..record("y") }, NOW),
    );
    assert!(matches!(both.0, Err(StoreError::Corrupt(_))));
    assert_eq!(both.1, Ok(Updated::Updated(2)));
    assert_eq!(store.create(handle(1), record("y")).await, Ok(Created::Exists));
    assert_eq!(store.list_user("u", 10, NOW).await, Ok(vec![handle(2)]));
    let over = Tombstone { body: "over".into(), expires_at: record("").expires_at };
    assert_eq!(store.end(handle(1), None, over.clone(), NOW).await, Ok(Ended::Ended));
    assert_eq!(store.get(handle(1), NOW).await, Ok(Slot::Ended(over)));
    both.0 = store.update(handle(1), 1, record("z"), NOW).await;
    assert_eq!(both.0, Ok(Updated::Gone));
}

#[tokio::test]
async fn refused_writes_cost_no_commit() {
    let directory = TempDir::new().unwrap();
    let points = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = Arc::clone(&points);
    let config = Config::new(directory.path().join("sessions.redb"));
    let store =
        EmbeddedStore::open_with_hook(&config, move |point| seen.lock().unwrap().push(point)).unwrap();
    store.create(handle(1), record("x")).await.unwrap();
    let once = [CommitPoint::BeforeCommit, CommitPoint::AfterCommit, CommitPoint::BeforeAck];
    assert_eq!(*points.lock().unwrap(), once);
    store.create(handle(1), record("x")).await.unwrap();
    store.update(handle(1), 9, record("x"), NOW).await.unwrap();
    store.attempt_take([9; 32], NOW).await.unwrap();
    assert!(!points.lock().unwrap()[3..].contains(&CommitPoint::BeforeCommit));
}

#[tokio::test]
async fn more_orders_than_can_wait_are_refused_at_once() {
    let directory = TempDir::new().unwrap();
    let config = Config::new(directory.path().join("sessions.redb"));
    let (reached, at_commit) = std::sync::mpsc::channel();
    let (go_on, waiting) = std::sync::mpsc::channel::<()>();
    let hook = move |point| {
        if point == CommitPoint::BeforeCommit {
            reached.send(()).unwrap();
            // Ends at once when the test has dropped its side.
            let _released = waiting.recv();
        }
    };
    let store = Arc::new(EmbeddedStore::open_with_hook(&config, hook).unwrap());
    let write = || {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            store.attempt_put([1; 32], Attempt { body: Bytes::new(), expires_at: NOW }).await
        })
    };
    let first = write();
    tokio::task::yield_now().await;
    at_commit.recv().unwrap();
    let waiting: Vec<_> = (0..crate::ORDERS_MAX).map(|_| write()).collect();
    tokio::task::yield_now().await;
    assert!(matches!(write().await.unwrap(), Err(StoreError::Unreachable(_))));
    drop(go_on);
    assert_eq!(first.await.unwrap(), Ok(()));
    for write in waiting {
        assert_eq!(write.await.unwrap(), Ok(()));
    }
}
