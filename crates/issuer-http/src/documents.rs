//! The JSON documents between role clients and the provider's inside listener. They carry credentials in the clear,
//! so none of those prints. Must not know a connection.

use serde::{Deserialize, Serialize};
use vestibule_domain::identity::{Epoch, Handle, SignOnId, SiteId, Timestamp, UserId, VisitorId};
use vestibule_oauth::pkce::Verifier;
use vestibule_oauth::scope::ScopeSet;
use vestibule_oauth::token::{AccessToken, Code, GrantToken, Jpt, Jwt};
use vestibule_ports::issuer::{
    Cause, End, Ended, FeedItem, LogOn, Mint, Minted, Presented, Redeem, Refusal, Swapped,
};

/// Where each call goes.
pub mod path {
    /// `POST` a [`RedeemCall`](super::RedeemCall).
    pub const REDEEM: &str = "/inside/redeem";
    /// `POST` a [`MintCall`](super::MintCall).
    pub const MINT: &str = "/inside/mint";
    /// `POST` a [`SwapCall`](super::SwapCall).
    pub const SWAP: &str = "/inside/swap";
    /// `POST` an [`EndCall`](super::EndCall); the answer is `null`.
    pub const END: &str = "/inside/end";
    /// `GET` with a [`FeedCall`](super::FeedCall) as query.
    pub const FEED: &str = "/inside/feed";
}

/// A member of a document is not what it should be. Says no more: it may be a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed {0} in a document")]
pub struct Malformed(&'static str);

/// `Redeem`
#[derive(Serialize, Deserialize)]
pub struct RedeemCall {
    site: SiteId,
    code: String,
    verifier: String,
    nonce: String,
    redirect_uri: String,
}

/// `LogOn`
#[derive(Serialize, Deserialize)]
pub struct LogOnAnswer {
    grant: String,
    sub: UserId,
    auth_time: Timestamp,
    level: u8,
    ends_at: Timestamp,
    sign_on: SignOnId,
    claims: String,
}

/// `Mint` with the visitor's last sliding request.
#[derive(Serialize, Deserialize)]
pub struct MintCall {
    /// For whom.
    pub whom: Whom,
    /// The last sliding request.
    pub seen: Option<Timestamp>,
}

/// `Mint`
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the port's `Mint` has the words")]
pub enum Whom {
    Anonymous { site: SiteId },
    Returning { site: SiteId, visitor: VisitorId, sid: Handle, ep: Epoch },
    LoggedOn { grant: String, visitor: VisitorId, sid: Handle, ep: Epoch },
}

/// `Minted`
#[derive(Serialize, Deserialize)]
pub struct MintedAnswer {
    jpt: String,
    expires_at: Timestamp,
    claims: String,
    grant: Option<String>,
    user: Option<(UserId, Epoch)>,
    sign_on: Option<SignOnId>,
}

/// `Presented`
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the port's `Presented` has the words")]
pub enum SwapCall {
    Outside(String),
    Inside(String),
}

/// `Swapped`
#[derive(Serialize, Deserialize)]
pub struct SwappedAnswer {
    jwt: String,
    expires_at: Timestamp,
    scopes: String,
    client: String,
    session: Option<(Handle, Epoch)>,
    grant: Option<String>,
    family: Option<String>,
    user: Option<(UserId, Epoch)>,
    sign_on: Option<SignOnId>,
    key: String,
}

/// What to end, and why.
#[derive(Debug, Serialize, Deserialize)]
pub struct EndCall {
    /// What.
    pub end: End,
    /// Why.
    pub cause: Cause,
}

/// Which page of the feed.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct FeedCall {
    /// The last number that the caller knows.
    pub after: u64,
    /// Milliseconds for which the answer may be held back while nothing ends.
    pub wait_ms: u64,
}

/// One page of the feed, to be read in the order of its members. Never empty.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedPage {
    /// Not all ends after the number asked for are there any more; the feed goes on after this one.
    pub gap: Option<u64>,
    /// What has ended, in order.
    pub ends: Vec<Told>,
    /// The newest number, if there was nothing beyond this page when the provider looked.
    pub heartbeat: Option<u64>,
}

/// One end.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Its number.
    pub seq: u64,
    /// What has ended.
    pub ended: Ended,
    /// Why.
    pub cause: Cause,
}

/// The provider's no, beside a status of 400 and more.
#[derive(Debug, Serialize, Deserialize)]
pub struct Refused {
    /// Which.
    pub refused: Refusal,
}

impl From<Redeem> for RedeemCall {
    fn from(redeem: Redeem) -> Self {
        let Redeem { site, code, verifier, nonce, redirect_uri } = redeem;
        let (code, verifier) = (code.expose().to_owned(), verifier.expose().to_owned());
        Self { site, code, verifier, nonce, redirect_uri }
    }
}

impl TryFrom<RedeemCall> for Redeem {
    type Error = Malformed;

    fn try_from(call: RedeemCall) -> Result<Self, Malformed> {
        let RedeemCall { site, code, verifier, nonce, redirect_uri } = call;
        let code = Code::parse(&code).map_err(|_| Malformed("code"))?;
        let verifier = Verifier::parse(&verifier).map_err(|_| Malformed("verifier"))?;
        Ok(Self { site, code, verifier, nonce, redirect_uri })
    }
}

