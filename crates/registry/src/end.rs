//! Ends. What has ended is deleted, told to the outbox and audited in one transaction, so that a look-up cannot find
//! it from the acknowledgement on, whatever a cache does. Ending what has ended is fine.

use std::time::Duration;

use vestibule_domain::identity::{Epoch, Handle, SignOnId, Timestamp, UserId};
use vestibule_ports::issuer::{Cause, Ended};

use crate::audit::{self, Act, Entry, Event};
use crate::credential::Digest;
use crate::outbox;
use crate::registry::Registry;
use crate::sql::{Bind, Column, RegistryError, Tx, binds};

/// How long it is known that a session has ended. Longer than any token lives that carries the session, and than
/// any node caches the session: nobody can ask later.
pub const ENDED_SESSION_KEPT: Duration = Duration::from_hours(24);

/// Most evictions in one transaction. One insertion makes one, unless a cap was lowered.
const EVICTED_AT_ONCE_MAX: u32 = 100;

impl Registry {
    /// Ends the tokens of a session up to and including an epoch.
    pub fn end_session(
        &self,
        sid: Handle,
        ep: Epoch,
        cause: Cause,
        act: &Act<'_>,
    ) -> Result<(), RegistryError> {
        self.write(|tx| {
            tx.execute(
                "INSERT INTO ended_sessions (sid, epoch, expires_at) VALUES ($1, $2, $3) \
                 ON CONFLICT (sid) DO UPDATE SET \
                 epoch = CASE WHEN excluded.epoch > ended_sessions.epoch \
                 THEN excluded.epoch ELSE ended_sessions.epoch END, \
                 expires_at = excluded.expires_at",
                binds![&sid, ep, act.at + ENDED_SESSION_KEPT],
            )?;
            outbox::announce(tx, act.at, &Ended::Session { sid, ep }, cause)?;
            let note = Some(word(cause));
            audit::append(tx, act, &Entry { session: Some(&sid), note, ..Entry::of(Event::SessionEnded) })
        })
    }

    /// The newest epoch of a session that has ended. A token of the session is alive if its own is greater.
    pub fn ended_epoch(&self, sid: Handle) -> Result<Option<Epoch>, RegistryError> {
        self.read(|snapshot| {
            snapshot
                .one("SELECT epoch FROM ended_sessions WHERE sid = $1", binds![&sid], |row| row.get("epoch"))
        })
    }

    /// Ends a sign-on session with its codes, every grant that came from it, and the families that end with it.
    pub fn end_sign_on(&self, id: &SignOnId, cause: Cause, act: &Act<'_>) -> Result<(), RegistryError> {
        self.write(|tx| sign_on(tx, id, Event::SignOnEnded, cause, act))
    }

    /// Ends a grant that no session has got.
    pub fn end_grant(&self, digest: &Digest, act: &Act<'_>) -> Result<(), RegistryError> {
        self.write(|tx| {
            let name = tx.one("SELECT name FROM grants WHERE digest = $1", binds![digest], |row| {
                row.get::<String>("name")
            })?;
            name.map_or(Ok(()), |name| grant(tx, &name, Event::GrantForsaken, act))
        })
    }
}

/// Ends everything of a user and begins the next epoch. None if there is no such user.
pub(crate) fn everything_of_user(
    tx: &Tx<'_>,
    id: &UserId,
    cause: Cause,
    act: &Act<'_>,
) -> Result<Option<Epoch>, RegistryError> {
    let raised =
        tx.one("UPDATE users SET epoch = epoch + 1 WHERE id = $1 RETURNING epoch", binds![id], |row| {
            row.get("epoch")
        })?;
    let Some(epoch) = raised else { return Ok(None) };
    // Codes go with their sign-on sessions, access tokens with their families.
    tx.execute("DELETE FROM sign_ons WHERE user_id = $1", binds![id])?;
    tx.execute("DELETE FROM grants WHERE user_id = $1", binds![id])?;
    tx.execute("DELETE FROM families WHERE user_id = $1", binds![id])?;
    outbox::announce(tx, act.at, &Ended::User { user: id.clone(), epoch }, cause)?;
    Ok(Some(epoch))
}

