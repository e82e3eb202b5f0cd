//! `SessionStore` on PostgreSQL: each call is one statement and one round trip; one more where a guarded write found
//! nothing and wants to know why, and a third where it found a tombstone.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::time::timeout;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use vestibule_domain::identity::{Handle, Timestamp};
use vestibule_ports::session_store::{
    Attempt, AttemptKey, Beat, Capabilities, Created, Ended, Event, FIRST_VERSION, Record, SessionStore,
    Slot, StoreError, Stored, Swept, Tombstone, Updated, Version, Watch,
};

use crate::config::Config;
use crate::dial::Dialer;
use crate::event;
use crate::failure::{Failure, Intent};
use crate::lane::Lane;
use crate::lanes::Lanes;
use crate::notifier::{InDoubt, Notifier, Told};
use crate::open::{MIGRATE_MAX, OPEN_MAX, OpenError};
use crate::sql::{Dialect, Sql};
use crate::{schema, warnings, watch};

/// Connections that no call gets: one listens, one tells, one touches and sweeps.
const APART: usize = 3;

/// How long a batch of touches waits for a sweep to end, or the other way round: no visitor waits for either.
const CHORE_WAIT_MAX: Duration = Duration::from_secs(1);

/// Sessions in a PostgreSQL that other processes share.
pub struct PostgresStore {
    dialer: Dialer,
    config: Config,
    dialect: Dialect,
    /// For calls of requests.
    calls: Lanes,
    /// For touches and sweeps: a thousand rows at a time are in nobody's way here.
    chores: Lanes,
    notifier: Arc<Notifier>,
}

impl PostgresStore {
    /// Connects, checks the server, and makes or migrates the tables where that is due.
    pub async fn open(config: Config) -> Result<Self, OpenError> {
        let dialer = Dialer::new(&config)?;
        let (mut client, link) = dialer.dial(OPEN_MAX).await?;
        // Ends with the client.
        let link = tokio::spawn(link);
        let place = config.place();
        let prepare = async {
            let name = schema::version(&client, &place).await?;
            schema::prepare(&mut client, &config).await?;
            Ok(name)
        };
        let late =
            || OpenError::Unreachable { place: place.clone(), why: "the tables are not ready".to_owned() };
        let name = timeout(MIGRATE_MAX, prepare).await.unwrap_or_else(|_| Err(late()))?;
        drop(client);
        // Its place at the server is needed next. However it ends, it is gone.
        let _gone = timeout(OPEN_MAX, link).await;

        let sql = Sql { schema: config.quoted_schema(), dialect: Dialect::of(&name) };
        let telling = Lanes::start(&dialer, &sql, 1, config.wait_max);
        let chores = Lanes::start(&dialer, &sql, 1, CHORE_WAIT_MAX.max(config.wait_max));
        telling.first().await?;
        chores.first().await?;
        // Last, so that at a server with too few places the two above have theirs.
        let calls = Lanes::start(&dialer, &sql, config.connections_max - APART, config.wait_max);
        calls.first().await?;
        let notifier = Arc::new(Notifier::start(telling, config.channel()));
        Ok(Self { dialer, config, dialect: sql.dialect, calls, chores, notifier })
    }

