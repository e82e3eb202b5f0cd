//! What is done to a store: the operations of a session layer, each in a closed loop of so many callers. A caller waits
//! for its answer before it asks again, so a slow store is asked less, as it would be behind a proxy.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::task::{JoinSet, yield_now};
use tokio::time::timeout;
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
/// Calls under way at once that make what an operation uses up.
const MAKERS: u64 = 64;
/// The most sessions that are made before one slice.
const MADE_MAX: u64 = 8_000;
/// No operation is waited for longer. Stores end their own calls before.
const OPERATION_MAX: Duration = Duration::from_secs(3);
/// The version of a session whose last patch had no answer.
const NOT_KNOWN: u32 = 0;

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

    /// Callers at once. A sweep has no company: it runs alone on each node. Touches have little, because each node gathers
    /// them; what many such batches do to a store is worth knowing all the same.
    pub(crate) const fn callers(self) -> &'static [usize] {
        match self {
            Self::Sweep => &[1],
            _ => &[1, 16, 64],
        }
    }

    /// Sessions that one operation uses up.
    const fn uses(self) -> Option<u64> {
        match self {
            Self::Revoke => Some(SESSIONS_OF_USER),
            Self::Sweep => Some(SWEPT as u64),
            _ => None,
        }
    }
}

/// What the operations of a slice use up: the first number of each share. Made before anything is measured.
#[derive(Debug, Default)]
pub(crate) struct Supplies(Mutex<Vec<u64>>);

impl Supplies {
    fn take(&self) -> Option<u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
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

    pub(crate) fn sessions(&self) -> u64 {
        self.versions.len() as u64
    }

    /// A session that outlives the run.
    pub(crate) fn record(&self, user: Option<&str>, dice: &mut Dice) -> Record {
        record(user, self.now + LIFE, dice)
    }

    /// Creates all sessions as anybody does, so many at once.
    pub(crate) async fn fill(
        self: &Arc<Self>,
        store: &Arc<dyn SessionStore>,
        calls: u64,
    ) -> Result<(), Broken> {
        let mut fillers = JoinSet::new();
        for first in 0..calls {
            let (stock, store) = (Arc::clone(self), Arc::clone(store));
            fillers.spawn(async move {
                let mut dice = Dice::new(first);
                for number in (first..stock.sessions()).step_by(calls as usize) {
                    stock.create(&store, number, None, &mut dice).await?;
                }
                Ok(())
            });
        }
        fillers.join_all().await.into_iter().collect()
    }

    /// Makes what a slice of this operation will use up: as much as it can in so long, and enough for one at least.
    pub(crate) async fn supply(
        self: &Arc<Self>,
        operation: Operation,
        store: &Arc<dyn SessionStore>,
        lasts: Duration,
    ) -> Result<Supplies, Broken> {
        let Some(share) = operation.uses() else { return Ok(Supplies::default()) };
        let first = self.fresh(MADE_MAX);
        let (watch, claimed) = (Stopwatch::start(), Arc::new(AtomicU64::new(0)));
        let mut makers = JoinSet::new();
        for maker in 0..MAKERS {
            let (stock, store, claimed) = (Arc::clone(self), Arc::clone(store), Arc::clone(&claimed));
            makers.spawn(async move {
                let mut dice = Dice::new(first + maker);
                let mut made = 0;
                while watch.elapsed() < lasts || claimed.load(Ordering::Relaxed) < share {
                    let at = claimed.fetch_add(1, Ordering::Relaxed);
                    if at >= MADE_MAX {
                        break;
                    }
                    stock.make(operation, &store, first, at, &mut dice).await?;
                    made += 1;
                }
                Ok::<_, Broken>(made)
            });
        }
        let made: Result<Vec<u64>, _> = makers.join_all().await.into_iter().collect();
        let shares = made?.iter().sum::<u64>() / share;
        Ok(Supplies(Mutex::new((0..shares).map(|at| first + at * share).collect())))
    }

    /// One of the sessions that are used up: of a user, or one that expires before the others.
    async fn make(
        &self,
        operation: Operation,
        store: &Arc<dyn SessionStore>,
        first: u64,
        at: u64,
        dice: &mut Dice,
    ) -> Result<(), Broken> {
        if operation == Operation::Sweep {
            let record = record(None, self.now + LIFE / 24, dice);
            return store.create(handle(first + at), record).await.map(drop).map_err(Broken::from);
        }
        let user = user(first + at / SESSIONS_OF_USER * SESSIONS_OF_USER);
        self.create(store, first + at, Some(&user), dice).await
    }

