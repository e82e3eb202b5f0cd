//! The outbox: what has ended, numbered without a hole in the order of the commits, written in the transaction that
//! ended it. Followers read it after their last number. Must not know who follows.

use std::time::Duration;

use vestibule_domain::identity::Timestamp;
use vestibule_ports::issuer::{Cause, Ended};

use crate::end;
use crate::registry::Registry;
use crate::sql::{RegistryError, Row, Snapshot, Tx, binds};

/// Most rows in one answer.
pub const FEED_PAGE_MAX: u32 = 500;

/// How long a row stays. Longer than any signed token lives (10 minutes) and any follower remembers an end (11), so
/// that a follower who comes later than that has nothing cached that the row could have ended.
pub const OUTBOX_KEPT: Duration = Duration::from_mins(15);

/// What a follower gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeedPage {
    /// Rows after the number asked for, in order and without a hole. `newest` is the newest number there is: with
    /// it reached, every end committed before the call has been told.
    Rows {
        /// The ends.
        rows: Vec<Told>,
        /// The newest number.
        newest: u64,
    },
    /// Rows after the number asked for are gone, or the number was never given out, as after a restored backup.
    /// Trust nothing cached, and go on after `newest`.
    Gap {
        /// The newest number.
        newest: u64,
    },
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Its number.
    pub seq: u64,
    /// What has ended.
    pub ended: Ended,
    /// Why.
    pub cause: Cause,
}

impl Registry {
    /// Ends after a number, at most [`FEED_PAGE_MAX`].
    pub fn feed_after(&self, after: u64) -> Result<FeedPage, RegistryError> {
        self.read(|snapshot| {
            let head = snapshot.one("SELECT newest, pruned FROM outbox_head", &[], |row| {
                Ok((row.get::<u64>("newest")?, row.get::<u64>("pruned")?))
            })?;
            let (newest, pruned) = head.ok_or_else(headless)?;
            if after < pruned || after > newest {
                return Ok(FeedPage::Gap { newest });
            }
            let rows = snapshot.all(
                "SELECT seq, kind, subject, epoch, cause FROM outbox WHERE seq > $1 ORDER BY seq LIMIT $2",
                binds![after, FEED_PAGE_MAX],
                |row| Ok(Told { seq: row.get("seq")?, ended: ended(row)?, cause: cause(row)? }),
            )?;
            Ok(FeedPage::Rows { rows, newest })
        })
    }
}

/// The newest number.
pub(crate) fn newest(snapshot: &Snapshot<'_>) -> Result<u64, RegistryError> {
    snapshot.one("SELECT newest FROM outbox_head", &[], |row| row.get("newest"))?.ok_or_else(headless)
}

/// Adds a row to the change.
pub(crate) fn announce(tx: &Tx<'_>, at: Timestamp, ended: &Ended, cause: Cause) -> Result<(), RegistryError> {
    let seq = tx
        .one("UPDATE outbox_head SET newest = newest + 1 RETURNING newest", &[], |row| row.get("newest"))?
        .ok_or_else(headless)?;
    let (kind, subject, epoch) = match ended {
        Ended::Session { sid, ep } => ("session", sid.to_string(), Some(*ep)),
        Ended::SignOn(sign_on) => ("sign-on", sign_on.to_string(), None),
        Ended::Grant(name) => ("grant", name.clone(), None),
        Ended::Family(name) => ("family", name.clone(), None),
        Ended::User { user, epoch } => ("user", user.to_string(), Some(*epoch)),
        Ended::Client(client) => ("client", client.clone(), None),
        Ended::Key(kid) => ("key", kid.clone(), None),
        Ended::Claims(user) => ("claims", user.to_string(), None),
    };
    tx.execute(
        "INSERT INTO outbox (seq, at, kind, subject, epoch, cause) VALUES ($1, $2, $3, $4, $5, $6)",
        binds![seq, at, kind, &subject, epoch, end::word(cause)],
    )?;
    tx.announced(seq);
    Ok(())
}

/// Forgets the oldest rows written before `until`, and how far. Says how many.
pub(crate) fn prune(tx: &Tx<'_>, until: Timestamp, limit: u32) -> Result<usize, RegistryError> {
    // By number, not by time: should the clock have stepped back, rows would go from the middle.
    let last = tx.one(
        "SELECT MAX(seq) AS last FROM (SELECT seq, at FROM outbox ORDER BY seq LIMIT $2) AS oldest WHERE at <= $1",
        binds![until, limit],
        |row| row.get::<Option<u64>>("last"),
    )?;
    let Some(last) = last.flatten() else { return Ok(0) };
    tx.execute("UPDATE outbox_head SET pruned = $1", binds![last])?;
    tx.execute("DELETE FROM outbox WHERE seq <= $1", binds![last])
}

fn ended(row: &Row<'_, '_>) -> Result<Ended, RegistryError> {
    Ok(match row.get::<String>("kind")?.as_str() {
        "session" => Ended::Session { sid: parsed(row)?, ep: row.get("epoch")? },
        "sign-on" => Ended::SignOn(row.get("subject")?),
        "grant" => Ended::Grant(row.get("subject")?),
        "family" => Ended::Family(row.get("subject")?),
        "user" => Ended::User { user: row.get("subject")?, epoch: row.get("epoch")? },
        "client" => Ended::Client(row.get("subject")?),
        "key" => Ended::Key(row.get("subject")?),
        "claims" => Ended::Claims(row.get("subject")?),
        other => return Err(RegistryError::Inconsistent(format!("an end of the unknown kind {other}"))),
    })
}

fn cause(row: &Row<'_, '_>) -> Result<Cause, RegistryError> {
    let word: String = row.get("cause")?;
    end::cause(&word)
        .ok_or_else(|| RegistryError::Inconsistent(format!("an end of the unknown cause {word}")))
}

/// The handle of a session, which stands in the row as text.
fn parsed<T: std::str::FromStr>(row: &Row<'_, '_>) -> Result<T, RegistryError> {
    let text: String = row.get("subject")?;
    text.parse().map_err(|_| RegistryError::Inconsistent("a session without a handle ended".to_owned()))
}

fn headless() -> RegistryError {
    RegistryError::Inconsistent("the outbox has lost its numbers".to_owned())
}
