//! Sign-on sessions: the provider's own, one per browser, found by the hash of a cookie. Written when credentials
//! were right. Must not know how long one may idle.

use std::time::Duration;

use vestibule_domain::identity::{Epoch, SignOnId, Timestamp, UserId};
use vestibule_ports::issuer::Cause;

use crate::audit::{self, Act, Entry, Event};
use crate::credential::Digest;
use crate::device::{self, Device};
use crate::end;
use crate::registry::Registry;
use crate::sql::{RegistryError, Row, Snapshot, Tx, binds};
use crate::{throttle, user};

/// A later use is written only if it is this much later than the one written.
pub const SEEN_STEP: Duration = Duration::from_secs(5);

/// Most uses written in one transaction.
const TOUCHES_MAX: usize = 1_000;

/// A sign-on session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignOn {
    /// Its name for others.
    pub id: SignOnId,
    /// Who logged in.
    pub user: UserId,
    /// When the credentials were given last.
    pub auth_time: Timestamp,
    /// How strong they were: 1 password, 2 two factors.
    pub level: u8,
    /// The newest use that was written, at most [`SEEN_STEP`] before the newest there was.
    pub seen_at: Timestamp,
    /// Its end, whatever its use.
    pub ends_at: Timestamp,
}

/// Credentials that were right.
#[derive(Debug, Clone, Copy)]
pub struct LogIn<'a> {
    /// Whose.
    pub user: &'a UserId,
    /// The user's epoch when the hash was read that they were compared with.
    pub epoch: Epoch,
    /// Name of the sign-on session, if a new one begins.
    pub id: &'a SignOnId,
    /// Of the browser's new cookie.
    pub secret: &'a Digest,
    /// Of the cookie that the browser had before.
    pub former: Option<&'a Digest>,
    /// How strong they were.
    pub level: u8,
    /// Latest end of the sign-on session.
    pub ends_at: Timestamp,
    /// The browser, to be known from now on.
    pub device: Option<Device<'a>>,
    /// Counters of failures that start anew.
    pub forgive: &'a [Digest],
    /// A counter that counted this log-in as one failure among others.
    pub take_back: Option<&'a Digest>,
}

/// What became of a log-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoggedIn {
    /// The browser has a sign-on session.
    SignedOn(SignOn),
    /// The user was disabled or the password changed while the credentials were compared: they no longer count.
    Moved,
}

macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT id, user_id, auth_time, level, seen_at, ends_at FROM sign_ons ", $rest)
    };
}

impl Registry {
    /// Signs a browser on. The same user again in the same browser continues his sign-on session with a new secret
    /// and a new `auth_time`, so that nothing ends on other sites; another user's ends with all that came from it.
    pub fn log_in(&self, log_in: &LogIn<'_>, act: &Act<'_>) -> Result<LoggedIn, RegistryError> {
        self.write(|tx| {
            let user = user::by_id(tx, log_in.user)?;
            let user = user.filter(|user| user.disabled_at.is_none() && user.epoch == log_in.epoch);
            if user.is_none() {
                return Ok(LoggedIn::Moved);
            }
            let former = log_in.former.map_or(Ok(None), |secret| by_secret(tx, secret, act.at))?;
            let id = match former {
                Some(former) if former.user == *log_in.user => {
                    renew(tx, &former.id, log_in, act)?;
                    former.id
                }
                former => {
                    if let Some(other) = former {
                        end::sign_on(tx, &other.id, Event::SignOnEnded, Cause::OtherUser, act)?;
                    }
                    begin(tx, self.caps.sign_ons_per_user, log_in, act)?;
                    log_in.id.clone()
                }
            };
            if let Some(device) = &log_in.device {
                device::remember(tx, log_in.user, device, act.at, self.caps.devices_per_user)?;
            }
            log_in.forgive.iter().try_for_each(|key| throttle::forget(tx, key))?;
            log_in.take_back.map_or(Ok(()), |key| throttle::take_back(tx, key))?;
            let (user, sign_on) = (Some(log_in.user), Some(&id));
            audit::append(tx, act, &Entry { user, sign_on, ..Entry::of(Event::LoggedIn) })?;
            let signed_on = tx.one(select!("WHERE id = $1"), binds![&id], sign_on_row)?;
            signed_on
                .map(LoggedIn::SignedOn)
                .ok_or_else(|| RegistryError::Inconsistent("a sign-on session did not begin".to_owned()))
        })
    }

