//! Sessions and attempts as documents. Field names are what an administrator reads in the shell.

use bytes::Bytes;
use mongodb::bson::{Binary, error::Error, spec::BinarySubtype};
use mongodb::bson::{Bson, DateTime, Document, RawBsonRef, RawDocument, doc};
use vestibule_domain::identity::{Handle, Timestamp};
use vestibule_ports::session_store::{
    Attempt, AttemptKey, FIRST_VERSION, Record, Slot, StoreError, Stored, Tombstone, Version,
};

pub(crate) const ID: &str = "_id";
pub(crate) const VERSION: &str = "version";
pub(crate) const BODY: &str = "body";
pub(crate) const USER: &str = "user";
pub(crate) const EXPIRES_AT: &str = "expires_at";
/// The newest touch.
pub(crate) const SEEN: &str = "seen";
/// Only tombstones have it, and it is `true`.
pub(crate) const ENDED: &str = "ended";

/// No record has it.
const NO_VERSION: i64 = -1;

/// A version as it is stored. One that is too large for that was never handed out.
pub(crate) fn version(version: Version) -> i64 {
    i64::try_from(version).unwrap_or(NO_VERSION)
}

pub(crate) fn date(at: Timestamp) -> DateTime {
    DateTime::from_millis(at.as_millis())
}

pub(crate) fn binary(bytes: &[u8]) -> Binary {
    Binary { subtype: BinarySubtype::Generic, bytes: bytes.to_vec() }
}

pub(crate) fn id(handle: Handle) -> Binary {
    binary(handle.as_bytes())
}

/// What finds a session that can be written: not ended, not expired.
pub(crate) fn live(handle: Handle, now: Timestamp) -> Document {
    doc! { ID: id(handle), ENDED: { "$exists": false }, EXPIRES_AT: { "$gt": date(now) } }
}

pub(crate) fn first(handle: Handle, record: &Record) -> Document {
    let mut document = doc! {
        ID: id(handle),
        VERSION: version(FIRST_VERSION),
        BODY: binary(&record.body),
        EXPIRES_AT: date(record.expires_at),
    };
    if let Some(user) = &record.user {
        document.insert(USER, user);
    }
    document
}

/// The change from one version to the next. Leaves `seen` alone, and always sets `version`: by that watchers tell a
/// commit from a touch.
pub(crate) fn next(to: Version, record: &Record) -> Document {
    let mut set = doc! {
        VERSION: version(to),
        BODY: binary(&record.body),
        EXPIRES_AT: date(record.expires_at),
    };
    match &record.user {
        Some(user) => {
            set.insert(USER, user);
            doc! { "$set": set }
        }
        None => doc! { "$set": set, "$unset": { USER: true } },
    }
}

/// The change from a session to its tombstone.
pub(crate) fn over(tombstone: &Tombstone) -> Document {
    doc! {
        "$set": { ENDED: true, BODY: binary(&tombstone.body), EXPIRES_AT: date(tombstone.expires_at) },
        "$unset": { USER: true, SEEN: true },
    }
}

pub(crate) fn attempt(key: &AttemptKey, attempt: &Attempt) -> Document {
    doc! { ID: binary(key), BODY: binary(&attempt.body), EXPIRES_AT: date(attempt.expires_at) }
}

/// Reads a session or a tombstone.
pub(crate) fn slot(document: &RawDocument, now: Timestamp) -> Result<Slot, StoreError> {
    slot_of(document, now).map_err(|error| StoreError::Corrupt(error.to_string()))
}

fn slot_of(document: &RawDocument, now: Timestamp) -> Result<Slot, Error> {
    let expires_at = expires_at(document)?;
    if expires_at <= now {
        return Ok(Slot::Absent);
    }
    let body = body(document)?;
    if document.get(ENDED)?.is_some() {
        return Ok(Slot::Ended(Tombstone { body, expires_at }));
    }
    let user = match document.get(USER)? {
        None => None,
        Some(_) => Some(document.get_str(USER)?.to_owned()),
    };
    let last_seen = match document.get(SEEN)? {
        None => None,
        Some(_) => Some(Timestamp::from_millis(document.get_datetime(SEEN)?.timestamp_millis())),
    };
    let version = document.get_i64(VERSION)?.cast_unsigned();
    Ok(Slot::Live(Stored { version, record: Record { body, user, expires_at }, last_seen }))
}

pub(crate) fn expires_at(document: &RawDocument) -> Result<Timestamp, Error> {
    Ok(Timestamp::from_millis(document.get_datetime(EXPIRES_AT)?.timestamp_millis()))
}

pub(crate) fn body(document: &RawDocument) -> Result<Bytes, Error> {
    Ok(Bytes::copy_from_slice(document.get_binary(BODY)?.bytes))
}

/// The handle in a field. `None` for what is no handle.
pub(crate) fn handle(value: Option<RawBsonRef<'_>>) -> Option<Handle> {
    let RawBsonRef::Binary(binary) = value? else { return None };
    Some(Handle::from_bytes(binary.bytes.try_into().ok()?))
}

/// The `_id` of a document as a value for a filter.
pub(crate) fn own_id(document: &RawDocument) -> Option<Bson> {
    document.get(ID).ok().flatten().and_then(|id| id.try_into().ok())
}

#[cfg(test)]
mod tests;
