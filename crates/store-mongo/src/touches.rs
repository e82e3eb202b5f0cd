//! Last-seen times, many in one command. They are fields of the sessions themselves: so a touch finds what it touches
//! or writes nothing, and a look-up stays one read. Watchers leave touches out.

use std::time::Duration;

use mongodb::bson::{Bson, Document, doc};
use tokio::time::Instant;
use vestibule_domain::identity::{Handle, Timestamp};
use vestibule_ports::session_store::StoreError;

use crate::calls::CALL_MAX;
use crate::collections::{Answer, Collections, SESSIONS, written};
use crate::document::{self, ID, SEEN};

/// Statements of one command: some tens of milliseconds of the server's time. A full batch is four of them, each of which
/// may take 0.45 s at least before it runs into its limit.
pub const TOUCHES_PER_COMMAND: usize = 250;

/// How much of the task's time no command gets: the last answer still has to come, or the driver's future would be
/// dropped and its connection closed.
const ANSWER_MAX: Duration = Duration::from_millis(200);

/// A command is not sent with less than this.
const SHARE_MIN: Duration = Duration::from_millis(10);

/// Each command is tried, whatever became of those before it, and may take its share of the time that is left: what one
/// does not need, those after it have. The caller knows whole batches only and sends one again that was saved in part.
/// What is there already the server finds and does not write, so a slow one gets on with every try.
pub(crate) async fn touch(collections: &Collections, seen: Vec<(Handle, Timestamp)>) -> Answer<()> {
    let end = Instant::now() + CALL_MAX.saturating_sub(ANSWER_MAX);
    let commands = seen.chunks(TOUCHES_PER_COMMAND);
    let mut told = Ok(());
    for (to_send, seen) in (1..=commands.len() as u32).rev().zip(commands) {
        let share = end.saturating_duration_since(Instant::now()) / to_send;
        let answer = if share < SHARE_MIN {
            Err(StoreError::Unknown("no time was left to send all touches".to_owned()))
        } else {
            send(collections, seen, share).await
        };
        told = told.and(answer);
    }
    told
}

async fn send(collections: &Collections, seen: &[(Handle, Timestamp)], within: Duration) -> Answer<()> {
    let updates: Vec<Bson> = seen.iter().map(|(handle, at)| forward(*handle, *at).into()).collect();
    let command = doc! {
        "update": SESSIONS,
        "updates": updates,
        "ordered": false,
        "maxTimeMS": within.as_millis() as i64,
        // A crash might forget touches, but reads show only what a majority has: so one wait for all of them. What is
        // written and not acknowledged in time counts as saved: to send it again would change nothing.
        "writeConcern": collections.concern_within(within),
    };
    let reply = written(collections.database.run_command(command).await)?;
    match reply.get_array("writeErrors") {
        Ok(errors) if !errors.is_empty() => {
            Err(StoreError::Unknown(format!("{} touches were refused", errors.len())))
        }
        _ => Ok(()),
    }
}

/// One statement: never back. Found by `_id` and nothing else, which the server does without a plan, in little more than
/// half the time. A tombstone is touched as well, and stays one: nobody reads when it was last seen.
fn forward(handle: Handle, at: Timestamp) -> Document {
    doc! { "q": { ID: document::id(handle) }, "u": { "$max": { SEEN: document::date(at) } } }
}
