//! The connections of a process: made in the background and never by a call, lent to one call at a time. A call that its
//! caller has dropped runs to its end all the same, so no connection is left with half an answer. A write is never cancelled.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use vestibule_ports::session_store::StoreError;

use crate::dial::Dialer;
use crate::failure::{Failure, Intent};
use crate::lane::Lane;
use crate::open::OpenError;
use crate::sql::Sql;

/// How long a call waits for a free connection, unless the configuration says otherwise. Below what a request's deadline
/// leaves to a write, so that its caller learns that it has not happened.
pub const WAIT_MAX: Duration = Duration::from_millis(150);

/// How long a caller is kept waiting for an answer. Above the server's own limit for a statement, so only a commit that
/// waits for a standby is later, or a server that does not work.
pub const ANSWER_MAX: Duration = Duration::from_secs(2);

/// How long to wait after a connection could not be made; twice after the second failure, and so on. Also after one that ended
/// as soon as it was made.
pub const RETRY_EVERY: Duration = Duration::from_millis(200);

/// The longest such wait: a server that is back is used soon, and one that is full is not stormed.
pub const RETRY_MAX: Duration = Duration::from_secs(1);

/// A connection that ends within this time has ended as soon as it was made.
const LIFE_MIN: Duration = Duration::from_secs(1);

/// How often the server is asked whether it still works on a write that is late.
const ASK_EVERY: Duration = Duration::from_secs(5);

/// Calls that wait for a connection at once; more are refused.
pub const WAITING_MAX: usize = 2_048;

/// One connection in so many is kept for reads, and one at least where there are two: writes that wait for a standby must not
/// stop them.
const FOR_READS: usize = 4;

/// A set of connections that is kept complete as well as the server lets us.
pub(crate) struct Lanes {
    shared: Arc<Shared>,
    /// One task for each connection. They end with this value.
    keepers: JoinSet<()>,
}

struct Shared {
    dialer: Dialer,
    wait_max: Duration,
    idle: Mutex<Vec<Arc<Lane>>>,
    /// As many permits as there are idle lanes.
    ready: Semaphore,
    writes: Arc<Semaphore>,
    waiting: AtomicUsize,
    health: watch::Sender<Health>,
}

#[derive(Default)]
struct Health {
    up: usize,
    /// Tries that have failed, in all.
    failures: usize,
    /// Why the newest try failed, until one succeeds.
    failure: Option<OpenError>,
}

impl Lanes {
    /// Begins to connect.
    pub(crate) fn start(dialer: &Dialer, sql: &Sql, count: usize, wait_max: Duration) -> Self {
        let for_reads = (count / FOR_READS).max(usize::from(count > 1));
        let shared = Arc::new(Shared {
            dialer: dialer.clone(),
            wait_max,
            idle: Mutex::default(),
            ready: Semaphore::new(0),
            writes: Arc::new(Semaphore::new(count - for_reads)),
            waiting: AtomicUsize::new(0),
            health: watch::Sender::default(),
        });
        let mut keepers = JoinSet::new();
        for _ in 0..count {
            keepers.spawn(keep(Arc::clone(&shared), sql.clone()));
        }
        Self { shared, keepers }
    }

    /// Waits until the first connection is there, or as many tries as there are connections have failed.
    pub(crate) async fn first(&self) -> Result<(), OpenError> {
        let mut health = self.shared.health.subscribe();
        let count = self.keepers.len();
        let tried = health.wait_for(|health| health.up > 0 || health.failures >= count).await;
        // The sender is a field of `self`, so the channel cannot close while this waits.
        match tried.map(|health| if health.up > 0 { None } else { health.failure.clone() }) {
            Ok(Some(failure)) => Err(failure),
            _ => Ok(()),
        }
    }

    /// How many connections there are now, and why there are no more.
    pub(crate) fn up(&self) -> (usize, Option<OpenError>) {
        let health = self.shared.health.borrow();
        (health.up, health.failure.clone())
    }

    /// Runs a call on a connection of its own, to its end, also when the caller goes away meanwhile.
    pub(crate) async fn run<T, F>(
        &self,
        intent: Intent,
        work: impl FnOnce(Arc<Lane>) -> F + Send,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Failure>> + Send + 'static,
    {
        let shared = Arc::clone(&self.shared);
        let (place, lane) = shared.wait(shared.enter(intent)).await?;
        let mut answer = Box::pin(work(Arc::clone(&lane)));
        let call = tokio::spawn(async move {
            match (timeout(ANSWER_MAX, &mut answer).await, intent) {
                (Ok(answer), _) => {
                    drop(place);
                    shared.settle(lane, answer, intent)
                }
                (Err(_), Intent::Read) => {
                    lane.cancel(&shared.dialer);
                    Err(StoreError::Deadline)
                }
                (Err(_), Intent::Write) => {
                    tokio::spawn(shared.outwait(lane, answer, place));
                    Err(StoreError::Unknown("the server did not answer".to_owned()))
                }
            }
        });
        call.await.unwrap_or_else(|e| Err(StoreError::Bug(format!("a call died: {e}"))))
    }
}

impl Shared {
    /// Whoever waits leaves when all connections are down: nothing will come in time.
    async fn wait<T>(&self, place: impl Future<Output = T>) -> Result<T, StoreError> {
        let _waiting = Waiting::enter(&self.waiting)?;
        let mut health = self.health.subscribe();
        let down = health.wait_for(|health| health.up == 0 && health.failure.is_some());
        tokio::select! {
            biased;
            place = place => Ok(place),
            down = down => {
                let why = down.ok().and_then(|health| health.failure.as_ref().map(ToString::to_string));
                Err(StoreError::Unreachable(why.unwrap_or_default()))
            }
            () = sleep(self.wait_max) => Err(StoreError::Unreachable("all connections are busy".to_owned())),
        }
    }

