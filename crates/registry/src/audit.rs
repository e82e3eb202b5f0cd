//! The audit trail: one record for each change, written in the change's own transaction. Never changed, kept for a
//! year. Must not hold a credential, nor the hash of one.

use std::net::IpAddr;

use vestibule_domain::identity::{Handle, SignOnId, Timestamp, UserId};

use crate::registry::Registry;
use crate::sql::{Bind, RegistryError, Row, Tx, binds, column, stored_words};

/// Most records in one answer.
pub const AUDIT_PAGE_MAX: u32 = 200;

/// Stands for the user who does not exist, so that work for him can be the same as for others. No user has this
/// identifier: those are random.
pub const NOBODY: &str = "nobody";

/// Who does something, when, and from where: part of every change.
#[derive(Debug, Clone, Copy)]
pub struct Act<'a> {
    /// When.
    pub at: Timestamp,
    /// Who: a client, an administrator, the program itself.
    pub by: &'a str,
    /// The address that the order came from, where it came from outside.
    pub from: Option<IpAddr>,
}

stored_words! {
    /// What has been done.
    Event {
        /// A user was created.
        UserCreated = "user-created",
        /// Name, locale, mail address or roles of a user changed.
        ProfileChanged = "profile-changed",
        /// A password was set; everything of the user ended.
        PasswordChanged = "password-changed",
        /// A user was kept out; everything of the user ended.
        UserDisabled = "user-disabled",
        /// A user was let in again.
        UserEnabled = "user-enabled",
        /// Everything of a user ended.
        UserEnded = "user-ended",
        /// Credentials were given and right.
        LoggedIn = "logged-in",
        /// Passwords were tried in a row, none right before the last, until the next try has to wait.
        TriesSlowed = "tries-slowed",
        /// A sign-on session ended.
        SignOnEnded = "sign-on-ended",
        /// A session of the proxy ended, up to an epoch.
        SessionEnded = "session-ended",
        /// A code became a log-on.
        GrantIssued = "grant-issued",
        /// A log-on came to nothing at the site that had asked for it; its grant ended.
        GrantForsaken = "grant-forsaken",
        /// A code became tokens.
        TokensIssued = "tokens-issued",
        /// A code was shown by somebody who may not redeem it; it is used up.
        CodeRefused = "code-refused",
        /// A code came a second time; what it had become ended.
        CodeReplayed = "code-replayed",
        /// A refresh token came a second time; its family ended.
        RefreshReused = "refresh-reused",
        /// A client gave a token back; its family ended.
        TokensRevoked = "tokens-revoked",
        /// There were too many of one kind; the oldest ended.
        Evicted = "evicted",
        /// A client was registered or changed.
        ClientConfigured = "client-configured",
        /// A client was removed; everything of it ended.
        ClientRemoved = "client-removed",
        /// A signing key was made.
        KeyCreated = "key-created",
        /// A signing key must not be trusted any more.
        KeyEnded = "key-ended",
    }
}

impl Event {
    /// The same in a sentence, for people.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::UserCreated => "The user was created.",
            Self::ProfileChanged => "Name, locale, mail address or roles changed.",
            Self::PasswordChanged => "A password was set; everything of the user ended.",
            Self::UserDisabled => "The user was kept out; everything of the user ended.",
            Self::UserEnabled => "The user was let in again.",
            Self::UserEnded => "Everything of the user ended.",
            Self::LoggedIn => "Credentials were given and right.",
            Self::TriesSlowed => "Many passwords were tried in a row; further tries are slowed down.",
            Self::SignOnEnded => "A sign-on session ended.",
            Self::SessionEnded => "A session ended.",
            Self::GrantIssued => "A site logged the user on.",
            Self::GrantForsaken => "A log-on could not be kept at its site, and ended.",
            Self::TokensIssued => "An app got tokens.",
            Self::CodeRefused => "A code was shown by somebody who may not redeem it.",
            Self::CodeReplayed => "A code came a second time; what it had become ended.",
            Self::RefreshReused => "A refresh token came a second time; its tokens ended.",
            Self::TokensRevoked => "An app gave its tokens back.",
            Self::Evicted => "There were too many; the oldest ended.",
            Self::ClientConfigured => "A client was registered or changed.",
            Self::ClientRemoved => "A client was removed; everything of it ended.",
            Self::KeyCreated => "A signing key was made.",
            Self::KeyEnded => "A signing key ended, with everything that it had signed.",
        }
    }
}

