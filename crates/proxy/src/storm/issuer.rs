//! The IDP as one node reaches it. What it has done is written into the book.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use vestibule_domain::identity::{GrantDigest, SiteId, Timestamp};
use vestibule_feed::Stamp;
use vestibule_ports::issuer::{
    Cause, End, Feed, Issuer, IssuerError, LogOn, Mint, Minted, Presented, Redeem, Swapped,
};
use vestibule_ports::memory::MemoryIssuer;

use super::book::{Book, TokenOf};
use super::links::{Fortune, Link, Links};
use super::store::Planted;

/// How long the adapter waits for the IDP.
const DEADLINE: Duration = Duration::from_millis(300);

/// The IDP through links that fail.
pub(super) struct StormIssuer {
    pub(super) idp: Arc<MemoryIssuer>,
    pub(super) links: Arc<Links>,
    pub(super) book: Arc<Mutex<Book>>,
    pub(super) node: usize,
    /// What the node hears of ends.
    pub(super) heard: Arc<vestibule_feed::Feed>,
    /// How far that was when it asked for the token that all anonymous visitors of a site share.
    pub(super) shared_since: Mutex<BTreeMap<SiteId, Stamp>>,
    pub(super) planted: Planted,
}

impl StormIssuer {
    async fn call<T>(
        &self,
        work: impl Future<Output = Result<T, IssuerError>> + Send,
    ) -> Result<T, IssuerError> {
        let fate = Fortune::of_next_call(false);
        let link = *self.links.idp.lock().unwrap();
        if link == Link::Refusing || fate.refused {
            return Err(IssuerError::Unreachable("the storm".to_owned()));
        }
        if link == Link::Silent {
            tokio::time::sleep(DEADLINE).await;
            return Err(IssuerError::Deadline);
        }
        if fate.is_plain() && link == Link::Up {
            return work.await;
        }
        tokio::time::sleep(fate.before.min(DEADLINE)).await;
        let done = work.await;
        let late = link == Link::Deaf || fate.lost || fate.before + fate.after >= DEADLINE;
        tokio::time::sleep(if late { DEADLINE.saturating_sub(fate.before) } else { fate.after }).await;
        if late { Err(IssuerError::Deadline) } else { done }
    }
}

#[async_trait]
impl Issuer for StormIssuer {
    async fn redeem(&self, redeem: Redeem) -> Result<LogOn, IssuerError> {
        let (idp, book) = (&self.idp, &self.book);
        self.call(async {
            let log_on = idp.redeem(redeem).await?;
            book.lock().unwrap().granted(&log_on);
            Ok(log_on)
        })
        .await
    }

    async fn mint(&self, mint: Mint, seen: Option<Timestamp>) -> Result<Minted, IssuerError> {
        let (of, since) = (TokenOf::of(&mint), self.heard.stamp());
        if let TokenOf::Nobody(site) = &of {
            let newest = self.shared_since.lock().unwrap().get(site).copied();
            // After a break its signing key may have ended.
            if !newest.is_some_and(|newest| self.heard.has_broken(newest)) {
                self.book.lock().unwrap().anonymous_asked(self.node, site);
            }
        }
        let grant = match &mint {
            Mint::LoggedOn { grant, .. } if self.planted != Planted::GrantUnnamed => {
                Some(GrantDigest::of(grant).to_string())
            }
            _ => None,
        };
        let minted = self.call(self.idp.mint(mint, seen)).await;
        // The issuer in memory leaves the name out by which the feed would name it.
        let minted = minted.map(|minted| Minted { grant, ..minted });
        match &minted {
            Ok(minted) => {
                if let TokenOf::Nobody(site) = &of {
                    self.shared_since.lock().unwrap().insert(site.clone(), since);
                }
                self.book.lock().unwrap().minted(self.node, minted, of);
            }
            Err(IssuerError::Refused(_)) => {}
            Err(_) => self.links.note_idp_failure(),
        }
        minted
    }

    async fn swap(&self, presented: Presented) -> Result<Swapped, IssuerError> {
        self.call(self.idp.swap(presented)).await
    }

    async fn end(&self, end: End, cause: Cause) -> Result<(), IssuerError> {
        let (idp, book) = (&self.idp, &self.book);
        self.call(async {
            idp.end(end.clone(), cause).await?;
            book.lock().unwrap().ended(end, cause);
            Ok(())
        })
        .await
    }

    async fn feed(&self, after: u64) -> Result<Feed, IssuerError> {
        if self.links.ends.is_cut() || *self.links.idp.lock().unwrap() != Link::Up {
            return Err(IssuerError::Unreachable("the storm".to_owned()));
        }
        // Its items are numbered, so a hole needs no sign.
        Ok(self.links.ends.carry(self.idp.feed(after).await?, None))
    }
}
