//! Users: who they are, their password hashes, what apps may know of them. A disabled user, or one whose password
//! has changed, keeps nothing that was issued before.

use vestibule_domain::identity::{Epoch, Handle, Timestamp, UserId};
use vestibule_oauth::scope::ScopeSet;
use vestibule_ports::issuer::{Cause, Ended};

use crate::audit::{self, Act, Entry, Event};
use crate::credential::PasswordHash;
use crate::end;
use crate::login_name::LoginName;
use crate::outbox;
use crate::registry::Registry;
use crate::sql::{RegistryError, Row, Snapshot, Tx, binds};

/// Most users in one page of a list.
pub const USERS_PAGE_MAX: u32 = 200;

/// What apps may show of a user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    /// The full name.
    pub name: Option<String>,
    /// Language tag (BCP 47).
    pub locale: Option<String>,
    /// Mail address.
    pub email: Option<String>,
    /// Whether the user has shown that he reads mail there.
    pub email_verified: bool,
    /// What the user is, for apps to decide by.
    pub roles: Vec<String>,
}

/// A user to be.
#[derive(Debug, Clone, Copy)]
pub struct NewUser<'a> {
    /// Opaque, never used before.
    pub id: &'a UserId,
    /// The name for the log-in form, in its one spelling.
    pub login: &'a LoginName,
    /// The same as it was typed, for display.
    pub login_typed: &'a str,
    /// Hash of the first password.
    pub password: &'a PasswordHash,
    /// What apps may show.
    pub profile: &'a Profile,
    /// The user's own scopes, beside everyone's.
    pub scopes: &'a ScopeSet,
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Opaque and stable.
    pub id: UserId,
    /// The name for the log-in form, as it was typed.
    pub login: String,
    /// What apps may show.
    pub profile: Profile,
    /// The user's own scopes, beside everyone's.
    pub scopes: ScopeSet,
    /// Whatever carries an older one is dead.
    pub epoch: Epoch,
    /// Since when the user is kept out.
    pub disabled_at: Option<Timestamp>,
    /// When the user was created.
    pub created_at: Timestamp,
}

/// What a log-in compares with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user, with the epoch that `log_in` is to be given.
    pub user: User,
    /// Hash of the password.
    pub password: PasswordHash,
}

/// What became of a user to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// The user exists.
    Done,
    /// The log-in name or the identifier belongs to another user.
    Taken,
}

/// What became of a change that ends everything of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// Done; this is the user's epoch now.
    Done(Epoch),
    /// The user's epoch was no longer the expected one: something ended everything of the user meanwhile.
    Moved,
    /// No such user.
    Unknown,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, login_typed, password_hash, name, locale, email, email_verified, roles, scopes, epoch, \
             disabled_at, created_at FROM users ",
            $rest
        )
    };
}

impl Registry {
    /// Creates a user who can log in at once.
    pub fn create_user(&self, new: &NewUser<'_>, act: &Act<'_>) -> Result<Created, RegistryError> {
        let Profile { name, locale, email, email_verified, roles } = new.profile;
        self.write(|tx| {
            let inserted = tx.execute(
                "INSERT INTO users (id, login, login_typed, password_hash, name, locale, email, email_verified, \
                 roles, scopes, epoch, disabled_at, created_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, NULL, $12) ON CONFLICT DO NOTHING",
                binds![
                    new.id,
                    new.login.as_str(),
                    new.login_typed,
                    new.password,
                    name.as_deref(),
                    locale.as_deref(),
                    email.as_deref(),
                    *email_verified,
                    &list(roles),
                    &new.scopes.to_string(),
                    Epoch::FIRST,
                    act.at,
                ],
            )?;
            if inserted == 0 {
                return Ok(Created::Taken);
            }
            audit::append(tx, act, &Entry { user: Some(new.id), ..Entry::of(Event::UserCreated) })?;
            Ok(Created::Done)
        })
    }

    /// The user with this identifier.
    pub fn user(&self, id: &UserId) -> Result<Option<User>, RegistryError> {
        self.read(|snapshot| by_id(snapshot, id))
    }

    /// The user with this log-in name, and the hash to compare a password with.
    pub fn credentials(&self, login: &LoginName) -> Result<Option<Credentials>, RegistryError> {
        self.read(|snapshot| {
            snapshot.one(select!("WHERE login = $1"), binds![login.as_str()], |row| {
                Ok(Credentials { user: user(row)?, password: row.get("password_hash")? })
            })
        })
    }

    /// Users in the order of their identifiers, after the given one, at most [`USERS_PAGE_MAX`].
    pub fn users(&self, after: Option<&UserId>) -> Result<Vec<User>, RegistryError> {
        let after = after.map_or("", UserId::as_str);
        self.read(|snapshot| {
            snapshot.all(select!("WHERE id > $1 ORDER BY id LIMIT $2"), binds![after, USERS_PAGE_MAX], user)
        })
    }

    /// Sets a password and ends everything of the user. With `expected`, only if nothing else did so since that
    /// epoch was read: of two changes that both proved the old password, one wins.
    pub fn set_password(
        &self,
        id: &UserId,
        password: &PasswordHash,
        expected: Option<Epoch>,
        act: &Act<'_>,
    ) -> Result<Changed, RegistryError> {
        self.write(|tx| {
            let Some(user) = by_id(tx, id)? else { return Ok(Changed::Unknown) };
            if expected.is_some_and(|expected| expected != user.epoch) {
                return Ok(Changed::Moved);
            }
            tx.execute("UPDATE users SET password_hash = $2 WHERE id = $1", binds![id, password])?;
            end_all(tx, id, Entry::of(Event::PasswordChanged), Cause::PasswordChanged, act)
        })
    }

