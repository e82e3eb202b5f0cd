//! What is done to a store: the operations of a session layer, each in a closed loop of so many callers. A caller waits
//! for its answer before it asks again, so a slow store is asked less, as it would be behind a proxy.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::task::JoinSet;
use vestibule_domain::identity::{Handle, Timestamp};
use vestibule_ports::session_store::{
    Created, Ended, FIRST_VERSION, Record, SessionStore, Slot, StoreError, Stored, Tombstone, Updated,
    Version,
};

use super::dice::Dice;
use crate::stopwatch::Stopwatch;

/// Bytes of a session's body: what a visitor with a basket and a log-on has.
pub(crate) const BODY_BYTES: usize = 600;
/// Sessions that one call touches.
const TOUCHED: usize = 1_000;
/// Sessions of one user.
const SESSIONS_OF_USER: u64 = 4;
/// Entries that one call of the sweep removes at most.
const SWEPT: usize = 200;
/// How long what is kept lives: longer than any run.
const LIFE: Duration = Duration::from_hours(24);
/// Calls that fill a store are under way at once.
const FILLERS: u64 = 64;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Operation {
    /// One session by its handle: a miss of the near cache.
    Read,
    /// One session replaced, guarded by its version.
    Patch,
    /// Last-seen times of a thousand sessions in one call.
    Touch,
    /// One new session.
    Create,
    /// The sessions of one user found and ended, four of them.
    Revoke,
    /// Two hundred expired entries removed in one call.
    Sweep,
    /// What a page view of a visitor who is known costs a store: mostly a read, sometimes a patch, seldom a new session,
    /// a thousandth of a batch of touches.
    View,
}

impl Operation {
    pub(crate) const ALL: [Self; 7] =
        [Self::Read, Self::Patch, Self::Touch, Self::Create, Self::Revoke, Self::Sweep, Self::View];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Read => "read by id",
            Self::Patch => "patch",
            Self::Touch => "touch 1,000",
            Self::Create => "create",
            Self::Revoke => "revoke a user",
            Self::Sweep => "sweep 200",
            Self::View => "page view",
        }
    }

    /// Callers at once. A sweep has no company: it runs alone on each node, and touches are gathered by each.
    pub(crate) const fn callers(self) -> &'static [usize] {
        match self {
            Self::Sweep => &[1],
            Self::Touch => &[1, 16],
            _ => &[1, 16, 64],
        }
    }
}

/// The sessions that a server holds, as far as whoever works on them must know.
pub(crate) struct Stock {
    /// The versions of the sessions that stay, by number.
    versions: Vec<AtomicU32>,
    /// Numbers of sessions that come and go are above.
    next: AtomicU64,
    now: Timestamp,
}

/// What one slice has shown.
#[derive(Debug, Default)]
pub(crate) struct Slice {
    /// Microseconds of each operation that was done.
    pub(crate) latencies: Vec<u32>,
    /// Operations that had no answer in time.
    pub(crate) failed: u64,
    /// How long the slice lasted.
    pub(crate) lasted: Duration,
}

/// Why a store cannot be measured.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It answered, and wrongly.
    #[error("{0} answered {1}")]
    Wrong(&'static str, String),
}

impl Stock {
    pub(crate) fn new(sessions: u64, now: Timestamp) -> Arc<Self> {
        let versions = (0..sessions).map(|_| AtomicU32::new(1)).collect();
        Arc::new(Self { versions, next: AtomicU64::new(sessions), now })
    }

    fn sessions(&self) -> u64 {
        self.versions.len() as u64
    }

    /// Creates all sessions, many at once.
    pub(crate) async fn fill(self: &Arc<Self>, store: &Arc<dyn SessionStore>) -> Result<(), Broken> {
        let mut fillers = JoinSet::new();
        for first in 0..FILLERS {
            let (stock, store) = (Arc::clone(self), Arc::clone(store));
            fillers.spawn(async move {
                let mut dice = Dice::new(first);
                for number in (first..stock.sessions()).step_by(FILLERS as usize) {
                    stock.create(&store, number, None, &mut dice).await?;
                }
                Ok(())
            });
        }
        fillers.join_all().await.into_iter().collect()
    }

    async fn create(
        &self,
        store: &Arc<dyn SessionStore>,
        number: u64,
        user: Option<&str>,
        dice: &mut Dice,
    ) -> Result<(), Broken> {
        let record = record(user, self.now + LIFE, dice);
        match store.create(handle(number), record).await? {
            Created::Created => Ok(()),
            Created::Exists => Err(Broken::Wrong("create", "that the handle is taken".to_owned())),
        }
    }

    /// So many numbers for sessions that come and go.
    fn fresh(&self, count: u64) -> u64 {
        self.next.fetch_add(count, Ordering::Relaxed)
    }

    async fn read(&self, store: &Arc<dyn SessionStore>, number: u64) -> Result<Stored, Broken> {
        match store.get(handle(number), self.now).await? {
            Slot::Live(stored) => Ok(stored),
            other => Err(Broken::Wrong("get", format!("{other:?}"))),
        }
    }

    /// Patches a session of this caller's own share, so that callers do not meet.
    async fn patch(
        &self,
        store: &Arc<dyn SessionStore>,
        caller: &Caller,
        dice: &mut Dice,
    ) -> Result<(), Broken> {
        let share = self.sessions() / caller.of;
        let number = dice.below(share) * caller.of + caller.number;
        let kept = &self.versions[number as usize];
        let expect = Version::from(kept.load(Ordering::Relaxed));
        let record = record(None, self.now + LIFE, dice);
        match store.update(handle(number), expect, record, self.now).await {
            Ok(Updated::Updated(version)) => {
                kept.store(version as u32, Ordering::Relaxed);
                Ok(())
            }
            Err(StoreError::Unknown(why)) => {
                // It may have been done.
                let stored = self.read(store, number).await?;
                kept.store(stored.version as u32, Ordering::Relaxed);
                Err(StoreError::Unknown(why).into())
            }
            Ok(other) => Err(Broken::Wrong("update", format!("{other:?}"))),
            Err(why) => Err(why.into()),
        }
    }

