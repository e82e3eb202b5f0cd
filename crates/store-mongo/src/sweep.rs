//! Removing what has expired, a bounded number at a time. MongoDB's own expiry is only the backstop behind it.

use futures_util::TryStreamExt as _;
use mongodb::Collection;
use mongodb::bson::{Bson, RawDocumentBuf, doc};
use vestibule_domain::identity::Timestamp;
use vestibule_ports::session_store::Swept;

use crate::collections::{Answer, CHORE_TIME_MAX, Collections, read, written};
use crate::document::{self, EXPIRES_AT, ID};

pub(crate) async fn sweep(collections: &Collections, now: Timestamp, limit: usize) -> Answer<Swept> {
    let sessions = remove(&collections.sessions, now, limit).await?;
    let attempts = remove(&collections.attempts, now, limit - sessions.seen).await?;
    let seen = sessions.seen + attempts.seen;
    Ok(Swept { removed: sessions.removed + attempts.removed, more: seen == limit })
}

/// What one collection had. Another node may sweep too, so less may be removed than was seen.
#[derive(Default)]
struct Found {
    seen: usize,
    removed: usize,
}

async fn remove(collection: &Collection<RawDocumentBuf>, now: Timestamp, limit: usize) -> Answer<Found> {
    let Some(most) = i64::try_from(limit).ok().filter(|limit| *limit > 0) else {
        return Ok(Found::default());
    };
    let expired = doc! { EXPIRES_AT: { "$lte": document::date(now) } };
    let find = collection.find(expired).projection(doc! { ID: true }).limit(most).max_time(CHORE_TIME_MAX);
    let documents: Vec<RawDocumentBuf> = read(read(find.await)?.try_collect().await)?;
    let ids: Vec<Bson> = documents.iter().filter_map(|document| document::own_id(document)).collect();
    if ids.is_empty() {
        return Ok(Found::default());
    }
    let seen = ids.len();
    // Asks again whether it has expired: a session that has been extended meanwhile stays.
    let still = doc! { ID: { "$in": ids }, EXPIRES_AT: { "$lte": document::date(now) } };
    let removed = written(collection.delete_many(still).await)?.deleted_count;
    Ok(Found { seen, removed: removed as usize })
}