    /// A lane, and a place among the writers where one is needed. Neither semaphore is ever closed.
    async fn enter(&self, intent: Intent) -> (Option<OwnedSemaphorePermit>, Arc<Lane>) {
        let place = match intent {
            Intent::Read => None,
            Intent::Write => Arc::clone(&self.writes).acquire_owned().await.ok(),
        };
        loop {
            if let Ok(permit) = self.ready.acquire().await {
                permit.forget();
            }
            match self.idle().pop() {
                Some(lane) if !lane.is_closed() => return (place, lane),
                // Died while it was idle, or has been taken out just now.
                _ => {}
            }
        }
    }

    fn give(&self, lane: Arc<Lane>) {
        self.idle().push(lane);
        self.ready.add_permits(1);
    }

    /// Takes dead lanes out, so that the permits count live ones.
    fn clear(&self) {
        let dead = {
            let mut idle = self.idle();
            let before = idle.len();
            idle.retain(|lane| !lane.is_closed());
            before - idle.len()
        };
        // Fewer where somebody holds a permit already: he finds nothing and waits again.
        self.ready.forget_permits(dead);
    }

    /// After a call: the lane goes back, unless it may still be busy or broken.
    fn settle<T>(
        &self,
        lane: Arc<Lane>,
        answer: Result<T, Failure>,
        intent: Intent,
    ) -> Result<T, StoreError> {
        let alone = lane.was_alone();
        if answer.as_ref().err().is_none_or(Failure::spares_the_connection) {
            self.give(lane);
        }
        if alone && intent == Intent::Write {
            // Somebody has ended the wait for the standby: the row is there for all to see, on this server.
            return Err(StoreError::Unsafe("the standby was not waited for".to_owned()));
        }
        answer.map_err(|failure| failure.into_store_error(intent))
    }

    /// Keeps a late write's connection and its place among the writers for as long as the server works on it. Left alone, the
    /// server would go on waiting for its standby, invisibly; another connection in its stead would wait beside it, and so on
    /// until the server is full.
    async fn outwait<T, F>(
        self: Arc<Self>,
        lane: Arc<Lane>,
        mut answer: Pin<Box<F>>,
        place: Option<OwnedSemaphorePermit>,
    ) where
        F: Future<Output = Result<T, Failure>>,
    {
        let gone = async {
            while lane.is_awaited(&self.dialer).await {
                sleep(ASK_EVERY).await;
            }
        };
        let answer = tokio::select! {
            biased;
            answer = &mut answer => Some(answer),
            () = gone => None,
        };
        drop(place);
        if let Some(answer) = answer {
            // Nobody waits for it any more.
            let _late = self.settle(lane, answer, Intent::Write);
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Arc<Lane>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place among those who wait.
struct Waiting<'w>(&'w AtomicUsize);

impl<'w> Waiting<'w> {
    fn enter(count: &'w AtomicUsize) -> Result<Self, StoreError> {
        let place = Self(count);
        if count.fetch_add(1, Ordering::Relaxed) < WAITING_MAX {
            return Ok(place);
        }
        Err(StoreError::Unreachable("too many calls wait for a connection".to_owned()))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Keeps one connection up for ever.
async fn keep(shared: Arc<Shared>, sql: Sql) {
    let mut in_a_row = 0;
    loop {
        match Lane::open(&shared.dialer, &sql).await {
            Ok((lane, mut ended)) => {
                in_a_row = 0;
                shared.health.send_modify(|health| {
                    health.up += 1;
                    health.failure = None;
                });
                shared.give(Arc::new(lane));
                // Aborted, ended or failed: gone.
                let was_brief = timeout(LIFE_MIN, &mut ended).await.is_ok();
                if !was_brief {
                    let _gone = ended.await;
                }
                shared.health.send_modify(|health| {
                    health.up -= 1;
                    if health.up == 0 {
                        // Until the next try has told better, there is hope.
                        health.failure = None;
                    }
                });
                shared.clear();
                if was_brief {
                    sleep(RETRY_EVERY).await;
                }
            }
            Err(e) => {
                shared.health.send_modify(|health| {
                    health.failures += 1;
                    health.failure = Some(e);
                });
                in_a_row += 1;
                sleep((RETRY_EVERY * in_a_row).min(RETRY_MAX)).await;
            }
        }
    }
}
