//! Collections and indexes, and the document that says which version of them is there. Made and migrated by one process
//! at a time; a version newer than this program is refused.

use std::time::Duration;

use mongodb::IndexModel;
use mongodb::bson::{Bson, DateTime, Document, doc, oid::ObjectId};
use mongodb::error::Error;
use mongodb::options::{IndexOptions, ReturnDocument};
use tokio::time::{Instant, sleep};

use crate::collections::{ATTEMPTS, BEATS, Collections, PREPARE_MAX, SESSIONS};
use crate::document::{EXPIRES_AT, ID, USER, VERSION};
use crate::fault;
use crate::watch::BEAT_AT;

/// The version of collections and indexes that this program makes and understands.
pub const SCHEMA: i32 = 1;

/// How long after its end MongoDB itself removes an entry. Sweeps do it before; this is for what nobody sweeps. It goes
/// by the server's clock, which may differ from ours, so it comes late rather than early.
pub const TTL_SLACK: Duration = Duration::from_hours(2);

/// When MongoDB removes the beat of a node that beats no more.
const BEAT_TTL: Duration = Duration::from_hours(1);

/// How long a process may hold the lock. One that died holding it is waited for no longer, which is less than opening may
/// take: so a start after that succeeds. One that lives and is slower is overtaken, which does no harm: each step finds
/// what was done before.
const LOCK_MAX: Duration = Duration::from_secs(3);

/// How often a held lock is tried.
const LOCK_EVERY: Duration = Duration::from_millis(100);

/// What is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// What this program makes; perhaps it has just made it.
    Ours,
    /// What a newer program has made.
    Newer(i32),
    /// Nothing yet: another process was at it all the time, and has the lock until then, by the server's clock.
    BeingMade(DateTime),
}

/// Makes what is missing. Waits while another process is at it, until `late`.
pub(crate) async fn prepare(collections: &Collections, late: Instant) -> Result<Found, Error> {
    let me = ObjectId::new();
    loop {
        match version(collections).await? {
            found if found > SCHEMA => return Ok(Found::Newer(found)),
            SCHEMA => return Ok(Found::Ours),
            _ if lock(collections, me).await? => {
                let made = migrate(collections).await;
                unlock(collections, me).await?;
                made?;
            }
            _ if Instant::now() < late => sleep(LOCK_EVERY).await,
            _ => return Ok(Found::BeingMade(held_until(collections).await?)),
        }
    }
}

/// Zero where there is none yet.
pub(crate) async fn version(collections: &Collections) -> Result<i32, Error> {
    let found = collections.meta.find_one(doc! { ID: "schema" }).max_time(PREPARE_MAX).await?;
    Ok(found.and_then(|schema| schema.get_i32(VERSION).ok()).unwrap_or(0))
}

/// Takes the lock if it is free, by the server's clock.
async fn lock(collections: &Collections, me: ObjectId) -> Result<bool, Error> {
    let free = doc! { ID: "lock", "until": DateTime::MIN };
    match collections.meta.insert_one(free).await {
        Err(error) if !fault::is_duplicate(&error) => return Err(error),
        _ => {}
    }
    let is_free = doc! { ID: "lock", "$expr": { "$lt": ["$until", "$$NOW"] } };
    let until = doc! { "$add": ["$$NOW", LOCK_MAX.as_millis() as i64] };
    let take = vec![doc! { "$set": { "until": until, "holder": me } }];
    let taken = collections.meta.find_one_and_update(is_free, take).return_document(ReturnDocument::After);
    Ok(taken.await?.is_some())
}

/// When the lock is free at the latest.
async fn held_until(collections: &Collections) -> Result<DateTime, Error> {
    let lock = collections.meta.find_one(doc! { ID: "lock" }).max_time(PREPARE_MAX).await?;
    Ok(lock.and_then(|lock| lock.get_datetime("until").ok().copied()).unwrap_or(DateTime::MIN))
}

/// Does nothing if it has been taken from us since.
async fn unlock(collections: &Collections, me: ObjectId) -> Result<(), Error> {
    let ours = doc! { ID: "lock", "holder": me };
    let free = doc! { "$set": { "until": DateTime::MIN } };
    collections.meta.update_one(ours, free).await.map(drop)
}

/// From nothing to version 1. Every step may have been done before, by a process that died then.
async fn migrate(collections: &Collections) -> Result<(), Error> {
    let database = &collections.database;
    let user = IndexOptions::builder().partial_filter_expression(doc! { USER: { "$exists": true } }).build();
    let user = IndexModel::builder().keys(doc! { USER: 1 }).options(user).build();
    // `expires_at` serves sweeps and the backstop behind them.
    let sessions = [expiring(EXPIRES_AT, TTL_SLACK), user];
    database.collection::<Document>(SESSIONS).create_indexes(sessions).await?;
    database.collection::<Document>(ATTEMPTS).create_indexes([expiring(EXPIRES_AT, TTL_SLACK)]).await?;
    database.collection::<Document>(BEATS).create_indexes([expiring(BEAT_AT, BEAT_TTL)]).await?;
    let schema = doc! { "$set": { VERSION: SCHEMA }, "$currentDate": { "made": true } };
    collections.meta.update_one(doc! { ID: "schema" }, schema).upsert(true).await.map(drop)
}

fn expiring(field: &str, after: Duration) -> IndexModel {
    let options = IndexOptions::builder().expire_after(after).build();
    IndexModel::builder().keys(doc! { field: 1 }).options(options).build()
}

/// Notes when the database was opened last: a write that shows whether we may write.
pub(crate) async fn sign(collections: &Collections) -> Result<(), Error> {
    let now = doc! { "$currentDate": { "at": true } };
    let sign = collections.meta.update_one(doc! { ID: "opened" }, now).upsert(true);
    collections.write_to_majority(sign).await.map(drop)
}

/// An update that finds nothing, and is acknowledged by a majority all the same.
pub(crate) async fn change_nothing(collections: &Collections) -> Result<(), Error> {
    let now = doc! { "$currentDate": { "at": true } };
    collections.meta.update_one(doc! { ID: Bson::Null }, now).await.map(drop)
}

/// A removal that finds nothing, for the same reason.
pub(crate) async fn remove_nothing(collections: &Collections) -> Result<(), Error> {
    collections.sessions.delete_one(doc! { ID: Bson::Null }).await.map(drop)
}