    /// The sign-on session of a browser, unless it has reached its end.
    pub fn sign_on(&self, secret: &Digest, now: Timestamp) -> Result<Option<SignOn>, RegistryError> {
        self.read(|snapshot| by_secret(snapshot, secret, now))
    }

    /// Keeps the newest use of each sign-on session. Unknown ones are ignored.
    pub fn touch_sign_ons(&self, seen: &[(SignOnId, Timestamp)]) -> Result<(), RegistryError> {
        seen.chunks(TOUCHES_MAX).try_for_each(|seen| self.touch(seen))
    }

    fn touch(&self, seen: &[(SignOnId, Timestamp)]) -> Result<(), RegistryError> {
        // Reads first: most touches come too early to be written, and readers wait for nobody.
        let due = self.read(|snapshot| {
            let mut due = Vec::new();
            for (id, at) in seen {
                let sql = "SELECT id FROM sign_ons WHERE id = $1 AND seen_at + $3 <= $2";
                if snapshot.any(sql, binds![id, *at, SEEN_STEP])? {
                    due.push((id, *at));
                }
            }
            Ok(due)
        })?;
        if due.is_empty() {
            return Ok(());
        }
        self.write(|tx| {
            for (id, at) in due {
                let sql = "UPDATE sign_ons SET seen_at = $2 WHERE id = $1 AND seen_at < $2";
                tx.execute(sql, binds![id, at])?;
            }
            Ok(())
        })
    }
}

/// The sign-on session with this name, unless it has reached its end.
pub(crate) fn live(
    snapshot: &Snapshot<'_>,
    id: &SignOnId,
    now: Timestamp,
) -> Result<Option<SignOn>, RegistryError> {
    snapshot.one(select!("WHERE id = $1 AND ends_at > $2"), binds![id, now], sign_on_row)
}

fn by_secret(
    snapshot: &Snapshot<'_>,
    secret: &Digest,
    now: Timestamp,
) -> Result<Option<SignOn>, RegistryError> {
    snapshot.one(select!("WHERE secret = $1 AND ends_at > $2"), binds![secret, now], sign_on_row)
}

fn renew(tx: &Tx<'_>, id: &SignOnId, log_in: &LogIn<'_>, act: &Act<'_>) -> Result<(), RegistryError> {
    tx.execute(
        "UPDATE sign_ons SET secret = $2, auth_time = $3, level = $4, seen_at = $3, ends_at = $5 WHERE id = $1",
        binds![id, log_in.secret, act.at, log_in.level, log_in.ends_at],
    )?;
    Ok(())
}

fn begin(tx: &Tx<'_>, cap: u32, log_in: &LogIn<'_>, act: &Act<'_>) -> Result<(), RegistryError> {
    let oldest: Vec<SignOnId> = end::surplus(
        tx,
        "SELECT id AS oldest FROM sign_ons WHERE user_id = $1 AND ends_at > $2 \
         ORDER BY auth_time DESC, id DESC LIMIT $4 OFFSET $3",
        log_in.user.into(),
        act.at,
        cap,
    )?;
    for id in &oldest {
        end::sign_on(tx, id, Event::Evicted, Cause::TooMany, act)?;
    }
    tx.execute(
        "INSERT INTO sign_ons (id, secret, user_id, auth_time, level, seen_at, ends_at) \
         VALUES ($1, $2, $3, $4, $5, $4, $6)",
        binds![log_in.id, log_in.secret, log_in.user, act.at, log_in.level, log_in.ends_at],
    )?;
    Ok(())
}

fn sign_on_row(row: &Row<'_, '_>) -> Result<SignOn, RegistryError> {
    Ok(SignOn {
        id: row.get("id")?,
        user: row.get("user_id")?,
        auth_time: row.get("auth_time")?,
        level: row.get("level")?,
        seen_at: row.get("seen_at")?,
        ends_at: row.get("ends_at")?,
    })
}
