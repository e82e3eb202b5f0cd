//! `SessionStore` on Redis: one order a call, one round trip. The entries are true; a user's index only hints at them.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use redis::{Value, cmd};
use tokio::time::timeout;
use vestibule_domain::identity::{Handle, Timestamp};
use vestibule_ports::session_store::{
    Attempt, AttemptKey, Beat, Capabilities, Created, Ended, FIRST_VERSION, Record, SessionStore, Slot,
    StoreError, Swept, Tombstone, Updated, Version, Watch,
};

use crate::config::EXPIRY_SLACK;
use crate::entry;
use crate::event;
use crate::keys::Keys;
use crate::refusal::{corrupt, odd, of_read, of_write};
use crate::script::Run;
use crate::servers::Servers;
use crate::topology::{Order, Reach};
use crate::touch;
use crate::users;
use crate::watch;

/// Latest time that Redis is asked to keep an entry until: the year 9999. Some versions refuse later ones.
const VANISHES_MAX_MS: i64 = 253_402_300_799_000;

/// How long an end waits for its handle to leave the user's index, which does not matter much.
const FORGET_MAX: Duration = Duration::from_millis(50);

/// Sessions in Redis or Valkey, shared by any number of processes.
pub struct RedisStore {
    pub(crate) servers: Servers,
    pub(crate) keys: Keys,
    pub(crate) durable: bool,
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("durable", &self.durable).finish_non_exhaustive()
    }
}

/// When Redis may delete what expires then: its clock is another one, so well after.
pub(crate) fn vanishes_at(expires_at: Timestamp) -> i64 {
    (expires_at + EXPIRY_SLACK).as_millis().clamp(1, VANISHES_MAX_MS)
}

impl RedisStore {
    /// A write of an entry, and of its user's index beside it: both are under way at once.
    async fn write(
        &self,
        key: &[u8],
        run: Run<'_>,
        handle: Handle,
        record: &Record,
        index: Reach,
    ) -> Result<i64, StoreError> {
        let order = Order::Script(run);
        let write = self.servers.ask(key, &order, Reach::Replicas);
        let Some(user) = &record.user else { return answer_of(key, write.await) };
        let indexed = users::add(&self.servers, &self.keys, user, handle, record.expires_at, index);
        let (written, indexed) = futures_util::future::join(write, indexed).await;
        let answer = answer_of(key, written)?;
        match indexed {
            // What was refused needs no index. What stands without one is lost to its user, so whoever reads it back has
            // proven nothing.
            Err(why) if answer == WRITTEN => {
                Err(StoreError::Unsafe(format!("committed, but missing in its user's list: {why}")))
            }
            _ => Ok(answer),
        }
    }
}

/// What the scripts answer.
const WRITTEN: i64 = 1;
const CONFLICT: i64 = 0;
const ALREADY: i64 = 2;
const GONE: i64 = -1;

fn answer_of(key: &[u8], answered: Result<Value, crate::refusal::Failure>) -> Result<i64, StoreError> {
    match answered.map_err(|failure| of_write(key, failure))? {
        Value::Int(number) => Ok(number),
        _ => Err(odd("a script")),
    }
}

fn live(version: Version, record: &Record) -> Result<Vec<u8>, StoreError> {
    let long = || StoreError::Bug(format!("a user of more than {} bytes", entry::USER_BYTES_MAX));
    entry::live(version, record).ok_or_else(long)
}

#[async_trait]
impl SessionStore for RedisStore {
    async fn get(&self, handle: Handle, now: Timestamp) -> Result<Slot, StoreError> {
        let key = self.keys.session(handle);
        let mut get = cmd("GET");
        get.arg(key.as_slice());
        let answered = self.servers.ask(&key, &Order::Read(get), Reach::Master).await;
        let value = match answered.map_err(|failure| of_read(&key, failure))? {
            Value::Nil => None,
            Value::BulkString(value) => Some(value),
            _ => return Err(odd("GET")),
        };
        entry::slot(value, now).map_err(|_| corrupt(&key))
    }

    async fn create(&self, handle: Handle, record: Record) -> Result<Created, StoreError> {
        let key = self.keys.session(handle);
        let run = Run::on(&self.servers.scripts.create, key.clone())
            .arg(live(FIRST_VERSION, &record)?)
            .number(vanishes_at(record.expires_at))
            .channel()
            .arg(event::changed(handle, FIRST_VERSION));
        // Nothing else leads to it yet, so its note must be as safe as the entry.
        match self.write(&key, run, handle, &record, Reach::Replicas).await? {
            WRITTEN => Ok(Created::Created),
            CONFLICT => Ok(Created::Exists),
            _ => Err(odd("create.lua")),
        }
    }