    /// Replaces a hash by one of the same password at today's cost. Ends nothing, and does nothing if the hash is
    /// no longer the one that was compared.
    pub fn rehash_password(
        &self,
        id: &UserId,
        compared: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<(), RegistryError> {
        self.write(|tx| {
            tx.execute(
                "UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2",
                binds![id, compared, new],
            )?;
            Ok(())
        })
    }

    /// Keeps a user out and ends everything of his.
    pub fn disable_user(&self, id: &UserId, act: &Act<'_>) -> Result<Changed, RegistryError> {
        self.write(|tx| {
            tx.execute(
                "UPDATE users SET disabled_at = $2 WHERE id = $1 AND disabled_at IS NULL",
                binds![id, act.at],
            )?;
            end_all(tx, id, Entry::of(Event::UserDisabled), Cause::UserDisabled, act)
        })
    }

    /// Lets a user in again. False if there is no such user.
    pub fn enable_user(&self, id: &UserId, act: &Act<'_>) -> Result<bool, RegistryError> {
        self.write(|tx| {
            if tx.execute("UPDATE users SET disabled_at = NULL WHERE id = $1", binds![id])? == 0 {
                return Ok(false);
            }
            audit::append(tx, act, &Entry { user: Some(id), ..Entry::of(Event::UserEnabled) })?;
            Ok(true)
        })
    }

    /// Ends everything of a user, who may log in again at once. The log-out of one session, `by`, does so once: told again
    /// it changes nothing.
    pub fn end_user(
        &self,
        id: &UserId,
        by: Option<Handle>,
        cause: Cause,
        act: &Act<'_>,
    ) -> Result<Changed, RegistryError> {
        self.write(|tx| {
            if let Some(by) = &by
                && let Some(epoch) = ended_before(tx, id, by)?
            {
                return Ok(Changed::Done(epoch));
            }
            end_all(tx, id, Entry { session: by.as_ref(), ..Entry::of(Event::UserEnded) }, cause, act)
        })
    }

    /// Changes what apps may show: of two who change different parts at once, neither undoes the other. False if
    /// there is no such user.
    pub fn change_profile(
        &self,
        id: &UserId,
        act: &Act<'_>,
        change: impl FnOnce(Profile) -> Profile,
    ) -> Result<bool, RegistryError> {
        self.write(|tx| {
            let Some(user) = by_id(tx, id)? else { return Ok(false) };
            let Profile { name, locale, email, email_verified, roles } = change(user.profile);
            let updated = tx.execute(
                "UPDATE users SET name = $2, locale = $3, email = $4, email_verified = $5, roles = $6 \
                 WHERE id = $1",
                binds![
                    id,
                    name.as_deref(),
                    locale.as_deref(),
                    email.as_deref(),
                    email_verified,
                    &list(&roles)
                ],
            )?;
            if updated == 0 {
                return Ok(false);
            }
            outbox::announce(tx, act.at, &Ended::Claims(id.clone()), Cause::Revoked)?;
            audit::append(tx, act, &Entry { user: Some(id), ..Entry::of(Event::ProfileChanged) })?;
            Ok(true)
        })
    }
}

/// The user with this identifier.
pub(crate) fn by_id(snapshot: &Snapshot<'_>, id: &UserId) -> Result<Option<User>, RegistryError> {
    snapshot.one(select!("WHERE id = $1"), binds![id], user)
}

/// A user that a row of another table names.
pub(crate) fn named(snapshot: &Snapshot<'_>, id: &UserId) -> Result<User, RegistryError> {
    by_id(snapshot, id)?.ok_or_else(|| RegistryError::Inconsistent(format!("no user {id}")))
}

/// A list as it is stored.
pub(crate) fn list(texts: &[String]) -> String {
    serde_json::json!(texts).to_string()
}

/// The user's epoch, if this session has ended everything of the user before. The audit knows: its record is in the same
/// transaction, and outlives every session.
fn ended_before(tx: &Tx<'_>, id: &UserId, by: &Handle) -> Result<Option<Epoch>, RegistryError> {
    tx.one(
        "SELECT epoch FROM users WHERE id = $1 AND EXISTS \
         (SELECT 1 FROM audit WHERE session = $2 AND event = $3 AND user_id = $1)",
        binds![id, by, Event::UserEnded],
        |row| row.get("epoch"),
    )
}

fn end_all(
    tx: &Tx<'_>,
    id: &UserId,
    entry: Entry<'_>,
    cause: Cause,
    act: &Act<'_>,
) -> Result<Changed, RegistryError> {
    let Some(epoch) = end::everything_of_user(tx, id, cause, act)? else { return Ok(Changed::Unknown) };
    audit::append(tx, act, &Entry { user: Some(id), note: Some(end::word(cause)), ..entry })?;
    Ok(Changed::Done(epoch))
}

fn user(row: &Row<'_, '_>) -> Result<User, RegistryError> {
    Ok(User {
        id: row.get("id")?,
        login: row.get("login_typed")?,
        profile: Profile {
            name: row.get("name")?,
            locale: row.get("locale")?,
            email: row.get("email")?,
            email_verified: row.get("email_verified")?,
            roles: row.get("roles")?,
        },
        scopes: row.get("scopes")?,
        epoch: row.get("epoch")?,
        disabled_at: row.get("disabled_at")?,
        created_at: row.get("created_at")?,
    })
}
