//! The JPT that all anonymous visitors of a site share. Standing work fetches and renews it; a page takes what is there
//! and never waits, so that page views of anonymous visitors do not touch the IDP, nor feel its absence.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout};
use vestibule_domain::identity::Timestamp;
use vestibule_domain::token::Cached;
use vestibule_ports::issuer::Mint;

use super::{Slot, Token, Tokens};
use crate::site::Site;

/// How often it is looked at whether a token is due.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How long one fetch may take.
const FETCH_MAX: Duration = Duration::from_secs(2);
/// The wait after a fetch that brought nothing; twice as long after each further one.
const AGAIN_AFTER: Duration = Duration::from_millis(250);
/// The longest such wait.
const AGAIN_AFTER_MAX: Duration = Duration::from_secs(5);

/// When a site is tried again for which nothing was to be had.
#[derive(Clone, Copy, Default)]
struct Pause {
    lasts: Duration,
    until: Option<Instant>,
}

impl Tokens {
    /// The token that is there, if it is good for a moment longer.
    pub(super) fn shared(&self, site: &Site, now: Timestamp) -> Option<Arc<Token>> {
        let newest = self.shared.get(&site.id).and_then(Slot::newest);
        let good = newest.filter(|held| self.worth_of_shared(held, now) != Cached::Wait);
        if good.is_none() {
            self.wanted.notify_one();
        }
        good
    }

    /// Whether a page of this site would get one now.
    pub(crate) fn has_shared(&self, site: &Site) -> bool {
        self.shared(site, self.clock.wall()).is_some()
    }

    /// Fetches the token of a site and waits for it; whether there is one now.
    pub(crate) async fn fetch_shared(&self, site: &Site) -> bool {
        let Some(slot) = self.shared.get(&site.id) else { return false };
        let mint = self.mint(slot, Mint::Anonymous { site: site.id.clone() }, self.clock.wall());
        timeout(FETCH_MAX, mint).await.is_ok_and(|minted| minted.is_ok())
    }

    /// Keeps a token at hand for every site, for ever: renews it from half of its life and at once when what was heard of
    /// ends breaks off, and tries on where none is to be had.
    pub(crate) async fn keep_shared(&self, sites: &[Site]) -> Infallible {
        let mut pauses = vec![Pause::default(); sites.len()];
        let mut news = self.feed.news();
        loop {
            for (site, pause) in sites.iter().zip(&mut pauses) {
                if pause.is_over() && self.is_due(site) {
                    *pause = if self.fetch_shared(site).await { Pause::default() } else { pause.longer() };
                }
            }
            // Each is a reason to look: time, a page that had to do without, or what was heard.
            let reason = async {
                tokio::select! {
                    () = self.wanted.notified() => {}
                    _heard = news.changed() => {}
                }
            };
            let _reason = timeout(LOOK_EVERY, reason).await;
        }
    }

    fn is_due(&self, site: &Site) -> bool {
        let newest = self.shared.get(&site.id).and_then(Slot::newest);
        newest.is_none_or(|held| {
            // Its signing key may have ended. That a lease is lost is no reason: of its end nothing is heard.
            self.worth_of_shared(&held, self.clock.wall()) != Cached::Use || self.feed.has_broken(held.since)
        })
    }

    /// By its life alone: a token that names nobody ends otherwise only with the key that signed it, and until there is
    /// another it serves, so that an IDP that is away changes nothing.
    fn worth_of_shared(&self, held: &Token, now: Timestamp) -> Cached {
        held.worth_by_life(now, self.clock.mono())
    }
}

impl Pause {
    fn is_over(self) -> bool {
        self.until.is_none_or(|until| Instant::now() >= until)
    }

    fn longer(self) -> Self {
        let lasts = (self.lasts * 2).clamp(AGAIN_AFTER, AGAIN_AFTER_MAX);
        Self { lasts, until: Some(Instant::now() + lasts) }
    }
}

#[cfg(test)]
mod tests;
