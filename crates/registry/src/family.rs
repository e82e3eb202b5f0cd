//! Families of tokens for clients outside: everything that came from one code, or one answer to a machine. The
//! family is what ends, and what the feed names; its access tokens and its refresh token end with it.

use vestibule_domain::identity::{SignOnId, Timestamp, UserId, VisitorId};
use vestibule_domain::standing::Standing;
use vestibule_oauth::scope::ScopeSet;
use vestibule_oauth::token::{RANDOM_BYTES, RefreshToken};

use crate::audit::{self, Act, Entry, Event};
use crate::code::Authorization;
use crate::credential::Digest;
use crate::end;
use crate::refresh::Halves;
use crate::registry::Registry;
use crate::sql::{Bind, RegistryError, Row, Snapshot, Tx, binds};
use crate::user::{self, User};

/// Access tokens of one family that live side by side: those that requests under way still carry after a refresh.
/// With one more, the oldest goes.
pub const TOKENS_PER_FAMILY_MAX: u32 = 4;

/// What an access token is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// What it allows.
    pub scopes: ScopeSet,
    /// The standing of the visitor behind it. A client for itself has none.
    pub standing: Option<Standing>,
    /// When it dies.
    pub expires_at: Timestamp,
}

/// A family to be, from a code.
#[derive(Debug, Clone)]
pub struct NewFamily {
    /// Its name for others, random.
    pub name: String,
    /// Whom its tokens are about once the log-on is over.
    pub visitor: VisitorId,
    /// Random bytes of the first refresh token, if there is to be one.
    pub refresh: Option<[u8; RANDOM_BYTES]>,
    /// Whether the end of the sign-on session ends it.
    pub ends_with_sign_on: bool,
    /// What was granted; refreshes never get more.
    pub scopes: ScopeSet,
    /// When it is over, unless a refresh says otherwise. Not before its access tokens die.
    pub ends_at: Timestamp,
    /// Of its first access token.
    pub access: Digest,
    /// What that is worth.
    pub terms: Terms,
}

/// A family of one access token, for a client itself.
#[derive(Debug, Clone, Copy)]
pub struct NewClientToken<'a> {
    /// Whose.
    pub client: &'a str,
    /// Name of the family for others, random.
    pub name: &'a str,
    /// Of the access token.
    pub access: &'a Digest,
    /// What it allows.
    pub scopes: &'a ScopeSet,
    /// When it dies.
    pub expires_at: Timestamp,
}

/// A family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Family {
    /// Its name for others.
    pub name: String,
    /// The client that it was issued to.
    pub client: String,
    /// The user behind it.
    pub holder: Option<Holder>,
    /// The sign-on session whose end ends it.
    pub sign_on: Option<SignOnId>,
    /// What was granted.
    pub scopes: ScopeSet,
    /// When its first token was issued.
    pub born_at: Timestamp,
    /// When its newest refresh token was issued; `born_at` if none was used yet.
    pub rotated_at: Timestamp,
    /// When it is over.
    pub ends_at: Timestamp,
}

/// The user behind a family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Who.
    pub user: UserId,
    /// Whom its tokens are about once the log-on is over.
    pub visitor: VisitorId,
    /// When the credentials were given.
    pub auth_time: Timestamp,
    /// 1 password, 2 two factors.
    pub level: u8,
}

/// A live access token with everything behind it as of now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldToken {
    /// What it is worth.
    pub terms: Terms,
    /// Where it comes from.
    pub family: Family,
    /// The user behind it.
    pub user: Option<User>,
}

macro_rules! select {
    ($column:literal) => {
        concat!(
            "SELECT name, client_id, user_id, visitor, auth_time, level, sign_on, scopes, issued_at, ends_at, \
             secret, former_secret, salt, rotated_at FROM families WHERE ",
            $column,
            " = $1"
        )
    };
}
pub(crate) use select;

impl Registry {
    /// Keeps a token that a client asked for itself; with the cap reached, its oldest end. False if the client has
    /// been removed meanwhile.
    pub fn issue_client_token(&self, new: &NewClientToken<'_>, act: &Act<'_>) -> Result<bool, RegistryError> {
        let terms = Terms { scopes: new.scopes.clone(), standing: None, expires_at: new.expires_at };
        self.write(|tx| {
            if !tx.any("SELECT id FROM clients WHERE id = $1", binds![new.client])? {
                return Ok(false);
            }
            let sql = "SELECT name AS oldest FROM families \
                       WHERE client_id = $1 AND user_id IS NULL AND ends_at > $2 \
                       ORDER BY issued_at DESC, name DESC LIMIT $4 OFFSET $3";
            evict(tx, sql, new.client.into(), self.caps.tokens_per_client, act)?;
            tx.execute(
                "INSERT INTO families (name, client_id, scopes, issued_at, ends_at) VALUES ($1, $2, $3, $4, $5)",
                binds![new.name, new.client, &new.scopes.to_string(), act.at, new.expires_at],
            )?;
            insert_access_token(tx, new.name, new.access, &terms, act.at)?;
            Ok(true)
        })
    }

    /// What is behind an access token; `None` if it has ended or never was.
    pub fn access_token(&self, token: &Digest, now: Timestamp) -> Result<Option<HeldToken>, RegistryError> {
        self.read(|snapshot| {
            let Some((name, terms)) = terms(snapshot, token, now)? else { return Ok(None) };
            let family = snapshot.one(select!("name"), binds![&name], family)?;
            let family = family.ok_or_else(|| RegistryError::Inconsistent(format!("no family {name}")))?;
            let user =
                family.holder.as_ref().map(|holder| user::named(snapshot, &holder.user)).transpose()?;
            Ok(Some(HeldToken { terms, family, user }))
        })
    }

