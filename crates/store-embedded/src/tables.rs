//! The tables of the file and what one write does to them. Every index moves in the transaction of its row.

use redb::{
    Database, ReadableTable as _, StorageError, Table, TableDefinition, TableError, WriteTransaction,
};
use vestibule_domain::identity::{Handle, Timestamp};
use vestibule_ports::session_store::{
    Attempt, AttemptKey, Created, Ended, Event, FIRST_VERSION, Record, StoreError, Swept, Tombstone, Updated,
    Version,
};

use crate::row::{Row, Unreadable};

/// The version of the file's layout, raised by every change that an older version cannot read.
pub const FORMAT: u64 = 1;

const META: TableDefinition<&str, u64> = TableDefinition::new("meta");
pub(crate) const SESSIONS: TableDefinition<&[u8; 16], &[u8]> = TableDefinition::new("sessions");
/// Last-seen times, in milliseconds. Only of live sessions.
pub(crate) const SEEN: TableDefinition<&[u8; 16], i64> = TableDefinition::new("seen");
pub(crate) const USERS: TableDefinition<(&str, &[u8; 16]), ()> = TableDefinition::new("users");
const SESSION_EXPIRY: TableDefinition<(i64, &[u8; 16]), ()> = TableDefinition::new("session-expiry");
const ATTEMPTS: TableDefinition<&[u8; 32], (i64, &[u8])> = TableDefinition::new("attempts");
const ATTEMPT_EXPIRY: TableDefinition<(i64, &[u8; 32]), ()> = TableDefinition::new("attempt-expiry");

/// Why an order has no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The file failed: the whole batch is undone.
    Storage(redb::Error),
    /// One entry cannot be read: only this order fails.
    Entry(StoreError),
}

impl<E: Into<redb::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Storage(error.into())
    }
}

/// Creates what a new file lacks and returns the format that the file has.
pub(crate) fn prepare(database: &Database) -> Result<u64, redb::Error> {
    let transaction = database.begin_write()?;
    let format = transaction.open_table(META)?.get("format")?.map(|found| found.value());
    if let Some(found) = format
        && found != FORMAT
    {
        transaction.abort()?;
        return Ok(found);
    }
    transaction.open_table(META)?.insert("format", FORMAT)?;
    Tables::open(&transaction)?;
    transaction.commit()?;
    Ok(FORMAT)
}

/// All tables within one transaction, and what it has to tell once it is durable.
pub(crate) struct Tables<'t> {
    sessions: Table<'t, &'static [u8; 16], &'static [u8]>,
    seen: Table<'t, &'static [u8; 16], i64>,
    users: Table<'t, (&'static str, &'static [u8; 16]), ()>,
    session_expiry: Table<'t, (i64, &'static [u8; 16]), ()>,
    attempts: Table<'t, &'static [u8; 32], (i64, &'static [u8])>,
    attempt_expiry: Table<'t, (i64, &'static [u8; 32]), ()>,
    /// In the order of the writes.
    pub(crate) events: Vec<Event>,
    /// Whether there is anything to commit.
    pub(crate) dirty: bool,
}

impl<'t> Tables<'t> {
    pub(crate) fn open(transaction: &'t WriteTransaction) -> Result<Self, TableError> {
        Ok(Self {
            sessions: transaction.open_table(SESSIONS)?,
            seen: transaction.open_table(SEEN)?,
            users: transaction.open_table(USERS)?,
            session_expiry: transaction.open_table(SESSION_EXPIRY)?,
            attempts: transaction.open_table(ATTEMPTS)?,
            attempt_expiry: transaction.open_table(ATTEMPT_EXPIRY)?,
            events: Vec::new(),
            dirty: false,
        })
    }

    pub(crate) fn create(&mut self, handle: Handle, record: Record) -> Result<Created, Failure> {
        if self.sessions.get(handle.as_bytes())?.is_some() {
            return Ok(Created::Exists);
        }
        self.put(handle, None, &Row::Live { version: FIRST_VERSION, record })?;
        self.events.push(Event::Changed { handle, version: FIRST_VERSION });
        Ok(Created::Created)
    }

    pub(crate) fn update(
        &mut self,
        handle: Handle,
        expect: Version,
        record: Record,
        now: Timestamp,
    ) -> Result<Updated, Failure> {
        let old = match self.row(handle)?.transpose().map_err(|why| corrupt(handle, why))? {
            Some(old @ Row::Live { .. }) if old.expires_at() > now => old,
            _ => return Ok(Updated::Gone),
        };
        if !matches!(old, Row::Live { version, .. } if version == expect) {
            return Ok(Updated::Conflict);
        }
        let version = expect + 1;
        self.put(handle, Some(&old), &Row::Live { version, record })?;
        self.events.push(Event::Changed { handle, version });
        Ok(Updated::Updated(version))
    }

    pub(crate) fn end(
        &mut self,
        handle: Handle,
        expect: Option<Version>,
        tombstone: Tombstone,
        now: Timestamp,
    ) -> Result<Ended, Failure> {
        // A row that cannot be read can still be ended, if no version of it is expected; what its indexes say is
        // cleaned up by the sweep.
        let old = match self.row(handle)? {
            None => return Ok(Ended::Absent),
            Some(Ok(old)) if old.expires_at() <= now => return Ok(Ended::Absent),
            Some(Ok(Row::Ended(_))) => return Ok(Ended::Already),
            Some(old) => old.ok(),
        };
        if let Some(expect) = expect
            && !matches!(old, Some(Row::Live { version, .. }) if version == expect)
        {
            return Ok(Ended::Conflict);
        }
        self.put(handle, old.as_ref(), &Row::Ended(tombstone))?;
        self.seen.remove(handle.as_bytes())?;
        self.events.push(Event::Ended { handle });
        Ok(Ended::Ended)
    }

