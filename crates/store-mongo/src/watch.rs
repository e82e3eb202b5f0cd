//! What watchers hear: a change stream on the database, which brings what a majority has committed, in the order of
//! the oplog. Beats are documents that are written like any other, so they stand in that order too.

use std::time::Duration;

use futures_util::future::join;
use futures_util::{StreamExt as _, stream};
use mongodb::bson::error::Error as BsonError;
use mongodb::bson::{Binary, DateTime, Document, RawBsonRef, RawDocument, RawDocumentBuf, doc};
use mongodb::change_stream::ChangeStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use vestibule_ports::clock::Mono;
use vestibule_ports::session_store::{Beat, Event, Watch};

use crate::collections::{Answer, BEATS, Collections, SESSIONS, read, written};
use crate::document::{self, ENDED, EXPIRES_AT, ID, VERSION};
use crate::fault;

/// The field of a beat that holds it, and the one by which MongoDB removes those of nodes that are no more.
pub(crate) const BEAT: &str = "beat";
pub(crate) const BEAT_AT: &str = "at";

/// How long the server keeps one question for news open. Beats come more often.
const NEWS_WITHIN: Duration = Duration::from_millis(500);

/// A server that does not answer that question for so long is given up, as is the stream.
const SILENCE_MAX: Duration = Duration::from_secs(3);

/// Events that wait for a slow watcher. More wait at the server, which keeps them as long as its oplog reaches.
const EVENTS_WAITING: usize = 1_024;

/// Writes the one document of this watcher anew. Its value never repeats, or the server would see nothing to change.
pub(crate) async fn beat(collections: &Collections, beat: Beat, count: u64) -> Answer<()> {
    let change = doc! { "$set": { BEAT: encode(beat, count) }, "$currentDate": { BEAT_AT: true } };
    let watcher = doc! { ID: beat.watcher.cast_signed() };
    let update = collections.beats.update_one(watcher, change).upsert(true);
    written(collections.write_to_majority(update).await).map(drop)
}

/// Subscribes. Before this returns, the server has noted where the stream begins, and a majority has all that lies before.
pub(crate) async fn watch(collections: &Collections) -> Answer<Watch> {
    let changes = read(open(collections).await)?;
    settle(collections).await?;
    let (events, heard) = mpsc::channel(EVENTS_WAITING);
    tokio::spawn(follow(changes, events));
    let next = async |mut heard: mpsc::Receiver<Event>| heard.recv().await.map(|event| (event, heard));
    Ok(stream::unfold(heard, next).boxed())
}

/// A stream begins behind the newest write of the primary, which a majority may not have yet: no event would come for it,
/// and a read would not see it either until it is acknowledged. A majority that has a later write has it too, so from
/// then on reads do.
async fn settle(collections: &Collections) -> Answer<()> {
    let note = doc! { "$currentDate": { BEAT_AT: true } };
    let note = collections.beats.update_one(doc! { ID: "watched" }, note).upsert(true);
    // Where sessions are spread over shards, that is a write on one. This finds nothing on any, and waits for each.
    let nothing = collections.sessions.delete_many(doc! { EXPIRES_AT: { "$lt": DateTime::MIN } });
    let (noted, found) = join(collections.write_to_majority(note), nothing.into_future()).await;
    read(noted)?;
    read(found).map(drop)
}

/// The stream of what concerns us. Bodies stay at the server.
pub(crate) async fn open(
    collections: &Collections,
) -> Result<ChangeStream<RawDocumentBuf>, mongodb::error::Error> {
    let changes = collections.database.watch().pipeline(pipeline()).max_await_time(NEWS_WITHIN).await?;
    Ok(changes.with_type())
}

fn pipeline() -> [Document; 2] {
    // Of a commit the version changes, of an end `ended`; a touch changes neither. Expiry is silent: no deletions.
    let news = doc! { "$match": { "$or": [
        { "ns.coll": { "$in": [SESSIONS, BEATS] }, "operationType": { "$in": ["insert", "replace"] } },
        { "ns.coll": SESSIONS, "operationType": "update", "$or": [
            { "updateDescription.updatedFields.version": { "$exists": true } },
            { "updateDescription.updatedFields.ended": { "$exists": true } },
        ] },
        { "ns.coll": BEATS, "operationType": "update" },
        { "operationType": { "$in": ["drop", "rename", "dropDatabase", "invalidate"] } },
    ] } };
    let either = |field: &str| {
        doc! { "$ifNull": [format!("$updateDescription.updatedFields.{field}"), format!("$fullDocument.{field}")] }
    };
    let without_bodies = doc! { "$project": {
        "operationType": true,
        "ns": true,
        "documentKey": true,
        VERSION: either(VERSION),
        ENDED: either(ENDED),
        BEAT: either(BEAT),
    } };
    [news, without_bodies]
}

/// Passes the news on until nobody listens or the stream is lost. Where a primary is there at once the driver goes on by
/// itself, from the very place where it was; if the server no longer has that place, a `Gap` says so. Otherwise the
/// watch ends, and whoever watches again trusts nothing from before.
async fn follow(mut changes: ChangeStream<RawDocumentBuf>, events: mpsc::Sender<Event>) {
    while !events.is_closed() {
        let event = match timeout(SILENCE_MAX, changes.next_if_any()).await {
            Ok(Ok(None)) => continue,
            Ok(Ok(Some(change))) => match news(&change) {
                Ok(Some(event)) => event,
                Ok(None) => continue,
                // Whoever wrote this is not us: what else it has done nobody knows.
                Err(_) => Event::Gap,
            },
            Ok(Err(error)) if fault::is_history_lost(&error) => {
                // Whoever listens no more needs not be told.
                let _gone = events.send(Event::Gap).await;
                return;
            }
            Ok(Err(_)) | Err(_) => return,
        };
        if events.send(event).await.is_err() {
            return;
        }
    }
}

/// What a change says. `None` for what concerns nobody.
fn news(change: &RawDocument) -> Result<Option<Event>, BsonError> {
    let Some(key) = change.get("documentKey")? else {
        // A collection was dropped or renamed, with all that was in it.
        return Ok(Some(Event::Gap));
    };
    let key = key.as_document().and_then(|key| key.get(ID).ok().flatten());
    if change.get_document("ns")?.get_str("coll")? == BEATS {
        let watcher = key.and_then(RawBsonRef::as_i64).map(i64::cast_unsigned);
        let beat = watcher.zip(change.get_binary(BEAT).ok());
        return Ok(beat.and_then(|(watcher, bytes)| decode(watcher, bytes.bytes)).map(Event::Alive));
    }
    let Some(handle) = document::handle(key) else { return Ok(None) };
    if change.get(ENDED)?.is_some() {
        return Ok(Some(Event::Ended { handle }));
    }
    let version = change.get_i64(VERSION)?.cast_unsigned();
    Ok(Some(Event::Changed { handle, version }))
}

// when it was sent, in nanoseconds (8 bytes, little endian) | a count of ours (8)
fn encode(beat: Beat, count: u64) -> Binary {
    let sent = beat.sent.since_start().as_nanos() as u64;
    document::binary([sent.to_le_bytes(), count.to_le_bytes()].as_flattened())
}

fn decode(watcher: u64, bytes: &[u8]) -> Option<Beat> {
    let sent = u64::from_le_bytes(*bytes.first_chunk()?);
    Some(Beat { watcher, sent: Mono::from_start(Duration::from_nanos(sent)) })
}

#[cfg(test)]
mod tests;
