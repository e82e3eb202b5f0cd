//! Authorization codes, by their hash. The first who shows one uses it up, rightly or not; what it became keeps its
//! hash, so that a second showing ends that for as long as there is something to end. RFC 6749 4.1.2, 10.5.

use vestibule_domain::identity::{SignOnId, Timestamp, UserId};
use vestibule_oauth::pkce::CodeChallenge;
use vestibule_oauth::scope::ScopeSet;
use vestibule_oauth::token::RefreshToken;

use crate::audit::{self, Act, Entry, Event};
use crate::credential::Digest;
use crate::family::{self, NewFamily};
use crate::grant::{self, NewGrant};
use crate::registry::Registry;
use crate::sql::{RegistryError, Row, Tx, binds};
use crate::user::{self, User};
use crate::{end, sign_on};

/// Most codes of one sign-on session that wait to be redeemed; with one more, the oldest goes.
pub const CODES_PER_SIGN_ON_MAX: u32 = 32;

/// A code to be. User, `auth_time` and level are those of the sign-on session.
#[derive(Debug, Clone, Copy)]
pub struct NewCode<'a> {
    /// Of the code.
    pub digest: &'a Digest,
    /// For whom.
    pub client: &'a str,
    /// From which log-in.
    pub sign_on: &'a SignOnId,
    /// As named in the authorization request.
    pub redirect_uri: Option<&'a str>,
    /// What the redeemer has to prove.
    pub challenge: &'a CodeChallenge,
    /// For the ID token.
    pub nonce: Option<&'a str>,
    /// What was asked for and may be given.
    pub scopes: &'a ScopeSet,
    /// When the code dies unredeemed.
    pub expires_at: Timestamp,
}

/// What a code stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorization {
    /// For whom it was issued.
    pub client: String,
    /// Who authorized.
    pub user: UserId,
    /// In which sign-on session.
    pub sign_on: SignOnId,
    /// As named in the authorization request.
    pub redirect_uri: Option<String>,
    /// What the redeemer has to prove.
    pub challenge: CodeChallenge,
    /// For the ID token.
    pub nonce: Option<String>,
    /// What may be given.
    pub scopes: ScopeSet,
    /// When the credentials were given.
    pub auth_time: Timestamp,
    /// 1 password, 2 two factors.
    pub level: u8,
    /// From here on the code is worth nothing.
    pub expires_at: Timestamp,
}

/// What a code becomes.
#[derive(Debug, Clone)]
pub enum Issue {
    /// A log-on of a site.
    Grant(NewGrant),
    /// Tokens for a client outside.
    Family(NewFamily),
}

/// What became of a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redeemed<E> {
    /// What was decided to be issued has been.
    Issued(Box<Redemption>),
    /// The decision was no. The code is used up.
    Refused(E),
    /// Never issued, used up, or ended with its sign-on session, user or client. If it had become something, that
    /// has ended now.
    Unknown,
}

/// A code that became something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redemption {
    /// What the code stood for.
    pub authorization: Authorization,
    /// Who authorized, as of now.
    pub user: User,
    /// If a family with refresh tokens was issued.
    pub refresh: Option<RefreshToken>,
}

impl Registry {
    /// Keeps a code. False if its sign-on session or its client has ended meanwhile.
    pub fn issue_code(&self, new: &NewCode<'_>, now: Timestamp) -> Result<bool, RegistryError> {
        self.write(|tx| {
            let Some(sign_on) = sign_on::live(tx, new.sign_on, now)? else { return Ok(false) };
            if !tx.any("SELECT id FROM clients WHERE id = $1", binds![new.client])? {
                return Ok(false);
            }
            tx.execute(
                "DELETE FROM codes WHERE sign_on = $1 AND digest NOT IN \
                 (SELECT digest FROM codes WHERE sign_on = $1 ORDER BY issued_at DESC, digest LIMIT $2)",
                binds![new.sign_on, CODES_PER_SIGN_ON_MAX - 1],
            )?;
            tx.execute(
                "INSERT INTO codes (digest, client_id, sign_on, user_id, redirect_uri, challenge, nonce, scopes, \
                 auth_time, level, issued_at, expires_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
                binds![
                    new.digest,
                    new.client,
                    new.sign_on,
                    &sign_on.user,
                    new.redirect_uri,
                    new.challenge.as_bytes(),
                    new.nonce,
                    &new.scopes.to_string(),
                    sign_on.auth_time,
                    sign_on.level,
                    now,
                    new.expires_at,
                ],
            )?;
            Ok(true)
        })
    }

    /// Uses a code up and issues what `decide` says: it sees what the code stands for, expired or not.
    pub fn redeem_code<E>(
        &self,
        digest: &Digest,
        act: &Act<'_>,
        decide: impl FnOnce(&Authorization, &User) -> Result<Issue, E>,
    ) -> Result<Redeemed<E>, RegistryError> {
        self.write(|tx| {
            let Some(authorization) = take(tx, digest)? else {
                end_what_it_became(tx, digest, act)?;
                return Ok(Redeemed::Unknown);
            };
            let user = user::named(tx, &authorization.user)?;
            let issue = match decide(&authorization, &user) {
                Ok(issue) => issue,
                Err(refusal) => {
                    let (user, client) = (Some(&user.id), Some(authorization.client.as_str()));
                    audit::append(tx, act, &Entry { user, client, ..Entry::of(Event::CodeRefused) })?;
                    return Ok(Redeemed::Refused(refusal));
                }
            };
            let refresh = match issue {
                Issue::Grant(new) => {
                    grant::insert(tx, self.caps.grants_per_user, &authorization, digest, &new, act)?;
                    None
                }
                Issue::Family(new) => {
                    family::insert(tx, self.caps.families_per_user, &authorization, digest, &new, act)?
                }
            };
            Ok(Redeemed::Issued(Box::new(Redemption { authorization, user, refresh })))
        })
    }
}

fn take(tx: &Tx<'_>, digest: &Digest) -> Result<Option<Authorization>, RegistryError> {
    tx.one(
        "DELETE FROM codes WHERE digest = $1 RETURNING client_id, user_id, sign_on, redirect_uri, challenge, \
         nonce, scopes, auth_time, level, expires_at",
        binds![digest],
        authorization,
    )
}

/// RFC 6749 4.1.2: if a code is used more than once, the tokens issued from it should be revoked.
fn end_what_it_became(tx: &Tx<'_>, digest: &Digest, act: &Act<'_>) -> Result<(), RegistryError> {
    let name = |row: &Row<'_, '_>| row.get::<String>("name");
    for grant in tx.all("SELECT name FROM grants WHERE code = $1", binds![digest], name)? {
        end::grant(tx, &grant, Event::CodeReplayed, act)?;
    }
    for family in tx.all("SELECT name FROM families WHERE code = $1", binds![digest], name)? {
        end::family(tx, &family, Event::CodeReplayed, act)?;
    }
    Ok(())
}

fn authorization(row: &Row<'_, '_>) -> Result<Authorization, RegistryError> {
    Ok(Authorization {
        client: row.get("client_id")?,
        user: row.get("user_id")?,
        sign_on: row.get("sign_on")?,
        redirect_uri: row.get("redirect_uri")?,
        challenge: row.get("challenge")?,
        nonce: row.get("nonce")?,
        scopes: row.get("scopes")?,
        auth_time: row.get("auth_time")?,
        level: row.get("level")?,
        expires_at: row.get("expires_at")?,
    })
}
