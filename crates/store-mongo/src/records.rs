//! Creating, reading, replacing and ending sessions. A write is one guarded update: the filter holds what is expected,
//! so that the server compares and sets in one step. Only one that matched nothing needs a read, to tell why.

use futures_util::TryStreamExt as _;
use mongodb::bson::{Document, doc};
use vestibule_domain::identity::{Handle, Timestamp};
use vestibule_ports::session_store::{Created, Ended, Record, Slot, StoreError, Tombstone, Updated, Version};

use crate::collections::{Answer, Collections, nothing_written, read, written};
use crate::document::{self, ENDED, EXPIRES_AT, ID, USER, VERSION};
use crate::fault;

/// How often `end` looks again when the session that was not there is there now.
const LOOKS_MAX: usize = 3;

pub(crate) async fn get(collections: &Collections, handle: Handle, now: Timestamp) -> Answer<Slot> {
    let find = collections
        .sessions
        .find_one(doc! { ID: document::id(handle) })
        .read_concern(collections.read_concern())
        .max_time(collections.call_time);
    match read(find.await)? {
        None => Ok(Slot::Absent),
        Some(found) => document::slot(&found, now),
    }
}

pub(crate) async fn create(collections: &Collections, handle: Handle, record: Record) -> Answer<Created> {
    let sessions = collections.sessions.clone_with_type::<Document>();
    let insert = sessions.insert_one(document::first(handle, &record));
    match insert.await {
        Ok(_) => Ok(Created::Created),
        Err(error) if fault::is_duplicate(&error) => Ok(Created::Exists),
        Err(error) => Err(fault::of_write(&error)),
    }
}

pub(crate) async fn update(
    collections: &Collections,
    handle: Handle,
    expect: Version,
    record: Record,
    now: Timestamp,
) -> Answer<Updated> {
    let mut filter = document::live(handle, now);
    filter.insert(VERSION, document::version(expect));
    let to = expect.saturating_add(1);
    let update = collections.sessions.update_one(filter, document::next(to, &record));
    if written(update.await)?.matched_count == 1 {
        return Ok(Updated::Updated(to));
    }
    // The answer to an update that changed nothing waited for a majority too, so this read is no older.
    match get(collections, handle, now).await.map_err(nothing_written)? {
        Slot::Live(_) => Ok(Updated::Conflict),
        Slot::Ended(_) | Slot::Absent => Ok(Updated::Gone),
    }
}

pub(crate) async fn end(
    collections: &Collections,
    handle: Handle,
    expect: Option<Version>,
    tombstone: Tombstone,
    now: Timestamp,
) -> Answer<Ended> {
    for _ in 0..LOOKS_MAX {
        let mut filter = document::live(handle, now);
        if let Some(expect) = expect {
            filter.insert(VERSION, document::version(expect));
        }
        let update = collections.sessions.update_one(filter, document::over(&tombstone));
        if written(update.await)?.matched_count == 1 {
            return Ok(Ended::Ended);
        }
        match get(collections, handle, now).await.map_err(nothing_written)? {
            Slot::Absent => return Ok(Ended::Absent),
            Slot::Ended(_) => return Ok(Ended::Already),
            Slot::Live(stored) if expect.is_some_and(|expect| expect != stored.version) => {
                return Ok(Ended::Conflict);
            }
            // It came between the two: it is there to be ended.
            Slot::Live(_) => {}
        }
    }
    Err(StoreError::Unreachable("the session changes faster than it can be ended".to_owned()))
}

pub(crate) async fn list_user(
    collections: &Collections,
    user: String,
    limit: usize,
    now: Timestamp,
) -> Answer<Vec<Handle>> {
    let Some(most) = i64::try_from(limit).ok().filter(|limit| *limit > 0) else { return Ok(Vec::new()) };
    let filter = doc! { USER: user, ENDED: { "$exists": false }, EXPIRES_AT: { "$gt": document::date(now) } };
    let found = collections
        .sessions
        .find(filter)
        .projection(doc! { ID: true })
        .limit(most)
        .max_time(collections.call_time);
    let handles = read(found.await)?.try_filter_map(async |found| Ok(document::handle(found.get(ID)?)));
    read(handles.try_collect().await)
}
