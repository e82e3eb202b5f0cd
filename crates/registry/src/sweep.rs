//! Expired rows go, so that no table grows for ever. Correctness never waits for it: every look-up compares the time
//! itself. One short transaction per table, so that log-ins get their turn in between.

use std::time::Duration;

use vestibule_domain::identity::Timestamp;

use crate::audit;
use crate::outbox::{self, OUTBOX_KEPT};
use crate::registry::Registry;
use crate::sql::{RegistryError, binds};
use crate::throttle;

/// Most rows of one table in one transaction.
pub const SWEEP_ROWS_MAX: u32 = 500;

/// How long audit records stay.
pub const AUDIT_KEPT: Duration = Duration::from_hours(365 * 24);

/// Rows that are dead at `$1`, at most `$2` of them, oldest first.
const DEAD: [&str; 9] = [
    "DELETE FROM codes WHERE digest IN \
     (SELECT digest FROM codes WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)",
    "DELETE FROM access_tokens WHERE digest IN \
     (SELECT digest FROM access_tokens WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)",
    "DELETE FROM families WHERE name IN \
     (SELECT name FROM families WHERE ends_at <= $1 ORDER BY ends_at LIMIT $2)",
    "DELETE FROM grants WHERE digest IN \
     (SELECT digest FROM grants WHERE ends_at <= $1 ORDER BY ends_at LIMIT $2)",
    "DELETE FROM sign_ons WHERE id IN \
     (SELECT id FROM sign_ons WHERE ends_at <= $1 ORDER BY ends_at LIMIT $2)",
    "DELETE FROM devices WHERE digest IN \
     (SELECT digest FROM devices WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2) AND expires_at <= $1",
    "DELETE FROM throttle WHERE key IN \
     (SELECT key FROM throttle WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)",
    "DELETE FROM ended_sessions WHERE sid IN \
     (SELECT sid FROM ended_sessions WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)",
    "DELETE FROM signing_keys WHERE kid IN \
     (SELECT kid FROM signing_keys WHERE retire_at <= $1 ORDER BY retire_at LIMIT $2)",
];

/// What a sweep did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Swept {
    /// Rows that went.
    pub rows: usize,
    /// Whether more may be waiting: sweep again soon.
    pub more: bool,
}

impl Registry {
    /// Removes what expired, at most `limit` rows of each table and never more than [`SWEEP_ROWS_MAX`].
    pub fn sweep(&self, now: Timestamp, limit: u32) -> Result<Swept, RegistryError> {
        let limit = limit.clamp(1, SWEEP_ROWS_MAX);
        let mut swept = Swept { rows: 0, more: false };
        let mut count = |rows: usize| {
            swept.rows += rows;
            swept.more |= rows >= limit as usize;
        };
        for sql in DEAD {
            count(self.write(|tx| tx.execute(sql, binds![now, limit]))?);
        }
        count(self.write(|tx| throttle::forget_surplus(tx, self.caps.failure_counters, limit))?);
        count(self.write(|tx| outbox::prune(tx, earlier(now, OUTBOX_KEPT), limit))?);
        count(self.write(|tx| audit::forget_nobody(tx, limit))?);
        let outdated =
            "DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at <= $1 ORDER BY at LIMIT $2)";
        count(self.write(|tx| tx.execute(outdated, binds![earlier(now, AUDIT_KEPT), limit]))?);
        Ok(swept)
    }
}

fn earlier(now: Timestamp, by: Duration) -> Timestamp {
    let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis(now.as_millis().saturating_sub(by))
}
