//! A node that hears of no change for a while and does not know it: its channel is frozen, and its lease still lives. What
//! is right there in that time is right without the channel.

use serde_json::json;
use vestibule_testkit::fault::{FaultProxy, Which};

use super::super::visitor::app::Told;
use super::super::visitor::browser::Tab;
use super::super::visitor::house::eventually;
use super::nodes::{At, Cluster, NOTICED};
use super::outage::PAST_LEASE;

/// A node whose channel is frozen.
pub(super) struct Deaf<'c> {
    cluster: &'c Cluster,
    at: At,
    /// A visitor whom nothing but the channel tells it of.
    witness: Tab,
    /// The same in another browser, whose cookies do not say that the witness has just written.
    silent: Tab,
}

impl Cluster {
    /// Freezes the channel of this node, which has this visitor in its cache and believes it.
    #[track_caller]
    pub(super) fn deafen(&self, at: At, tab: &mut Tab) -> Deaf<'_> {
        let mut witness = self.tab();
        self.keep(at, &mut witness, r#"{"basket":["before"]}"#);
        // The cookie that names the writer has the store asked, as long as it lasts.
        self.advance(PAST_LEASE);
        self.is_cached(&mut witness);
        self.is_cached(tab);
        let silent = witness.browser.copy().tab();
        assert_ne!(self.network(at).marked(), 0, "there is a channel to freeze");
        self.network(at).freeze(Which::Marked);
        Deaf { cluster: self, at, witness, silent }
    }
}

impl Deaf<'_> {
    fn network(&self) -> &FaultProxy {
        self.cluster.network(self.at)
    }

    /// What it knows of a visitor. The driver of MongoDB may ask on a connection that is half open; who is told to come
    /// back later does.
    #[track_caller]
    pub(super) fn whoami(&self, tab: &mut Tab) -> Told {
        let mut path = String::new();
        eventually(NOTICED, "a page", || {
            let (asked, page) = self.cluster.look(self.at, tab);
            path = asked;
            page.sets_nothing().status == 200
        });
        self.cluster.app.told(&path)
    }

    /// Whether it has believed its cache until now, without having heard of anything: then nothing that it was asked before
    /// was right for another reason. It hears again.
    #[track_caller]
    pub(super) fn has_believed(mut self) -> bool {
        let other = if self.at == At::A { At::B } else { At::A };
        self.cluster.patch(other, &mut self.witness, r#"{"basket":["after"]}"#).is(200);
        let (path, page) = self.cluster.look(self.at, &mut self.silent);
        self.network().heal();
        page.status == 200 && self.cluster.app.told(&path).attribute("basket") == json!(["before"])
    }
}