    /// What the server's settings may lose, and what it lacks.
    pub async fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::from_iter(self.dialect.warning());
        if let (up, Some(failure)) = self.calls.up() {
            let wanted = self.config.connections_max - APART;
            warnings.push(format!("{up} of {wanted} connections could be made: {failure}"));
        }
        let settings = self.chores.run(Intent::Read, |lane| async move {
            warnings::of_server(&lane.client).await.map_err(Failure::from)
        });
        match settings.await {
            Ok(found) => warnings.extend(found),
            Err(e) => warnings.push(format!("the server's settings could not be read: {e}")),
        }
        warnings
    }

    /// Why a guarded write found nothing to write. That it has not happened is known: an error here is one of a read.
    async fn peek(&self, handle: Handle, now: Timestamp) -> Result<Found, StoreError> {
        let call = self.calls.run(Intent::Read, move |lane| async move {
            let row = lane.client.query_opt(&lane.sql.peek, &[&&handle.as_bytes()[..]]).await?;
            let Some(row) = row else { return Ok(Found::Nothing) };
            let (expires_at, ended): (i64, bool) = (row.try_get(0)?, row.try_get(1)?);
            Ok(match ended {
                _ if expires_at <= now.as_millis() => Found::Nothing,
                true => Found::Tombstone,
                false => Found::Session,
            })
        });
        call.await
    }

    /// Whether the tombstone is there, as durably as if this call had written it. It may have become visible without its
    /// standby: its server was started anew, or somebody ended the wait.
    async fn confirm(&self, handle: Handle, now: Timestamp) -> Result<bool, StoreError> {
        let call = self.calls.run(Intent::Write, move |lane| async move {
            let (id, now) = (&handle.as_bytes()[..], now.as_millis());
            Ok(lane.client.execute(&lane.sql.confirm, &[&id, &now]).await? > 0)
        });
        call.await.map_err(|e| match e {
            StoreError::Corrupt(_) | StoreError::Newer(_) | StoreError::Bug(_) | StoreError::Unsafe(_) => e,
            // The tombstone was seen, so the write whose fate is open is not this one.
            e => StoreError::Unsafe(format!("ended, and nobody says yet that this lasts: {e}")),
        })
    }

    /// Waits until a commit has been told. If that fails it has still happened and is acknowledged: a `Gap` goes out with the
    /// next batch, at the latest with the next beat that gets through. If we die before, copies elsewhere are used on for 10 s
    /// at most.
    async fn heard(told: Option<Told>) {
        if let Some(told) = told {
            let _owed = told.heard().await;
        }
    }
}

enum Found {
    Nothing,
    Session,
    Tombstone,
}

/// What a server answers to a write with an event.
enum Committed {
    No,
    /// Its event is on the way, or went with the commit.
    Yes(Option<Told>),
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").field("config", &self.config).finish_non_exhaustive()
    }
}

/// Versions are counted from 1 by the server, in 63 bits; what does not fit there has never been committed.
fn expected(version: Version) -> i64 {
    i64::try_from(version).unwrap_or(-1)
}

fn slot(row: &Row, now: Timestamp) -> Result<Slot, Failure> {
    let (version, expires_at, ended): (i64, i64, bool) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    let expires_at = Timestamp::from_millis(expires_at);
    if expires_at <= now {
        return Ok(Slot::Absent);
    }
    let body = Bytes::copy_from_slice(row.try_get(4)?);
    if ended {
        return Ok(Slot::Ended(Tombstone { body, expires_at }));
    }
    let corrupt = |what: &str| Failure::Corrupt(format!("a session with {what}"));
    let version = u64::try_from(version).ok().filter(|version| *version >= FIRST_VERSION);
    let user = row.try_get::<_, Option<Vec<u8>>>(3)?.map(String::from_utf8).transpose();
    let last_seen: Option<i64> = row.try_get(5)?;
    Ok(Slot::Live(Stored {
        version: version.ok_or_else(|| corrupt("an impossible version"))?,
        record: Record { body, user: user.map_err(|_| corrupt("a user that is no text"))?, expires_at },
        last_seen: last_seen.map(Timestamp::from_millis),
    }))
}

/// Each handle once, with its newest time, in one order for all: two batches that met in different orders could each hold
/// what the other one needs.
fn newest(seen: &[(Handle, Timestamp)]) -> (Vec<Vec<u8>>, Vec<i64>) {
    let mut newest = BTreeMap::<Handle, Timestamp>::new();
    for (handle, at) in seen {
        let entry = newest.entry(*handle).or_insert(*at);
        *entry = (*entry).max(*at);
    }
    newest.into_iter().map(|(handle, at)| (handle.as_bytes().to_vec(), at.as_millis())).unzip()
}

async fn create(
    lane: Arc<Lane>,
    notifier: Arc<Notifier>,
    handle: Handle,
    record: Record,
) -> Result<Committed, Failure> {
    let told = InDoubt::new(notifier, Event::Changed { handle, version: FIRST_VERSION });
    let user = record.user.as_ref().map(String::as_bytes);
    let (id, expires_at) = (&handle.as_bytes()[..], record.expires_at.as_millis());
    match lane.client.execute(&lane.sql.create, &[&id, &expires_at, &user, &&record.body[..]]).await {
        Ok(0) => {
            told.forget();
            Ok(Committed::No)
        }
        Ok(_) => Ok(Committed::Yes(told.order())),
        Err(e) => failed(e.into(), told),
    }
}