/// One record as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Grows with each record.
    pub id: u64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// From where.
    pub from: Option<IpAddr>,
    /// What.
    pub event: Event,
    /// The user that it concerns.
    pub user: Option<UserId>,
    /// The client that it concerns.
    pub client: Option<String>,
    /// The sign-on session that it concerns.
    pub sign_on: Option<SignOnId>,
    /// The session that it concerns.
    pub session: Option<Handle>,
    /// A cause or a name.
    pub note: Option<String>,
}

/// Whose records are asked for.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'a> {
    /// Of a user.
    User(&'a UserId),
    /// Of a client.
    Client(&'a str),
    /// Of a sign-on session.
    SignOn(&'a SignOnId),
    /// Of a session of the proxy.
    Session(&'a Handle),
}

/// What a change adds to the trail.
#[derive(Clone, Copy)]
pub(crate) struct Entry<'a> {
    pub(crate) event: Event,
    pub(crate) user: Option<&'a UserId>,
    pub(crate) client: Option<&'a str>,
    pub(crate) sign_on: Option<&'a SignOnId>,
    pub(crate) session: Option<&'a Handle>,
    pub(crate) note: Option<&'a str>,
}

impl Entry<'_> {
    /// An entry that concerns nobody yet.
    pub(crate) const fn of(event: Event) -> Self {
        Self { event, user: None, client: None, sign_on: None, session: None, note: None }
    }
}

/// Adds a record to the change.
pub(crate) fn append(tx: &Tx<'_>, act: &Act<'_>, entry: &Entry<'_>) -> Result<(), RegistryError> {
    insert(tx, act, entry, entry.user.map(UserId::as_str))
}

/// Adds a record about nobody: for the work alone, until the next sweep.
pub(crate) fn append_for_nobody(tx: &Tx<'_>, act: &Act<'_>, entry: &Entry<'_>) -> Result<(), RegistryError> {
    insert(tx, act, entry, Some(NOBODY))
}

/// Removes records about nobody, at most `limit` of them.
pub(crate) fn forget_nobody(tx: &Tx<'_>, limit: u32) -> Result<usize, RegistryError> {
    tx.execute(
        "DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE user_id = $1 ORDER BY id LIMIT $2)",
        binds![NOBODY, limit],
    )
}

fn insert(tx: &Tx<'_>, act: &Act<'_>, entry: &Entry<'_>, user: Option<&str>) -> Result<(), RegistryError> {
    let from = act.from.map(|address| address.to_string());
    tx.execute(
        "INSERT INTO audit (at, done_by, from_address, event, user_id, client_id, sign_on, session, note) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        binds![
            act.at,
            act.by,
            from.as_deref(),
            entry.event,
            user,
            entry.client,
            entry.sign_on,
            entry.session,
            entry.note,
        ],
    )?;
    Ok(())
}

macro_rules! select {
    ($column:literal) => {
        concat!(
            "SELECT id, at, done_by, from_address, event, user_id, client_id, sign_on, session, note FROM audit \
             WHERE ",
            $column,
            " = $1 AND id < $2 ORDER BY id DESC LIMIT $3"
        )
    };
}

impl Registry {
    /// Records about `subject`, the newest first, older than the record `before`, at most [`AUDIT_PAGE_MAX`].
    pub fn audit(&self, subject: Subject<'_>, before: Option<u64>) -> Result<Vec<Record>, RegistryError> {
        let (sql, subject) = match subject {
            Subject::User(user) => (select!("user_id"), Bind::from(user)),
            Subject::Client(client) => (select!("client_id"), Bind::from(client)),
            Subject::SignOn(sign_on) => (select!("sign_on"), Bind::from(sign_on)),
            Subject::Session(handle) => (select!("session"), Bind::from(handle)),
        };
        let before = before.unwrap_or(u64::MAX);
        self.read(|snapshot| snapshot.all(sql, binds![subject, before, AUDIT_PAGE_MAX], record))
    }
}

fn record(row: &Row<'_, '_>) -> Result<Record, RegistryError> {
    Ok(Record {
        id: row.get("id")?,
        at: row.get("at")?,
        by: row.get("done_by")?,
        from: row.get("from_address")?,
        event: row.get("event")?,
        user: row.get("user_id")?,
        client: row.get("client_id")?,
        sign_on: row.get("sign_on")?,
        session: row.get("session")?,
        note: row.get("note")?,
    })
}

column! {
    IpAddr: String, |text| text.parse().ok();
}
