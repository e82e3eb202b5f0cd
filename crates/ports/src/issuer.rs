//! What the faces ask of the identity provider: log-ons, tokens, ends, and the feed of ends.
//! The only door to signatures. Must not know whether the provider is in this process or behind HTTP.

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use serde::{Deserialize, Serialize};
use vestibule_domain::identity::{
    Epoch, GrantDigest, Handle, SignOnId, SiteId, Timestamp, UserId, VisitorId,
};
use vestibule_oauth::pkce::Verifier;
use vestibule_oauth::scope::ScopeSet;
use vestibule_oauth::token::{AccessToken, Code, GrantToken, Jpt, Jwt};

use crate::clock::Mono;

pub use vestibule_domain::audit::Cause;

/// A log-in's return from the identity provider, to be turned into a log-on. Used up by the first try.
#[derive(Debug, Clone)]
pub struct Redeem {
    /// The site whose log-on client asked for the code.
    pub site: SiteId,
    /// What the browser brought back.
    pub code: Code,
    /// The PKCE verifier (RFC 7636 4.1).
    pub verifier: Verifier,
    /// What the ID token must repeat (OpenID Connect Core 3.1.3.7).
    pub nonce: String,
    /// The one given when the code was asked for (RFC 6749 4.1.3).
    pub redirect_uri: String,
}

/// A user has proved who he is.
#[derive(Debug, Clone)]
pub struct LogOn {
    /// What gets JPTs for this log-on.
    pub grant: GrantToken,
    /// The user.
    pub sub: UserId,
    /// When the credentials were given.
    pub auth_time: Timestamp,
    /// 1 password, 2 two factors.
    pub level: u8,
    /// The latest end of the log-on.
    pub ends_at: Timestamp,
    /// The provider's session that it came from.
    pub sign_on: SignOnId,
    /// Claims of the user: the text of a JSON object.
    pub claims: String,
}

/// Whom a JPT is for. The proxy can name a visitor, never a user.
#[derive(Debug, Clone)]
pub enum Mint {
    /// Everyone on a site of whom nothing is known.
    Anonymous {
        /// The site.
        site: SiteId,
    },
    /// A visitor who is remembered.
    Returning {
        /// The site.
        site: SiteId,
        /// Random, per site.
        visitor: VisitorId,
        /// The session's handle.
        sid: Handle,
        /// The session's epoch.
        ep: Epoch,
    },
    /// A visitor who has logged on.
    LoggedOn {
        /// From the log-on; user, scopes and times follow from it.
        grant: GrantToken,
        /// Random, per site.
        visitor: VisitorId,
        /// The session's handle.
        sid: Handle,
        /// The session's epoch.
        ep: Epoch,
    },
}

/// A JPT as it goes to a web app.
#[derive(Debug, Clone)]
pub struct Minted {
    /// The token.
    pub jpt: Jpt,
    /// When it stops being valid.
    pub expires_at: Timestamp,
    /// Fresh claims of the user, the text of a JSON object; `{}` without a user.
    pub claims: String,
    /// The log-on's grant, as the feed names it.
    pub grant: Option<String>,
    /// The user and his epoch, if a user is behind it.
    pub user: Option<(UserId, Epoch)>,
    /// The sign-on session, if the user came through one.
    pub sign_on: Option<SignOnId>,
}

/// A token as it was presented, at the door that takes its kind.
#[derive(Debug, Clone)]
pub enum Presented {
    /// The gateway's outside listener.
    Outside(AccessToken),
    /// The gateway's inside listener.
    Inside(Jpt),
}

/// A JWT with everything that can end it before it expires.
#[derive(Debug, Clone)]
pub struct Swapped {
    /// The token for services.
    pub jwt: Jwt,
    /// When it stops being valid.
    pub expires_at: Timestamp,
    /// What it allows, for the gateway's check.
    pub scopes: ScopeSet,
    /// The client it was issued to.
    pub client: String,
    /// Session and epoch, if a session is behind it.
    pub session: Option<(Handle, Epoch)>,
    /// The log-on's grant, as the feed names it.
    pub grant: Option<String>,
    /// The family of refresh tokens, as the feed names it.
    pub family: Option<String>,
    /// The user and his epoch, if a user is behind it.
    pub user: Option<(UserId, Epoch)>,
    /// The sign-on session, if the user came through one.
    pub sign_on: Option<SignOnId>,
    /// The identifier of the key that signed it (RFC 7515 4.1.4).
    pub key: String,
}