/// What an update writes, and where.
struct Update {
    channel: String,
    handle: Handle,
    expect: Version,
    record: Record,
    now: Timestamp,
}

async fn update(lane: Arc<Lane>, notifier: Arc<Notifier>, update: Update) -> Result<Committed, Failure> {
    let Update { channel, handle, expect, record, now } = update;
    let changed = Event::Changed { handle, version: expect.saturating_add(1) };
    let (event, told) = (event::text(&changed), InDoubt::new(notifier, changed));
    let user = record.user.as_ref().map(String::as_bytes);
    let (id, expect, now) = (&handle.as_bytes()[..], expected(expect), now.as_millis());
    let (expires_at, body) = (record.expires_at.as_millis(), &record.body[..]);
    let values: [&(dyn ToSql + Sync); 8] = [&channel, &event, &id, &expect, &now, &expires_at, &user, &body];
    match lane.client.query_opt(&lane.sql.update, &values).await {
        Ok(None) => {
            told.forget();
            Ok(Committed::No)
        }
        Ok(Some(row)) if row.try_get(0)? => {
            told.forget();
            Ok(Committed::Yes(None))
        }
        Ok(Some(_)) => Ok(Committed::Yes(told.order())),
        Err(e) => failed(e.into(), told),
    }
}

/// Where the server itself says that nothing was written there is nothing to tell.
fn failed<T>(failure: Failure, told: InDoubt) -> Result<T, Failure> {
    if !failure.leaves_doubt() {
        told.forget();
    }
    Err(failure)
}

#[async_trait]
impl SessionStore for PostgresStore {
    async fn get(&self, handle: Handle, now: Timestamp) -> Result<Slot, StoreError> {
        let call = self.calls.run(Intent::Read, move |lane| async move {
            let row = lane.client.query_opt(&lane.sql.get, &[&&handle.as_bytes()[..]]).await?;
            row.map_or(Ok(Slot::Absent), |row| slot(&row, now))
        });
        call.await
    }

    async fn create(&self, handle: Handle, record: Record) -> Result<Created, StoreError> {
        let notifier = Arc::clone(&self.notifier);
        match self.calls.run(Intent::Write, move |lane| create(lane, notifier, handle, record)).await? {
            Committed::No => Ok(Created::Exists),
            Committed::Yes(told) => {
                Self::heard(told).await;
                Ok(Created::Created)
            }
        }
    }

    async fn update(
        &self,
        handle: Handle,
        expect: Version,
        record: Record,
        now: Timestamp,
    ) -> Result<Updated, StoreError> {
        let notifier = Arc::clone(&self.notifier);
        let what = Update { channel: self.config.channel().to_owned(), handle, expect, record, now };
        match self.calls.run(Intent::Write, move |lane| update(lane, notifier, what)).await? {
            Committed::Yes(told) => {
                Self::heard(told).await;
                Ok(Updated::Updated(expect + 1))
            }
            Committed::No => Ok(match self.peek(handle, now).await? {
                Found::Session => Updated::Conflict,
                Found::Nothing | Found::Tombstone => Updated::Gone,
            }),
        }
    }

    async fn touch(&self, seen: &[(Handle, Timestamp)]) -> Result<(), StoreError> {
        if seen.is_empty() {
            return Ok(());
        }
        let (handles, times) = newest(seen);
        let call = self.chores.run(Intent::Write, move |lane| async move {
            lane.client.query(&lane.sql.touch, &[&handles, &times]).await?;
            Ok(())
        });
        call.await
    }