impl From<LogOn> for LogOnAnswer {
    fn from(log_on: LogOn) -> Self {
        let LogOn { grant, sub, auth_time, level, ends_at, sign_on, claims } = log_on;
        Self { grant: grant.expose().to_owned(), sub, auth_time, level, ends_at, sign_on, claims }
    }
}

impl TryFrom<LogOnAnswer> for LogOn {
    type Error = Malformed;

    fn try_from(answer: LogOnAnswer) -> Result<Self, Malformed> {
        let LogOnAnswer { grant, sub, auth_time, level, ends_at, sign_on, claims } = answer;
        let grant = GrantToken::parse(&grant).map_err(|_| Malformed("grant"))?;
        Ok(Self { grant, sub, auth_time, level, ends_at, sign_on, claims })
    }
}

impl From<Mint> for Whom {
    fn from(mint: Mint) -> Self {
        match mint {
            Mint::Anonymous { site } => Self::Anonymous { site },
            Mint::Returning { site, visitor, sid, ep } => Self::Returning { site, visitor, sid, ep },
            Mint::LoggedOn { grant, visitor, sid, ep } => {
                Self::LoggedOn { grant: grant.expose().to_owned(), visitor, sid, ep }
            }
        }
    }
}

impl TryFrom<Whom> for Mint {
    type Error = Malformed;

    fn try_from(whom: Whom) -> Result<Self, Malformed> {
        Ok(match whom {
            Whom::Anonymous { site } => Self::Anonymous { site },
            Whom::Returning { site, visitor, sid, ep } => Self::Returning { site, visitor, sid, ep },
            Whom::LoggedOn { grant, visitor, sid, ep } => {
                let grant = GrantToken::parse(&grant).map_err(|_| Malformed("grant"))?;
                Self::LoggedOn { grant, visitor, sid, ep }
            }
        })
    }
}

impl From<Minted> for MintedAnswer {
    fn from(minted: Minted) -> Self {
        let Minted { jpt, expires_at, claims, grant, user, sign_on } = minted;
        Self { jpt: jpt.expose().to_owned(), expires_at, claims, grant, user, sign_on }
    }
}

impl TryFrom<MintedAnswer> for Minted {
    type Error = Malformed;

    fn try_from(answer: MintedAnswer) -> Result<Self, Malformed> {
        let MintedAnswer { jpt, expires_at, claims, grant, user, sign_on } = answer;
        let jpt = Jpt::parse(&jpt).map_err(|_| Malformed("JPT"))?;
        Ok(Self { jpt, expires_at, claims, grant, user, sign_on })
    }
}

impl From<Presented> for SwapCall {
    fn from(presented: Presented) -> Self {
        match presented {
            Presented::Outside(token) => Self::Outside(token.expose().to_owned()),
            Presented::Inside(jpt) => Self::Inside(jpt.expose().to_owned()),
        }
    }
}

impl TryFrom<SwapCall> for Presented {
    type Error = Malformed;

    fn try_from(call: SwapCall) -> Result<Self, Malformed> {
        match call {
            SwapCall::Outside(token) => AccessToken::parse(&token).map(Self::Outside),
            SwapCall::Inside(jpt) => Jpt::parse(&jpt).map(Self::Inside),
        }
        .map_err(|_| Malformed("token"))
    }
}

impl From<Swapped> for SwappedAnswer {
    fn from(swapped: Swapped) -> Self {
        let Swapped { jwt, expires_at, scopes, client, session, grant, family, user, sign_on, key } = swapped;
        let (jwt, scopes) = (jwt.expose().to_owned(), scopes.to_string());
        Self { jwt, expires_at, scopes, client, session, grant, family, user, sign_on, key }
    }
}

impl TryFrom<SwappedAnswer> for Swapped {
    type Error = Malformed;

    fn try_from(answer: SwappedAnswer) -> Result<Self, Malformed> {
        let SwappedAnswer { jwt, expires_at, scopes, client, session, grant, family, user, sign_on, key } =
            answer;
        let jwt = Jwt::parse(&jwt).map_err(|_| Malformed("JWT"))?;
        let scopes = match scopes.as_str() {
            "" => ScopeSet::default(),
            scopes => ScopeSet::parse(scopes).map_err(|_| Malformed("scopes"))?,
        };
        Ok(Self { jwt, expires_at, scopes, client, session, grant, family, user, sign_on, key })
    }
}

impl FromIterator<FeedItem> for FeedPage {
    fn from_iter<I: IntoIterator<Item = FeedItem>>(items: I) -> Self {
        let mut page = Self::default();
        for item in items {
            match item {
                FeedItem::Gap { seq } => page.gap = Some(seq),
                FeedItem::Ended { seq, ended, cause } => page.ends.push(Told { seq, ended, cause }),
                // Its time is this machine's; the other side counts from its own asking.
                FeedItem::Heartbeat { seq, .. } => page.heartbeat = Some(seq),
            }
        }
        page
    }
}
