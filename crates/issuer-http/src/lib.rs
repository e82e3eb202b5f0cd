//! The port `Issuer` over HTTP, for a proxy or gateway in another process than the identity provider; and the documents
//! that the two exchange. Must not know what becomes of an answer, nor how the provider makes it.

pub mod documents;
mod feed;
mod link;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use vestibule_domain::identity::Timestamp;
use vestibule_oauth::token::ClientSecret;
use vestibule_ports::clock::Clock;
use vestibule_ports::issuer::{
    Cause, End, Feed, Issuer, IssuerError, LogOn, Mint, Minted, Presented, Redeem, Swapped,
};

use crate::documents::{
    EndCall, LogOnAnswer, Malformed, MintCall, MintedAnswer, RedeemCall, SwapCall, SwappedAnswer, path,
};
use crate::link::Link;

pub use link::{BadUrl, check_url};

/// A log-on: the provider commits, so it is worth some waiting.
const REDEEM_LIMIT: Duration = Duration::from_secs(5);
/// A token for an app. Requests wait for it, so it is better refused than late.
const MINT_LIMIT: Duration = Duration::from_secs(2);
/// A token for a service. Requests wait for it, so it is better refused than late.
const SWAP_LIMIT: Duration = Duration::from_secs(2);
/// An end: the provider commits, and a log-out that is not confirmed has to be told to a person.
const END_LIMIT: Duration = Duration::from_secs(5);

/// The identity provider behind its inside listener.
pub struct IssuerHttp {
    link: Arc<Link>,
}

impl IssuerHttp {
    /// The provider whose inside listener is at `url` (scheme, host and port), asked as this role client. Connects on
    /// the first call, which needs a tokio runtime.
    pub fn new(
        url: &str,
        client_id: &str,
        secret: &ClientSecret,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, BadUrl> {
        Ok(Self { link: Arc::new(Link::new(url, client_id, secret, clock)?) })
    }
}

#[async_trait]
impl Issuer for IssuerHttp {
    async fn redeem(&self, redeem: Redeem) -> Result<LogOn, IssuerError> {
        let answer: LogOnAnswer =
            self.link.call(path::REDEEM, &RedeemCall::from(redeem), REDEEM_LIMIT).await?;
        answer.try_into().map_err(senseless)
    }

    async fn mint(&self, mint: Mint, seen: Option<Timestamp>) -> Result<Minted, IssuerError> {
        let call = MintCall { whom: mint.into(), seen };
        let answer: MintedAnswer = self.link.call(path::MINT, &call, MINT_LIMIT).await?;
        answer.try_into().map_err(senseless)
    }

    async fn swap(&self, presented: Presented) -> Result<Swapped, IssuerError> {
        let answer: SwappedAnswer =
            self.link.call(path::SWAP, &SwapCall::from(presented), SWAP_LIMIT).await?;
        answer.try_into().map_err(senseless)
    }

    async fn end(&self, end: End, cause: Cause) -> Result<(), IssuerError> {
        self.link.call(path::END, &EndCall { end, cause }, END_LIMIT).await
    }

    async fn feed(&self, after: u64) -> Result<Feed, IssuerError> {
        feed::follow(Arc::clone(&self.link), after).await
    }
}

/// The text names the kind only: what was malformed may be a credential.
fn senseless(malformed: Malformed) -> IssuerError {
    IssuerError::Bug(malformed.to_string())
}

impl fmt::Debug for IssuerHttp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuerHttp").field("url", &self.link.url()).finish_non_exhaustive()
    }
}