    /// Ends the family of an access token, if it is the client's own. Says whether it did (RFC 7009 2.1).
    pub fn revoke_access_token(
        &self,
        token: &Digest,
        client: &str,
        act: &Act<'_>,
    ) -> Result<bool, RegistryError> {
        self.write(|tx| {
            let name = tx.one(
                "SELECT families.name AS name FROM access_tokens \
                 JOIN families ON families.name = access_tokens.family \
                 WHERE access_tokens.digest = $1 AND families.client_id = $2",
                binds![token, client],
                |row| row.get::<String>("name"),
            )?;
            let Some(name) = name else { return Ok(false) };
            end::family(tx, &name, Event::TokensRevoked, act)?;
            Ok(true)
        })
    }
}

/// Writes a family with its first access token; with `cap` reached, the user's oldest end. Returns the refresh
/// token, if there is one.
pub(crate) fn insert(
    tx: &Tx<'_>,
    cap: u32,
    authorization: &Authorization,
    code: &Digest,
    new: &NewFamily,
    act: &Act<'_>,
) -> Result<Option<RefreshToken>, RegistryError> {
    let Authorization { client, user, sign_on, auth_time, level, .. } = authorization;
    let sql = "SELECT name AS oldest FROM families WHERE user_id = $1 AND ends_at > $2 \
               ORDER BY issued_at DESC, name DESC LIMIT $4 OFFSET $3";
    evict(tx, sql, user.into(), cap, act)?;
    let halves = new.refresh.as_ref().map(Halves::of_random);
    tx.execute(
        "INSERT INTO families (name, client_id, user_id, visitor, auth_time, level, sign_on, scopes, issued_at, \
         ends_at, code, refresh_key, secret) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        binds![
            &new.name,
            client,
            user,
            &new.visitor,
            *auth_time,
            *level,
            new.ends_with_sign_on.then_some(sign_on),
            &new.scopes.to_string(),
            act.at,
            new.ends_at,
            code,
            halves.as_ref().map(Halves::key).as_ref(),
            halves.as_ref().map(Halves::secret).as_ref(),
        ],
    )?;
    insert_access_token(tx, &new.name, &new.access, &new.terms, act.at)?;
    let entry = Entry {
        user: Some(user),
        client: Some(client),
        sign_on: Some(sign_on),
        note: Some(&new.name),
        ..Entry::of(Event::TokensIssued)
    };
    audit::append(tx, act, &entry)?;
    Ok(halves.map(|halves| halves.join(&new.name)))
}

/// Adds an access token to a family that has fewer than [`TOKENS_PER_FAMILY_MAX`], or loses its oldest.
pub(crate) fn insert_access_token(
    tx: &Tx<'_>,
    family: &str,
    token: &Digest,
    terms: &Terms,
    now: Timestamp,
) -> Result<(), RegistryError> {
    tx.execute(
        "DELETE FROM access_tokens WHERE family = $1 AND digest NOT IN \
         (SELECT digest FROM access_tokens WHERE family = $1 ORDER BY issued_at DESC, digest LIMIT $2)",
        binds![family, TOKENS_PER_FAMILY_MAX - 1],
    )?;
    tx.execute(
        "INSERT INTO access_tokens (digest, family, scopes, standing, issued_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6)",
        binds![token, family, &terms.scopes.to_string(), terms.standing, now, terms.expires_at],
    )?;
    Ok(())
}

/// The family and the worth of a live access token.
pub(crate) fn terms(
    snapshot: &Snapshot<'_>,
    token: &Digest,
    now: Timestamp,
) -> Result<Option<(String, Terms)>, RegistryError> {
    snapshot.one(
        "SELECT family, scopes, standing, expires_at FROM access_tokens WHERE digest = $1 AND expires_at > $2",
        binds![token, now],
        |row| {
            let terms = Terms {
                scopes: row.get("scopes")?,
                standing: row.get("standing")?,
                expires_at: row.get("expires_at")?,
            };
            Ok((row.get("family")?, terms))
        },
    )
}

/// A family from its row.
pub(crate) fn family(row: &Row<'_, '_>) -> Result<Family, RegistryError> {
    let born_at = row.get("issued_at")?;
    let holder = match row.get::<Option<UserId>>("user_id")? {
        Some(user) => Some(Holder {
            user,
            visitor: row.get("visitor")?,
            auth_time: row.get("auth_time")?,
            level: row.get("level")?,
        }),
        None => None,
    };
    Ok(Family {
        name: row.get("name")?,
        client: row.get("client_id")?,
        holder,
        sign_on: row.get("sign_on")?,
        scopes: row.get("scopes")?,
        born_at,
        rotated_at: row.get::<Option<Timestamp>>("rotated_at")?.unwrap_or(born_at),
        ends_at: row.get("ends_at")?,
    })
}

fn evict(tx: &Tx<'_>, oldest: &str, owner: Bind<'_>, cap: u32, act: &Act<'_>) -> Result<(), RegistryError> {
    let names: Vec<String> = end::surplus(tx, oldest, owner, act.at, cap)?;
    names.iter().try_for_each(|name| end::family(tx, name, Event::Evicted, act))
}