    async fn end(
        &self,
        handle: Handle,
        expect: Option<Version>,
        tombstone: Tombstone,
        now: Timestamp,
    ) -> Result<Ended, StoreError> {
        let channel = self.config.channel().to_owned();
        let call = self.calls.run(Intent::Write, move |lane| async move {
            let event = event::text(&Event::Ended { handle });
            let (id, expect, now) = (&handle.as_bytes()[..], expect.map(expected), now.as_millis());
            let (expires_at, body) = (tombstone.expires_at.as_millis(), &tombstone.body[..]);
            let values: [&(dyn ToSql + Sync); 7] = [&channel, &event, &id, &expect, &now, &expires_at, &body];
            Ok(lane.client.query_opt(&lane.sql.end, &values).await?.is_some())
        });
        if call.await? {
            return Ok(Ended::Ended);
        }
        Ok(match self.peek(handle, now).await? {
            Found::Tombstone if self.confirm(handle, now).await? => Ended::Already,
            // Swept since.
            Found::Tombstone => Ended::Absent,
            Found::Session if expect.is_some() => Ended::Conflict,
            // Created since: there was nothing when we came.
            Found::Session | Found::Nothing => Ended::Absent,
        })
    }

    async fn list_user(&self, user: &str, limit: usize, now: Timestamp) -> Result<Vec<Handle>, StoreError> {
        let (user, limit) = (user.as_bytes().to_vec(), i64::try_from(limit).unwrap_or(i64::MAX));
        let call = self.calls.run(Intent::Read, move |lane| async move {
            let rows = lane.client.query(&lane.sql.list_user, &[&user, &now.as_millis(), &limit]).await?;
            let handle = |row: &Row| {
                let id = <[u8; 16]>::try_from(row.try_get::<_, &[u8]>(0)?);
                let id = id.map_err(|_| Failure::Corrupt("a handle of another length".to_owned()))?;
                Ok(Handle::from_bytes(id))
            };
            rows.iter().map(handle).collect()
        });
        call.await
    }

    async fn attempt_put(&self, key: AttemptKey, attempt: Attempt) -> Result<(), StoreError> {
        let call = self.calls.run(Intent::Write, move |lane| async move {
            let expires_at = attempt.expires_at.as_millis();
            lane.client.execute(&lane.sql.attempt_put, &[&&key[..], &expires_at, &&attempt.body[..]]).await?;
            Ok(())
        });
        call.await
    }

    async fn attempt_take(&self, key: AttemptKey, now: Timestamp) -> Result<Option<Bytes>, StoreError> {
        let call = self.calls.run(Intent::Write, move |lane| async move {
            let row = lane.client.query_opt(&lane.sql.attempt_take, &[&&key[..]]).await?;
            let Some(row) = row else { return Ok(None) };
            let (expires_at, body): (i64, &[u8]) = (row.try_get(0)?, row.try_get(1)?);
            Ok((expires_at > now.as_millis()).then(|| Bytes::copy_from_slice(body)))
        });
        call.await
    }

    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<Swept, StoreError> {
        let call = self.chores.run(Intent::Write, move |lane| async move {
            let now = now.as_millis();
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let row = lane.client.query_one(&lane.sql.sweep_sessions, &[&now, &limit]).await?;
            let (sessions, due): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
            if let Some(slid) = row.try_get::<_, Option<Vec<Vec<u8>>>>(2)? {
                lane.client.query(&lane.sql.put_off, &[&slid]).await?;
            }
            let left = limit - sessions;
            let row = lane.client.query_one(&lane.sql.sweep_rest, &[&now, &left]).await?;
            let rest: i64 = row.try_get(0)?;
            let removed = usize::try_from(sessions + rest).unwrap_or_default();
            Ok(Swept { removed, more: due == limit || rest == left })
        });
        call.await
    }

    async fn watch(&self) -> Result<Watch, StoreError> {
        if !self.dialect.tells {
            return Err(StoreError::Unreachable("this server has no NOTIFY to listen to".to_owned()));
        }
        watch::watch(&self.dialer, self.config.channel()).await
    }

    async fn beat(&self, beat: Beat) -> Result<(), StoreError> {
        self.notifier.order(Event::Alive(beat)).heard().await
    }

    fn capabilities(&self) -> Capabilities {
        // A commit that waits for its standby is seen before it is safe when its server is started anew, or when somebody
        // ends the wait. Without a standby it is seen when it is as safe as it will ever be.
        let reading_proves = !self.notifier.names_standbys();
        Capabilities { shared: true, durable: true, sweeps: true, reading_proves }
    }
}

#[cfg(test)]
mod tests;
