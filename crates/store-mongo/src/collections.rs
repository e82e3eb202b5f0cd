//! The collections of the database, and with which concerns they are read and written.

use std::sync::Arc;
use std::time::Duration;

use mongodb::bson::{Bson, Document, RawDocumentBuf, doc};
use mongodb::error::Error;
use mongodb::options::{
    Acknowledgment, CollectionOptions, ReadConcern, ReadPreference, SelectionCriteria, WriteConcern,
};
use mongodb::{Client, Collection, Database};
use tokio::time::Instant;
use vestibule_ports::session_store::StoreError;

use crate::config::{Config, Durability};
use crate::fault;
use crate::vouch::Vouch;

pub(crate) const SESSIONS: &str = "sessions";
pub(crate) const ATTEMPTS: &str = "attempts";
pub(crate) const BEATS: &str = "beats";
pub(crate) const META: &str = "meta";

/// How much longer than its caller the server works on a call, and waits for other members: who looks whether a write was
/// done should find it.
const LONGER: Duration = Duration::from_millis(100);

/// The same for a command of the standing work, which nobody waits for. Less than its tasks last, so that a server that
/// hangs says why. Touches are several commands, which share their task's time (`touches.rs`).
pub(crate) const CHORE_TIME_MAX: Duration = Duration::from_secs(1);

/// The same for what happens only when the store is opened: members that have just got their indexes may be behind.
pub(crate) const PREPARE_MAX: Duration = Duration::from_secs(3);

/// What the parts of the store share. Sessions and attempts are read as the bytes that arrived, without a map of them.
#[derive(Clone)]
pub(crate) struct Collections {
    pub(crate) database: Database,
    pub(crate) sessions: Collection<RawDocumentBuf>,
    pub(crate) attempts: Collection<RawDocumentBuf>,
    pub(crate) beats: Collection<Document>,
    pub(crate) meta: Collection<Document>,
    /// How long the server works on a call of a request.
    pub(crate) call_time: Duration,
    durability: Durability,
    vouch: Arc<Vouch>,
}

impl Collections {
    pub(crate) fn new(client: &Client, config: &Config) -> Self {
        let (database, durability) = (client.database(&config.database), config.durability);
        let call_time = config.deadline + LONGER;
        let majority = |within| options(Acknowledgment::Majority, within);
        let chosen = || match durability {
            Durability::Majority => majority(call_time),
            Durability::PrimaryAlone => options(Acknowledgment::Nodes(1), call_time),
        };
        Self {
            sessions: database.collection_with_options(SESSIONS, chosen()),
            attempts: database.collection_with_options(ATTEMPTS, chosen()),
            beats: database.collection_with_options(BEATS, majority(CHORE_TIME_MAX)),
            meta: database.collection_with_options(META, majority(PREPARE_MAX)),
            database,
            call_time,
            durability,
            vouch: Arc::default(),
        }
    }

    /// How a session is read so that no acknowledged write is missing.
    pub(crate) fn read_concern(&self) -> ReadConcern {
        match self.durability {
            Durability::Majority => self.vouch.read_concern(),
            // What the primary alone has acknowledged a majority may not have yet, and may never have.
            Durability::PrimaryAlone => ReadConcern::local(),
        }
    }

    /// Whether what is read is as safe as what is acknowledged. A majority has what such a read shows. What the primary
    /// alone shows may not even be in its journal yet.
    pub(crate) fn reading_proves(&self) -> bool {
        self.durability == Durability::Majority
    }

    /// The write concern of sessions, for a command that is spelt out and may take so long.
    pub(crate) fn concern_within(&self, within: Duration) -> Document {
        let w: Bson = match self.durability {
            Durability::Majority => "majority".into(),
            Durability::PrimaryAlone => 1.into(),
        };
        doc! { "w": w, "wtimeout": within.as_millis() as i64 }
    }

    /// Waits for a write that a majority has to acknowledge, and takes note that it has. Only for writes that change
    /// something whatever is there: one that finds nothing waits for what was written before, which a majority may have
    /// had before the primary lost it. So beats vouch, and commits do not.
    pub(crate) async fn write_to_majority<T>(
        &self,
        call: impl IntoFuture<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let sent = Instant::now();
        let answer = call.await?;
        self.vouch.renew(sent);
        Ok(answer)
    }
}

/// A call on what the store's parts share that can become a task.
pub(crate) type Answer<T> = Result<T, StoreError>;

/// Whether a read that follows a write which changed nothing failed: then nothing has been written all the same.
pub(crate) fn nothing_written(error: StoreError) -> StoreError {
    match error {
        StoreError::Deadline => StoreError::Unreachable(error.to_string()),
        error => error,
    }
}

/// Shortens `map_err` for reads.
pub(crate) fn read<T>(answer: Result<T, Error>) -> Answer<T> {
    answer.map_err(|error| fault::of_read(&error))
}

/// Shortens `map_err` for writes.
pub(crate) fn written<T>(answer: Result<T, Error>) -> Answer<T> {
    answer.map_err(|error| fault::of_write(&error))
}

fn options(w: Acknowledgment, within: Duration) -> CollectionOptions {
    let concern = WriteConcern::builder().w(w).journal(true).w_timeout(within).build();
    CollectionOptions::builder()
        .write_concern(concern)
        .read_concern(ReadConcern::majority())
        .selection_criteria(SelectionCriteria::ReadPreference(ReadPreference::Primary))
        .build()
}