    async fn create(
        &self,
        store: &Arc<dyn SessionStore>,
        number: u64,
        user: Option<&str>,
        dice: &mut Dice,
    ) -> Result<(), Broken> {
        let record = self.record(user, dice);
        match store.create(handle(number), record).await? {
            Created::Created => Ok(()),
            Created::Exists => Err(Broken::Wrong("create", "that the handle is taken".to_owned())),
        }
    }

    /// Creates one more session.
    pub(crate) async fn add(&self, store: &Arc<dyn SessionStore>) -> Result<(), Broken> {
        let number = self.fresh(1);
        self.create(store, number, None, &mut Dice::new(number)).await
    }

    /// So many numbers for sessions that come and go.
    fn fresh(&self, count: u64) -> u64 {
        self.next.fetch_add(count, Ordering::Relaxed)
    }

    pub(crate) async fn read(&self, store: &Arc<dyn SessionStore>, number: u64) -> Result<Stored, Broken> {
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
        let expect = match kept.swap(NOT_KNOWN, Ordering::Relaxed) {
            NOT_KNOWN => self.read(store, number).await?.version,
            version => Version::from(version),
        };
        match store.update(handle(number), expect, self.record(None, dice), self.now).await? {
            Updated::Updated(version) => {
                kept.store(version as u32, Ordering::Relaxed);
                Ok(())
            }
            Updated::Conflict => {
                Err(StoreError::Unknown("a patch that nobody waited for came first".to_owned()).into())
            }
            Updated::Gone => Err(Broken::Wrong("update", "that the session is gone".to_owned())),
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

/// Lets `callers` do one thing over and over for this long, or until the supplies are used up.
pub(crate) async fn slice(
    operation: Operation,
    callers: usize,
    lasts: Duration,
    store: &Arc<dyn SessionStore>,
    stock: &Arc<Stock>,
    supplies: Supplies,
    seed: u64,
) -> Result<Slice, Broken> {
    let mut working = JoinSet::new();
    let supplies = Arc::new(supplies);
    let watch = Stopwatch::start();
    for number in 0..callers as u64 {
        let (store, stock, supplies) = (Arc::clone(store), Arc::clone(stock), Arc::clone(&supplies));
        let caller = Caller { number, of: callers as u64 };
        working.spawn(async move {
            let mut dice = Dice::new(seed ^ (number << 32));
            let mut own = Slice::default();
            while watch.elapsed() < lasts {
                let used = supplies.take();
                if used.is_none() && operation.uses().is_some() {
                    break;
                }
                let begun = Stopwatch::start();
                let work = once(operation, &store, &stock, &caller, used, &mut dice);
                match timeout(OPERATION_MAX, work).await {
                    Ok(Ok(())) => {
                        let took = begun.elapsed().as_micros();
                        own.latencies.push(u32::try_from(took).unwrap_or(u32::MAX));
                    }
                    Ok(Err(Broken::Store(why)))
                        if why.is_outage() || matches!(why, StoreError::Unknown(_)) =>
                    {
                        own.failed += 1;
                    }
                    Ok(Err(why)) => return Err(why),
                    Err(_late) => own.failed += 1,
                }
                // As after every request: the embedded store answers reads without a pause, and others wait too.
                yield_now().await;
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

/// One operation.
async fn once(
    operation: Operation,
    store: &Arc<dyn SessionStore>,
    stock: &Stock,
    caller: &Caller,
    used: Option<u64>,
    dice: &mut Dice,
) -> Result<(), Broken> {
    match operation {
        Operation::Read => stock.read(store, dice.below(stock.sessions())).await.map(drop),
        Operation::Patch => stock.patch(store, caller, dice).await,
        Operation::Touch => stock.touch(store, dice).await,
        Operation::Create => stock.create(store, stock.fresh(1), None, dice).await,
        Operation::Revoke => stock.revoke(store, &user(used.unwrap_or_default())).await,
        Operation::Sweep => Ok(store.sweep(stock.now + LIFE / 12, SWEPT).await.map(drop)?),
        Operation::View => stock.view(store, caller, dice).await,
    }
}

/// The user whose sessions begin with this number.
fn user(first: u64) -> String {
    format!("u{first}")
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
