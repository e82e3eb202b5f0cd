//! Grants: what ties a log-on of a site to its user, sign-on session and end. The proxy shows one to get JPTs.
//! Kept by hash, named to others by a name that opens nothing.

use vestibule_domain::identity::{SignOnId, SiteId, Timestamp, UserId};
use vestibule_oauth::scope::ScopeSet;

use crate::audit::{self, Act, Entry, Event};
use crate::code::Authorization;
use crate::credential::Digest;
use crate::end;
use crate::registry::Registry;
use crate::sql::{RegistryError, Row, Snapshot, Tx, binds};
use crate::user::{self, User};

/// A grant to be. Everything else is what the code stood for.
#[derive(Debug, Clone)]
pub struct NewGrant {
    /// Of the grant token.
    pub digest: Digest,
    /// Its name for others, random.
    pub name: String,
    /// The site that redeems the code.
    pub site: SiteId,
    /// Latest end of the log-on.
    pub ends_at: Timestamp,
}

/// A grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Its name for others.
    pub name: String,
    /// The site's log-on client.
    pub client: String,
    /// Who logged on.
    pub user: UserId,
    /// The sign-on session that it came from.
    pub sign_on: SignOnId,
    /// Where.
    pub site: SiteId,
    /// What was asked for and may be given.
    pub scopes: ScopeSet,
    /// When the credentials were given.
    pub auth_time: Timestamp,
    /// 1 password, 2 two factors.
    pub level: u8,
    /// Latest end of the log-on.
    pub ends_at: Timestamp,
}

/// A live grant with its user as of now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogOn {
    /// The grant.
    pub grant: Grant,
    /// Its user.
    pub user: User,
}

macro_rules! select {
    ($column:literal) => {
        concat!(
            "SELECT name, client_id, user_id, sign_on, site, scopes, auth_time, level, ends_at FROM grants WHERE ",
            $column,
            " = $1 AND ends_at > $2"
        )
    };
}

impl Registry {
    /// The log-on behind a grant token; `None` if it has ended or never was.
    pub fn log_on(&self, grant: &Digest, now: Timestamp) -> Result<Option<LogOn>, RegistryError> {
        self.read(|snapshot| {
            let grant = snapshot.one(select!("digest"), binds![grant, now], row)?;
            with_user(snapshot, grant)
        })
    }

    /// The log-on behind a grant's name, as signed tokens carry it; `None` if it has ended or never was.
    pub fn log_on_named(&self, name: &str, now: Timestamp) -> Result<Option<LogOn>, RegistryError> {
        self.read(|snapshot| {
            let grant = snapshot.one(select!("name"), binds![name, now], row)?;
            with_user(snapshot, grant)
        })
    }
}

/// Writes a grant; with `cap` reached, the user's oldest ones end.
pub(crate) fn insert(
    tx: &Tx<'_>,
    cap: u32,
    authorization: &Authorization,
    code: &Digest,
    new: &NewGrant,
    act: &Act<'_>,
) -> Result<(), RegistryError> {
    let Authorization { client, user, sign_on, scopes, auth_time, level, .. } = authorization;
    let oldest: Vec<String> = end::surplus(
        tx,
        "SELECT name AS oldest FROM grants WHERE user_id = $1 AND ends_at > $2 \
         ORDER BY issued_at DESC, name DESC LIMIT $4 OFFSET $3",
        user.into(),
        act.at,
        cap,
    )?;
    for name in &oldest {
        end::grant(tx, name, Event::Evicted, act)?;
    }
    tx.execute(
        "INSERT INTO grants (digest, name, client_id, user_id, sign_on, site, scopes, auth_time, level, issued_at, \
         ends_at, code) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        binds![
            &new.digest,
            &new.name,
            client,
            user,
            sign_on,
            &new.site,
            &scopes.to_string(),
            *auth_time,
            *level,
            act.at,
            new.ends_at,
            code,
        ],
    )?;
    let entry = Entry {
        user: Some(user),
        client: Some(client),
        sign_on: Some(sign_on),
        note: Some(&new.name),
        ..Entry::of(Event::GrantIssued)
    };
    audit::append(tx, act, &entry)
}

fn with_user(snapshot: &Snapshot<'_>, grant: Option<Grant>) -> Result<Option<LogOn>, RegistryError> {
    let Some(grant) = grant else { return Ok(None) };
    let user = user::named(snapshot, &grant.user)?;
    Ok(Some(LogOn { grant, user }))
}

fn row(row: &Row<'_, '_>) -> Result<Grant, RegistryError> {
    Ok(Grant {
        name: row.get("name")?,
        client: row.get("client_id")?,
        user: row.get("user_id")?,
        sign_on: row.get("sign_on")?,
        site: row.get("site")?,
        scopes: row.get("scopes")?,
        auth_time: row.get("auth_time")?,
        level: row.get("level")?,
        ends_at: row.get("ends_at")?,
    })
}
