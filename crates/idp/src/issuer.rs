//! The provider as proxy and gateway ask it, in this process. Log-ons and ends commit; `mint` and `swap` only look.
//! Whatever is asked, liveness is read from the registry, so a caller with a cold cache is always right.

mod feed;
mod load;
mod mint;
mod swap;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use vestibule_domain::identity::Timestamp;
use vestibule_oauth::token::GrantToken;
use vestibule_ports::entropy::random;
use vestibule_ports::issuer::{
    Cause, End, Feed, FeedItem, Issuer, IssuerError, LogOn, Mint, Minted, Presented, Redeem, Refusal, Swapped,
};
use vestibule_registry::audit::Act;
use vestibule_registry::code::{Issue, Redeemed};
use vestibule_registry::grant::NewGrant;

use crate::keys::SigningFailed;
use crate::redemption::{self, CodeRefused, Shown};
use crate::reply::Unavailable;
use crate::{Idp, claims};

/// Who the audit says has asked through this port: proxy and gateway.
const BY: &str = "issuer";

/// Random bytes of a name that is shown to others and opens nothing.
pub(crate) const NAME_BYTES: usize = 16;

#[async_trait]
impl Issuer for Idp {
    async fn redeem(&self, redeem: Redeem) -> Result<LogOn, IssuerError> {
        let site = self.sites.get(&redeem.site).ok_or(IssuerError::Refused(Refusal::Client))?;
        let shown = Shown {
            client: site.log_on_client.clone(),
            redirect_uri: Some(redeem.redirect_uri),
            verifier: Some(redeem.verifier),
        };
        let grant = GrantToken::from_random(&random(&*self.entropy));
        let name = self.name();
        let (now, log_on) = (self.clock.wall(), self.limits.log_on);
        let digest = grant.digest();
        let redeemed = self.ledger.ending(move |registry| {
            let act = Act { at: now, by: &shown.client, from: None };
            registry.redeem_code(&redeem.code.digest(), &act, |authorization, user| {
                redemption::check(authorization, user, &shown, now)?;
                // OpenID Connect Core 3.1.3.7: in this process there is no ID token to repeat it
                if authorization.nonce.as_deref() != Some(redeem.nonce.as_str()) {
                    return Err(CodeRefused::Nonce);
                }
                let ends_at = authorization.auth_time + log_on;
                Ok(Issue::Grant(NewGrant { digest, name, site: redeem.site, ends_at }))
            })
        });
        match redeemed.await? {
            Redeemed::Issued(redemption) => Ok(LogOn {
                grant,
                sub: redemption.user.id,
                auth_time: redemption.authorization.auth_time,
                level: redemption.authorization.level,
                ends_at: redemption.authorization.auth_time + self.limits.log_on,
                sign_on: redemption.authorization.sign_on,
                claims: claims::of(&redemption.user.profile),
            }),
            Redeemed::Refused(_) | Redeemed::Unknown => Err(IssuerError::Refused(Refusal::Grant)),
        }
    }

    async fn mint(&self, mint: Mint, seen: Option<Timestamp>) -> Result<Minted, IssuerError> {
        self.mint_jpt(mint, seen, None).await
    }

    async fn swap(&self, presented: Presented) -> Result<Swapped, IssuerError> {
        match presented {
            Presented::Outside(token) => self.swap_access_token(&token).await,
            Presented::Inside(jpt) => self.swap_jpt(&jpt).await,
        }
    }

    async fn end(&self, end: End, cause: Cause) -> Result<(), IssuerError> {
        Ok(self.commit_end(end, cause, BY).await?)
    }

    async fn feed(&self, after: u64) -> Result<Feed, IssuerError> {
        Ok(feed::follow(self.ledger.clone(), Arc::clone(&self.clock), after))
    }
}

impl Idp {
    /// Ends something, in one transaction with its audit record and its row in the feed.
    pub(crate) async fn commit_end(&self, end: End, cause: Cause, by: &str) -> Result<(), Unavailable> {
        let (at, by) = (self.clock.wall(), by.to_owned());
        self.ledger
            .ending(move |registry| {
                let act = Act { at, by: &by, from: None };
                match &end {
                    End::Session { sid, ep } => registry.end_session(*sid, *ep, cause, &act),
                    End::SignOn(sign_on) => registry.end_sign_on(sign_on, cause, &act),
                    End::User { id, by } => registry.end_user(id, *by, cause, &act).map(drop),
                    End::Grant(digest) => registry.end_grant(digest.as_bytes(), &act),
                }
            })
            .await
    }

    /// What the feed has after a number, as one answer; held back for `wait` at most while nothing ends.
    pub(crate) async fn feed_page(
        &self,
        after: u64,
        wait: Duration,
    ) -> Result<VecDeque<FeedItem>, IssuerError> {
        feed::page(self.ledger.clone(), Arc::clone(&self.clock), after, wait).await
    }

    /// A name for others: of a token, a grant or a family.
    pub(crate) fn name(&self) -> String {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(random::<NAME_BYTES>(&*self.entropy))
    }
}

impl From<Unavailable> for IssuerError {
    fn from(unavailable: Unavailable) -> Self {
        match unavailable {
            Unavailable::Busy | Unavailable::Registry(_) => Self::Unreachable(unavailable.to_string()),
            Unavailable::Bug(text) => Self::Bug(text),
        }
    }
}

impl From<SigningFailed> for IssuerError {
    fn from(failed: SigningFailed) -> Self {
        Self::Bug(failed.to_string())
    }
}