    pub(crate) fn touch(&mut self, seen: &[(Handle, Timestamp)]) -> Result<(), Failure> {
        for (handle, at) in seen {
            let at = at.as_millis();
            if self.seen.get(handle.as_bytes())?.is_none_or(|before| before.value() < at)
                && matches!(self.row(*handle)?, Some(Ok(Row::Live { .. })))
            {
                self.seen.insert(handle.as_bytes(), at)?;
                self.dirty = true;
            }
        }
        Ok(())
    }

    pub(crate) fn attempt_put(&mut self, key: &AttemptKey, attempt: &Attempt) -> Result<(), Failure> {
        let expiry = attempt.expires_at.as_millis();
        self.attempts.insert(key, (expiry, &attempt.body[..]))?;
        self.attempt_expiry.insert((expiry, key), ())?;
        self.dirty = true;
        Ok(())
    }

    pub(crate) fn attempt_take(
        &mut self,
        key: &AttemptKey,
        now: Timestamp,
    ) -> Result<Option<Vec<u8>>, Failure> {
        let Some(taken) = self.attempts.remove(key)? else { return Ok(None) };
        let (expiry, body) = taken.value();
        self.attempt_expiry.remove((expiry, key))?;
        self.dirty = true;
        Ok((Timestamp::from_millis(expiry) > now).then(|| body.to_vec()))
    }

    pub(crate) fn sweep(&mut self, now: Timestamp, limit: usize) -> Result<Swept, Failure> {
        let mut removed = 0;
        while removed < limit && self.sweep_session(now)? {
            removed += 1;
        }
        while removed < limit && self.sweep_attempt(now)? {
            removed += 1;
        }
        Ok(Swept { removed, more: removed == limit })
    }

    /// Removes the session or tombstone that expired first, if one has.
    fn sweep_session(&mut self, now: Timestamp) -> Result<bool, Failure> {
        let Some((expiry, id)) = first(&self.session_expiry, now)? else { return Ok(false) };
        self.session_expiry.remove((expiry, &id))?;
        self.dirty = true;
        let row = self.sessions.get(&id)?.map(|found| Row::decode(found.value()));
        // Only after a row that could not be read was ended is there an entry that the row does not know.
        if !matches!(&row, Some(Ok(row)) if row.expires_at() > now) {
            if let Some(user) = row.as_ref().and_then(|row| row.as_ref().ok()).and_then(Row::user) {
                self.users.remove((user, &id))?;
            }
            self.sessions.remove(&id)?;
            self.seen.remove(&id)?;
        }
        Ok(true)
    }

    /// Removes the attempt that expired first, if one has.
    fn sweep_attempt(&mut self, now: Timestamp) -> Result<bool, Failure> {
        let Some((expiry, key)) = first(&self.attempt_expiry, now)? else { return Ok(false) };
        self.attempt_expiry.remove((expiry, &key))?;
        self.attempts.remove(&key)?;
        self.dirty = true;
        Ok(true)
    }

    fn row(&self, handle: Handle) -> Result<Option<Result<Row, Unreadable>>, StorageError> {
        Ok(self.sessions.get(handle.as_bytes())?.map(|found| Row::decode(found.value())))
    }

    /// Writes a row and whatever of its index entries differs from the old one's.
    fn put(&mut self, handle: Handle, old: Option<&Row>, new: &Row) -> Result<(), StorageError> {
        let id = handle.as_bytes();
        self.dirty = true;
        self.sessions.insert(id, &new.encode()[..])?;
        let (old_user, user) = (old.and_then(Row::user), new.user());
        if old_user != user {
            if let Some(old_user) = old_user {
                self.users.remove((old_user, id))?;
            }
            if let Some(user) = user {
                self.users.insert((user, id), ())?;
            }
        }
        let (old_expiry, expiry) = (old.map(Row::expires_at), new.expires_at());
        if old_expiry != Some(expiry) {
            if let Some(old_expiry) = old_expiry {
                self.session_expiry.remove((old_expiry.as_millis(), id))?;
            }
            self.session_expiry.insert((expiry.as_millis(), id), ())?;
        }
        Ok(())
    }
}

/// The earliest entry of an expiry table, if it is due.
fn first<const N: usize>(
    table: &Table<'_, (i64, &'static [u8; N]), ()>,
    now: Timestamp,
) -> Result<Option<(i64, [u8; N])>, StorageError> {
    let Some((key, ())) = table.first()?.map(|(key, value)| (key, value.value())) else { return Ok(None) };
    let (expiry, id) = key.value();
    Ok((Timestamp::from_millis(expiry) <= now).then_some((expiry, *id)))
}

/// This one session cannot be read.
pub(crate) fn corrupt(handle: Handle, why: Unreadable) -> Failure {
    Failure::Entry(StoreError::Corrupt(format!("session {handle}: {why}")))
}

#[cfg(test)]
impl Tables<'_> {
    /// Damages a row as a failing disk would.
    pub(crate) fn spoil(&mut self, handle: Handle) -> Result<(), Failure> {
        let mut bytes =
            self.sessions.get(handle.as_bytes())?.map(|found| found.value().to_vec()).unwrap_or_default();
        if let Some(last) = bytes.last_mut() {
            *last ^= 1;
        }
        self.sessions.insert(handle.as_bytes(), &bytes[..])?;
        self.dirty = true;
        Ok(())
    }
}