    async fn update(
        &self,
        handle: Handle,
        expect: Version,
        record: Record,
        now: Timestamp,
    ) -> Result<Updated, StoreError> {
        let key = self.keys.session(handle);
        let version = expect.wrapping_add(1);
        let run = Run::on(&self.servers.scripts.update, key.clone())
            .arg(expect.to_be_bytes())
            .number(now.as_millis())
            .arg(live(version, &record)?)
            .number(vanishes_at(record.expires_at))
            .channel()
            .arg(event::changed(handle, version));
        match self.write(&key, run, handle, &record, Reach::Master).await? {
            WRITTEN => Ok(Updated::Updated(version)),
            CONFLICT => Ok(Updated::Conflict),
            GONE => Ok(Updated::Gone),
            _ => Err(odd("update.lua")),
        }
    }

    async fn touch(&self, seen: &[(Handle, Timestamp)]) -> Result<(), StoreError> {
        touch::all(&self.servers, &self.keys, seen).await
    }

    async fn end(
        &self,
        handle: Handle,
        expect: Option<Version>,
        tombstone: Tombstone,
        now: Timestamp,
    ) -> Result<Ended, StoreError> {
        let key = self.keys.session(handle);
        let run = Run::on(&self.servers.scripts.end, key.clone())
            .arg(expect.map_or_else(Vec::new, |version| version.to_be_bytes().to_vec()))
            .number(now.as_millis())
            .arg(entry::ended(&tombstone))
            .number(vanishes_at(tombstone.expires_at))
            .channel()
            .arg(event::ended(handle));
        let answered = self.servers.ask(&key, &Order::Script(run), Reach::Replicas).await;
        let Value::Array(parts) = answered.map_err(|failure| of_write(&key, failure))? else {
            return Err(odd("end.lua"));
        };
        match parts.as_slice() {
            [Value::Int(WRITTEN), Value::BulkString(user)] => {
                if let Ok(user) = std::str::from_utf8(user)
                    && !user.is_empty()
                {
                    // The tombstone says the same to whoever lists the user, so this may fail.
                    let forgotten = users::forget(&self.servers, &self.keys, user, handle);
                    let _forgotten = timeout(FORGET_MAX, forgotten).await;
                }
                Ok(Ended::Ended)
            }
            [Value::Int(ALREADY)] => Ok(Ended::Already),
            [Value::Int(CONFLICT)] => Ok(Ended::Conflict),
            [Value::Int(GONE)] => Ok(Ended::Absent),
            _ => Err(odd("end.lua")),
        }
    }

    async fn list_user(&self, user: &str, limit: usize, now: Timestamp) -> Result<Vec<Handle>, StoreError> {
        users::list(&self.servers, &self.keys, user, limit, now).await
    }

    async fn attempt_put(&self, key: AttemptKey, attempt: Attempt) -> Result<(), StoreError> {
        let key = self.keys.attempt(&key);
        let mut set = cmd("SET");
        set.arg(key.as_slice())
            .arg(entry::attempt(&attempt))
            .arg("PXAT")
            .arg(vanishes_at(attempt.expires_at));
        let answered = self.servers.ask(&key, &Order::Plain(set), Reach::Master).await;
        answered.map(drop).map_err(|failure| of_write(&key, failure))
    }

    async fn attempt_take(&self, key: AttemptKey, now: Timestamp) -> Result<Option<Bytes>, StoreError> {
        let key = self.keys.attempt(&key);
        let mut take = cmd("GETDEL");
        take.arg(key.as_slice());
        // What is taken must stay taken after a failover too, or a code could be shown twice.
        let answered = self.servers.ask(&key, &Order::Plain(take), Reach::Replicas).await;
        match answered.map_err(|failure| of_write(&key, failure))? {
            Value::Nil => Ok(None),
            Value::BulkString(value) => entry::taken(value, now).map_err(|_| corrupt(&key)),
            _ => Err(odd("GETDEL")),
        }
    }

    /// Nothing to do: Redis deletes by itself what has expired.
    async fn sweep(&self, _now: Timestamp, _limit: usize) -> Result<Swept, StoreError> {
        Ok(Swept { removed: 0, more: false })
    }

    async fn watch(&self) -> Result<Watch, StoreError> {
        watch::open(&self.servers).await
    }

    async fn beat(&self, beat: Beat) -> Result<(), StoreError> {
        self.servers.beat(beat).await
    }

    fn capabilities(&self) -> Capabilities {
        // What a read finds on a master its replicas may not have: `WAIT` says so, and a read does not ask. Without
        // `wait_replicas` a write is acknowledged on as little. The answers of a server that flushes always leave behind
        // the flush, those to reads too.
        let reading_proves = !self.servers.waits_for_replicas();
        Capabilities { shared: true, durable: self.durable, sweeps: false, reading_proves }
    }
}