/// Ends a sign-on session and what ends with it. Its own row may have expired before what came from it.
pub(crate) fn sign_on(
    tx: &Tx<'_>,
    id: &SignOnId,
    event: Event,
    cause: Cause,
    act: &Act<'_>,
) -> Result<(), RegistryError> {
    let user = tx.one("DELETE FROM sign_ons WHERE id = $1 RETURNING user_id", binds![id], |row| {
        row.get::<UserId>("user_id")
    })?;
    tx.execute("DELETE FROM grants WHERE sign_on = $1", binds![id])?;
    tx.execute("DELETE FROM families WHERE sign_on = $1", binds![id])?;
    outbox::announce(tx, act.at, &Ended::SignOn(id.clone()), cause)?;
    let entry = Entry { user: user.as_ref(), sign_on: Some(id), note: Some(word(cause)), ..Entry::of(event) };
    audit::append(tx, act, &entry)
}

/// Ends one grant.
pub(crate) fn grant(tx: &Tx<'_>, name: &str, event: Event, act: &Act<'_>) -> Result<(), RegistryError> {
    let gone =
        tx.one("DELETE FROM grants WHERE name = $1 RETURNING user_id, client_id", binds![name], |row| {
            Ok((row.get("user_id")?, row.get("client_id")?))
        })?;
    told(tx, gone, &Ended::Grant(name.to_owned()), name, event, act)
}

/// Ends one family of tokens.
pub(crate) fn family(tx: &Tx<'_>, name: &str, event: Event, act: &Act<'_>) -> Result<(), RegistryError> {
    let gone =
        tx.one("DELETE FROM families WHERE name = $1 RETURNING user_id, client_id", binds![name], |row| {
            Ok((row.get("user_id")?, row.get("client_id")?))
        })?;
    told(tx, gone, &Ended::Family(name.to_owned()), name, event, act)
}

fn told(
    tx: &Tx<'_>,
    gone: Option<(Option<UserId>, String)>,
    ended: &Ended,
    name: &str,
    event: Event,
    act: &Act<'_>,
) -> Result<(), RegistryError> {
    let Some((user, client)) = gone else { return Ok(()) };
    // One of too many, or given back: either way nobody has to explain it to a visitor further than that.
    let cause = if event == Event::Evicted { Cause::TooMany } else { Cause::Revoked };
    outbox::announce(tx, act.at, ended, cause)?;
    let entry = Entry { user: user.as_ref(), client: Some(&client), note: Some(name), ..Entry::of(event) };
    audit::append(tx, act, &entry)
}

/// Names of the oldest live rows, all but the newest `cap - 1`: what has to go before one more comes. `sql` takes
/// the owner, the time, how many stay and how many to name, and calls the name `oldest`.
pub(crate) fn surplus<T: Column>(
    tx: &Tx<'_>,
    sql: &str,
    owner: Bind<'_>,
    now: Timestamp,
    cap: u32,
) -> Result<Vec<T>, RegistryError> {
    let stay = cap.saturating_sub(1);
    tx.all(sql, binds![owner, now, stay, EVICTED_AT_ONCE_MAX], |row| row.get("oldest"))
}

/// Every cause with its word, as rows have it.
const WORDS: [(Cause, &str); 13] = [
    (Cause::LogOnLimit, "log-on-limit"),
    (Cause::IdleLimit, "idle-limit"),
    (Cause::Rule, "rule"),
    (Cause::ReturningLimit, "returning-limit"),
    (Cause::Ceiling, "ceiling"),
    (Cause::Unconfirmed, "unconfirmed"),
    (Cause::LogOut, "log-out"),
    (Cause::LogOutEverywhere, "log-out-everywhere"),
    (Cause::OtherUser, "other-user"),
    (Cause::Revoked, "revoked"),
    (Cause::TooMany, "too-many"),
    (Cause::PasswordChanged, "password-changed"),
    (Cause::UserDisabled, "user-disabled"),
];

/// The word for a cause.
pub(crate) fn word(cause: Cause) -> &'static str {
    WORDS.iter().find(|(known, _)| *known == cause).map_or("revoked", |(_, word)| word)
}

/// The cause that a row's word stands for.
pub(crate) fn cause(word: &str) -> Option<Cause> {
    WORDS.iter().find(|(_, known)| *known == word).map(|(cause, _)| *cause)
}