    async fn touch(&self, store: &Arc<dyn SessionStore>, dice: &mut Dice) -> Result<(), Broken> {
        // Each batch is later than the one before, or there would be nothing to write.
        let at = self.now + Duration::from_millis(self.fresh(1));
        let seen: Vec<_> = (0..TOUCHED).map(|_| (handle(dice.below(self.sessions())), at)).collect();
        Ok(store.touch(&seen).await?)
    }

    async fn revoke(&self, store: &Arc<dyn SessionStore>, user: &str) -> Result<(), Broken> {
        // A write that no majority has seen yet is in no list yet: with w:1 there may be fewer.
        let found = store.list_user(user, SESSIONS_OF_USER as usize, self.now).await?;
        for handle in found {
            let tombstone = Tombstone { body: Bytes::from_static(&[7; 200]), expires_at: self.now + LIFE };
            match store.end(handle, None, tombstone, self.now).await? {
                Ended::Ended => {}
                other => return Err(Broken::Wrong("end", format!("{other:?}"))),
            }
        }
        Ok(())
    }

    async fn view(
        &self,
        store: &Arc<dyn SessionStore>,
        caller: &Caller,
        dice: &mut Dice,
    ) -> Result<(), Broken> {
        match dice.below(1_000) {
            0 => self.touch(store, dice).await,
            1..=10 => self.create(store, self.fresh(1), None, dice).await,
            11..=80 => self.patch(store, caller, dice).await,
            _ => self.read(store, dice.below(self.sessions())).await.map(drop),
        }
    }
}

/// One of those who ask.
struct Caller {
    number: u64,
    of: u64,
}

/// Lets `callers` do one thing over and over for this long.
pub(crate) async fn slice(
    operation: Operation,
    callers: usize,
    lasts: Duration,
    store: &Arc<dyn SessionStore>,
    stock: &Arc<Stock>,
    seed: u64,
) -> Result<Slice, Broken> {
    let mut working = JoinSet::new();
    let watch = Stopwatch::start();
    for number in 0..callers as u64 {
        let (store, stock) = (Arc::clone(store), Arc::clone(stock));
        let caller = Caller { number, of: callers as u64 };
        working.spawn(async move {
            let mut dice = Dice::new(seed ^ (number << 32));
            let mut own = Slice::default();
            while watch.elapsed() < lasts {
                match once(operation, &store, &stock, &caller, &mut dice).await {
                    Ok(took) => own.latencies.push(u32::try_from(took.as_micros()).unwrap_or(u32::MAX)),
                    Err(Broken::Store(why)) if why.is_outage() || matches!(why, StoreError::Unknown(_)) => {
                        own.failed += 1;
                    }
                    Err(why) => return Err(why),
                }
            }
            Ok::<_, Broken>(own)
        });
    }
    let mut slice = Slice::default();
    for done in working.join_all().await {
        let done = done?;
        slice.latencies.extend(done.latencies);
        slice.failed += done.failed;
    }
    slice.lasted = watch.elapsed();
    Ok(slice)
}

/// One operation, and how long it took. What has to be there before is made outside that time.
async fn once(
    operation: Operation,
    store: &Arc<dyn SessionStore>,
    stock: &Stock,
    caller: &Caller,
    dice: &mut Dice,
) -> Result<Duration, Broken> {
    let user = match operation {
        Operation::Revoke => {
            let first = stock.fresh(SESSIONS_OF_USER);
            let user = format!("u{first}");
            for number in first..first + SESSIONS_OF_USER {
                stock.create(store, number, Some(&user), dice).await?;
            }
            user
        }
        Operation::Sweep => {
            let first = stock.fresh(SWEPT as u64);
            let soon = stock.now + LIFE / 24;
            for number in first..first + SWEPT as u64 {
                store.create(handle(number), record(None, soon, dice)).await?;
            }
            String::new()
        }
        _ => String::new(),
    };
    let watch = Stopwatch::start();
    match operation {
        Operation::Read => drop(stock.read(store, dice.below(stock.sessions())).await?),
        Operation::Patch => stock.patch(store, caller, dice).await?,
        Operation::Touch => stock.touch(store, dice).await?,
        Operation::Create => stock.create(store, stock.fresh(1), None, dice).await?,
        Operation::Revoke => stock.revoke(store, &user).await?,
        Operation::Sweep => {
            store.sweep(stock.now + LIFE / 12, SWEPT).await?;
        }
        Operation::View => stock.view(store, caller, dice).await?,
    }
    Ok(watch.elapsed())
}

fn record(user: Option<&str>, expires_at: Timestamp, dice: &mut Dice) -> Record {
    Record { body: dice.bytes(BODY_BYTES), user: user.map(str::to_owned), expires_at }
}

/// The handle of a session by its number: spread like a random one.
pub(crate) fn handle(number: u64) -> Handle {
    let mut dice = Dice::new(number);
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&dice.next().to_be_bytes());
    bytes[8..].copy_from_slice(&dice.next().to_be_bytes());
    Handle::from_bytes(bytes)
}

/// The version that every session begins with.
const _: () = assert!(FIRST_VERSION == 1);