/// What a caller may end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// Tokens of a session up to and including an epoch.
    Session {
        /// The session's handle.
        sid: Handle,
        /// Later epochs live on.
        ep: Epoch,
    },
    /// A sign-on session and every log-on that came from it.
    SignOn(SignOnId),
    /// Everything of a user.
    User {
        /// Whose.
        id: UserId,
        /// The session that was logged out everywhere. Told again for the same one it ends nothing more: the user may have
        /// logged on again since.
        by: Option<Handle>,
    },
    /// One log-on that no session has got.
    Grant(GrantDigest),
}

/// What has ended, as the feed tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    /// Tokens of a session up to and including an epoch.
    Session {
        /// The session's handle.
        sid: Handle,
        /// Later epochs live on.
        ep: Epoch,
    },
    /// A sign-on session.
    SignOn(SignOnId),
    /// A log-on's grant, by its public name.
    Grant(String),
    /// A family of refresh tokens, by its public name.
    Family(String),
    /// Everything of a user that is older than an epoch.
    User {
        /// The user.
        user: UserId,
        /// The epoch that is valid now.
        epoch: Epoch,
    },
    /// Everything of a client.
    Client(String),
    /// Everything that a key has signed.
    Key(String),
    /// The claims of a user have changed: nothing has ended, but cached claims have.
    Claims(UserId),
}

/// One element of the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeedItem {
    /// Something has ended.
    Ended {
        /// Grows by one each; where to go on after a reconnect.
        seq: u64,
        /// What.
        ended: Ended,
        /// Why.
        cause: Cause,
    },
    /// Every end acknowledged before `sent` has been delivered.
    Heartbeat {
        /// The newest sequence number at that time.
        seq: u64,
        /// On this process's clock and never later than the true sending; an adapter over a network must have
        /// it from a round trip.
        sent: Mono,
    },
    /// The provider no longer has all ends after the one asked for: trust nothing cached before.
    Gap {
        /// The sequence number that the feed goes on after.
        seq: u64,
    },
}

/// The feed. It ends with an error or when the connection is lost; ask again with the last number.
pub type Feed = BoxStream<'static, Result<FeedItem, IssuerError>>;

/// The provider understood and said no. Only `Grant` tells something about a log-on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// Code or grant unknown, used, ended or expired; session or user ended (`invalid_grant`).
    #[error("invalid grant")]
    Grant,
    /// The presented token is unknown, ended, expired or of another door (`invalid_token`).
    #[error("invalid token")]
    Token,
    /// This site or role client may not ask that (`unauthorized_client`): a mistake in the configuration.
    #[error("not allowed to ask")]
    Client,
}

/// Why there is no answer, or none that helps.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IssuerError {
    /// A definite no.
    #[error("issuer refused: {0}")]
    Refused(Refusal),
    /// Could not be asked, or failed: nothing follows for any session.
    #[error("issuer unreachable: {0}")]
    Unreachable(String),
    /// No answer in time: nothing follows for any session.
    #[error("issuer did not answer in time")]
    Deadline,
    /// The answer made no sense.
    #[error("issuer misbehaved: {0}")]
    Bug(String),
}

/// The identity provider as the faces see it. Only `redeem` and `end` commit; `mint` keeps `seen` at most.
#[async_trait]
pub trait Issuer: Send + Sync + 'static {
    /// Turns a code into a log-on.
    async fn redeem(&self, redeem: Redeem) -> Result<LogOn, IssuerError>;

    /// Signs a JPT. `seen` is the visitor's last sliding request, for the sign-on session's idle limit.
    async fn mint(&self, mint: Mint, seen: Option<Timestamp>) -> Result<Minted, IssuerError>;

    /// Turns a presented token into a JWT, if everything behind it is alive.
    async fn swap(&self, presented: Presented) -> Result<Swapped, IssuerError>;

    /// Ends something for good. Ending what has ended is fine.
    async fn end(&self, end: End, cause: Cause) -> Result<(), IssuerError>;

    /// Follows all ends after a sequence number. Subscribed once this returns.
    async fn feed(&self, after: u64) -> Result<Feed, IssuerError>;
}
