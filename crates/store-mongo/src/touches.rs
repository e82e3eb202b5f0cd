//! Last-seen times, many in one command. They are fields of the sessions themselves: so a touch finds what it touches
//! or writes nothing, an end removes it in the same step, and a look-up stays one read. Watchers leave touches out.

use mongodb::bson::{Bson, Document, doc};
use vestibule_domain::identity::{Handle, Timestamp};
use vestibule_ports::session_store::StoreError;

use crate::collections::{Answer, Collections, SERVER_TIME_MAX, SESSIONS, written};
use crate::document::{self, ENDED, ID, SEEN};

pub(crate) async fn touch(collections: &Collections, seen: Vec<(Handle, Timestamp)>) -> Answer<()> {
    if seen.is_empty() {
        return Ok(());
    }
    let updates: Vec<Bson> = seen.into_iter().map(|(handle, at)| forward(handle, at).into()).collect();
    let command = doc! {
        "update": SESSIONS,
        "updates": updates,
        "ordered": false,
        "maxTimeMS": SERVER_TIME_MAX.as_millis() as i64,
        // A crash might forget touches, but reads show only what a majority has: so one wait for all of them.
        "writeConcern": collections.write_concern(),
    };
    let reply = written(collections.database.run_command(command).await)?;
    match reply.get_array("writeErrors") {
        Ok(errors) if !errors.is_empty() => {
            Err(StoreError::Unknown(format!("{} touches were refused", errors.len())))
        }
        _ => Ok(()),
    }
}

/// One statement: never back, and only a session that lives.
fn forward(handle: Handle, at: Timestamp) -> Document {
    doc! {
        "q": { ID: document::id(handle), ENDED: { "$exists": false } },
        "u": { "$max": { SEEN: document::date(at) } },
    }
}
