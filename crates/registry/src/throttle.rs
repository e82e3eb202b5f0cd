//! Counters of failures, read and written in one step, so that of many guesses at one instant each is counted before
//! the next is judged. Must not know what is counted, or how many are too many.

use std::time::Duration;

use vestibule_domain::identity::{Timestamp, UserId};
use vestibule_domain::throttle::{Alarm, Failures};

use crate::audit::{self, Act, Entry, Event};
use crate::credential::Digest;
use crate::registry::Registry;
use crate::sql::{RegistryError, Tx, binds};

/// A guess at a password that is about to be counted.
#[derive(Debug, Clone, Copy)]
pub struct Guess<'a, const N: usize> {
    /// Whose password; `None` if the name is nobody's.
    pub user: Option<&'a UserId>,
    /// Its counters.
    pub keys: &'a [Digest; N],
    /// How long they are kept after their newest failure.
    pub kept: Duration,
}

impl Registry {
    /// As [`throttle`](Self::throttle), and an alarm that `decide` gives besides is written into the user's trail, in
    /// the same transaction. Nobody's trail is written too, so that time tells nothing; the next sweep takes it away.
    pub fn count_guess<const N: usize, T>(
        &self,
        guess: &Guess<'_, N>,
        act: &Act<'_>,
        decide: impl FnOnce(&mut [Option<Failures>; N]) -> (T, Option<Alarm>),
    ) -> Result<T, RegistryError> {
        self.write(|tx| {
            let (decided, alarm) = change(tx, guess.keys, guess.kept, act.at, decide)?;
            if let Some(alarm) = alarm {
                let note = alarm.to_string();
                let entry = Entry { note: Some(&note), ..Entry::of(Event::TriesSlowed) };
                match guess.user {
                    Some(user) => audit::append(tx, act, &Entry { user: Some(user), ..entry })?,
                    None => audit::append_for_nobody(tx, act, &entry)?,
                }
            }
            Ok(decided)
        })
    }

    /// Loads the counters under `keys`, lets `decide` change them, and stores them until `kept` after their newest
    /// failure. Two calls that share a key run one after the other. A counter set to `None` is forgotten.
    ///
    /// To count a guess before it is looked at, let `decide` count it as a failure, and forget the counters when it
    /// was right (`LogIn::forgive`), or take it back where others are counted too (`LogIn::take_back`).
    pub fn throttle<const N: usize, T>(
        &self,
        keys: &[Digest; N],
        kept: Duration,
        now: Timestamp,
        decide: impl FnOnce(&mut [Option<Failures>; N]) -> T,
    ) -> Result<T, RegistryError> {
        self.write(|tx| change(tx, keys, kept, now, decide))
    }
}

fn change<const N: usize, T>(
    tx: &Tx<'_>,
    keys: &[Digest; N],
    kept: Duration,
    now: Timestamp,
    decide: impl FnOnce(&mut [Option<Failures>; N]) -> T,
) -> Result<T, RegistryError> {
    let mut before = [None; N];
    for (counter, key) in before.iter_mut().zip(keys) {
        *counter = load(tx, key, now)?;
    }
    let mut after = before;
    let decided = decide(&mut after);
    for ((key, before), after) in keys.iter().zip(before).zip(after) {
        match after {
            same if same == before => {}
            Some(failures) => store(tx, key, failures, kept)?,
            None => forget(tx, key)?,
        }
    }
    Ok(decided)
}

/// Starts counting anew.
pub(crate) fn forget(tx: &Tx<'_>, key: &Digest) -> Result<(), RegistryError> {
    tx.execute("DELETE FROM throttle WHERE key = $1", binds![key])?;
    Ok(())
}

/// Counts one failure less: it was none.
pub(crate) fn take_back(tx: &Tx<'_>, key: &Digest) -> Result<(), RegistryError> {
    tx.execute("UPDATE throttle SET failures = failures - 1 WHERE key = $1 AND failures > 0", binds![key])?;
    Ok(())
}

/// Forgets counters beyond `cap`, at most `limit` of them: the fewest failures first, then the oldest.
pub(crate) fn forget_surplus(tx: &Tx<'_>, cap: u32, limit: u32) -> Result<usize, RegistryError> {
    let count = tx.one("SELECT COUNT(*) AS count FROM throttle", &[], |row| row.get::<i64>("count"))?;
    let surplus = count.unwrap_or(0).saturating_sub(cap.into());
    if surplus <= 0 {
        return Ok(0);
    }
    tx.execute(
        "DELETE FROM throttle WHERE key IN (SELECT key FROM throttle ORDER BY failures, last_at LIMIT $1)",
        binds![surplus.min(limit.into())],
    )
}

fn load(tx: &Tx<'_>, key: &Digest, now: Timestamp) -> Result<Option<Failures>, RegistryError> {
    tx.one(
        "SELECT failures, last_at FROM throttle WHERE key = $1 AND expires_at > $2",
        binds![key, now],
        |row| Ok(Failures { count: row.get("failures")?, last: row.get("last_at")? }),
    )
}

fn store(tx: &Tx<'_>, key: &Digest, failures: Failures, kept: Duration) -> Result<(), RegistryError> {
    tx.execute(
        "INSERT INTO throttle (key, failures, last_at, expires_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (key) DO UPDATE SET failures = excluded.failures, last_at = excluded.last_at, \
         expires_at = excluded.expires_at",
        binds![key, failures.count, failures.last, failures.last + kept],
    )?;
    Ok(())
}
