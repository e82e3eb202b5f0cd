//! What only a failing disk shows, and what the writer owes its callers.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::StreamExt as _;
use redb::StorageBackend;
use redb::backends::FileBackend;
use tempfile::TempDir;

use crate::file;
use crate::shared::FREE_BYTES_MIN;

use super::*;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

/// A disk that can be full and can fail.
#[derive(Debug, Default)]
struct Disk {
    full: AtomicBool,
    broken: AtomicBool,
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

impl Volume for DiskVolume {
    fn open(&self) -> Result<Database, OpenError> {
        let file = FileBackend::new(file::owned_file(&self.path).unwrap()).unwrap();
        file::open_on(&self.path, DiskFile { file, disk: Arc::clone(&self.disk) }, 1024 * 1024)
    }

    fn free_bytes(&self) -> io::Result<u64> {
        Ok(if self.disk.full.load(Ordering::Relaxed) { FREE_BYTES_MIN - 1 } else { FREE_BYTES_MIN })
    }
}

impl DiskFile {
    fn works(&self) -> io::Result<()> {
        let broken = self.disk.broken.load(Ordering::Relaxed);
        if broken { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
}

impl StorageBackend for DiskFile {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.works()?;
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.works()?;
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.works()?;
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
    assert_eq!(refused, Err(StoreError::Unreachable("the disk is nearly full".to_owned())));
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
