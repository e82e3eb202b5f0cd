//! A request as the proxy's phases see it: whose site, who asks from where, which cookies, at what time. Read once.

use std::net::IpAddr;

use vestibule_domain::attempt::ReturnTarget;
use vestibule_domain::cookie::Jar;
use vestibule_domain::fetch::{Fetch, Fields};
use vestibule_domain::identity::Timestamp;
use vestibule_domain::origin::{self, Came, Entry};
use vestibule_domain::rule::Footing;
use vestibule_message::cookie;
use vestibule_message::field::Known;
use vestibule_message::head::RequestHead;
use vestibule_message::target::Target;
use vestibule_wire::{Answer, RequestId};

use crate::site::{Live, Site};
use crate::{enrich, reply};

/// One request to a host of ours.
pub(crate) struct Visit<'p> {
    /// `None` on a host that is routed but belongs to no site: nobody is known there.
    pub(crate) site: Option<&'p Site>,
    /// The site whose name was asked for, and whether at its own origin.
    pub(crate) came: Option<(&'p Site, Came)>,
    pub(crate) client: IpAddr,
    pub(crate) scheme: &'static str,
    pub(crate) id: RequestId,
    pub(crate) now: Timestamp,
    pub(crate) fetch: Fetch,
    pub(crate) jar: Jar,
    /// Where it comes from, if rules compare that.
    pub(crate) footing: Option<Footing>,
}

impl<'p> Visit<'p> {
    pub(crate) fn read(
        live: &'p Live,
        head: &RequestHead<'_>,
        peer: IpAddr,
        id: RequestId,
        now: Timestamp,
    ) -> Self {
        let is_https = live.peers.is_https(peer, head);
        let came = live.site(head.host(), is_https);
        // Only at home anybody is known, or any cookie of ours believed.
        let site = came.and_then(|(site, came)| (came == Came::Home).then_some(site));
        let scheme = site.map_or(if is_https { "https" } else { "http" }, |site| site.origin.scheme);
        let jar = if came.is_some() && site.is_none() { Jar::default() } else { read_jar(head) };
        let own_origin = site.map_or("", |site| site.origin.text.as_str());
        let client = live.peers.client(peer, head);
        let footing = || Footing::of(head.fields().all(Known::UserAgent), client);
        Self {
            site,
            came,
            client,
            scheme,
            id,
            now,
            fetch: Fetch::read(head.method().as_str().as_bytes(), &fetch_fields(head), own_origin),
            jar,
            footing: (!live.rules.is_empty()).then(footing),
        }
    }

    /// The answer of a request that did not come to its site's own origin.
    pub(crate) fn turn_away(&self, target: &Target) -> Option<Answer> {
        let (site, came) = self.came?;
        match origin::entry(came, &self.fetch) {
            Entry::Serve => None,
            Entry::Redirect => Some(reply::elsewhere(&site.origin.text, target)),
            Entry::Refuse => Some(reply::not_its_origin(&site.origin.text)),
        }
    }

    /// What browsers are told for the site as a whole, on every answer that reaches them over https.
    pub(crate) fn policy(&self) -> Option<&'p str> {
        policy(self.came.as_ref())
    }

    /// Where a log-in returns to: this page, or for anything that is no page the start.
    pub(crate) fn return_target(&self, head: &RequestHead<'_>) -> ReturnTarget {
        if self.fetch.is_page() {
            ReturnTarget::or_root(head.target().as_str().as_bytes())
        } else {
            ReturnTarget::root()
        }
    }

    /// An answer of ours as it leaves.
    pub(crate) fn dress(&self, answer: Answer) -> Answer {
        match self.policy() {
            None => answer,
            Some(policy) => answer.field(enrich::POLICY, policy).unwrap_or_else(|_| reply::bug()),
        }
    }
}

/// The same of a request of which no more is known than where it came to.
pub(crate) fn policy<'p>(came: Option<&(&'p Site, Came)>) -> Option<&'p str> {
    let (site, came) = came?;
    (*came != Came::InTheClear).then_some(site.policy.as_deref())?
}

fn read_jar(head: &RequestHead<'_>) -> Jar {
    Jar::read(head.fields().all(Known::Cookie).flat_map(cookie::pairs))
}

fn fetch_fields<'h>(head: &RequestHead<'h>) -> Fields<'h> {
    let fields = head.fields();
    let once = |name: Known| {
        let mut values = fields.all(name);
        let first = values.next();
        // Said twice is said by nobody.
        if values.next().is_some() { Some(&b""[..]) } else { first }
    };
    Fields {
        origin: once(Known::Origin),
        site: once(Known::SecFetchSite),
        mode: once(Known::SecFetchMode),
        dest: once(Known::SecFetchDest),
        accept: fields.all(Known::Accept).next(),
    }
}
