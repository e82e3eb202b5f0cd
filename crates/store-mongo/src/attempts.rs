//! Log-in attempts: put once, taken once. `findOneAndDelete` gives the document to one of all who ask.

use bytes::Bytes;
use mongodb::bson::error::Error;
use mongodb::bson::{Document, doc};
use vestibule_domain::identity::Timestamp;
use vestibule_ports::session_store::{Attempt, AttemptKey, StoreError};

use crate::collections::{Answer, Collections, written};
use crate::document::{self, ID};
use crate::fault;

pub(crate) async fn put(collections: &Collections, key: AttemptKey, attempt: Attempt) -> Answer<()> {
    let attempts = collections.attempts.clone_with_type::<Document>();
    let insert = attempts.insert_one(document::attempt(&key, &attempt));
    match insert.await {
        Ok(_) => Ok(()),
        Err(error) if fault::is_duplicate(&error) => {
            Err(StoreError::Bug("the key of an attempt was used before".to_owned()))
        }
        Err(error) => Err(fault::of_write(&error)),
    }
}

pub(crate) async fn take(
    collections: &Collections,
    key: AttemptKey,
    now: Timestamp,
) -> Answer<Option<Bytes>> {
    let take = collections
        .attempts
        .find_one_and_delete(doc! { ID: document::binary(&key) })
        .max_time(collections.call_time);
    let Some(found) = written(take.await)? else { return Ok(None) };
    let corrupt = |error: Error| StoreError::Corrupt(error.to_string());
    let expired = document::expires_at(&found).map_err(corrupt)? <= now;
    if expired { Ok(None) } else { document::body(&found).map(Some).map_err(corrupt) }
}
