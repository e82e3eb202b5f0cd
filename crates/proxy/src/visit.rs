//! A request as the proxy's phases see it: whose site, who asks from where, which cookies, at what time. Read once.

use std::net::IpAddr;

use vestibule_domain::cookie::Jar;
use vestibule_domain::fetch::{Fetch, Fields};
use vestibule_domain::identity::Timestamp;
use vestibule_message::cookie;
use vestibule_message::field::Known;
use vestibule_message::head::RequestHead;
use vestibule_wire::RequestId;

use crate::site::{Live, Site};

/// One request to a host of ours.
pub(crate) struct Visit<'p> {
    /// `None` on a host that is routed but belongs to no site: nobody is known there.
    pub(crate) site: Option<&'p Site>,
    /// The origin to go to instead, when the host is only another name of a site.
    pub(crate) elsewhere: Option<&'p str>,
    pub(crate) client: IpAddr,
    pub(crate) scheme: &'static str,
    pub(crate) id: RequestId,
    pub(crate) now: Timestamp,
    pub(crate) fetch: Fetch,
    pub(crate) jar: Jar,
}

impl<'p> Visit<'p> {
    pub(crate) fn read(
        live: &'p Live,
        head: &RequestHead<'_>,
        peer: IpAddr,
        id: RequestId,
        now: Timestamp,
    ) -> Self {
        let found = live.site(head.host());
        let (site, is_alias) = found.map_or((None, false), |(site, is_alias)| (Some(site), is_alias));
        let trusted = live.peers.has(peer);
        let forwarded_https = trusted && head.fields().only(Known::XForwardedProto) == Some(b"https");
        let scheme = site.map_or(if forwarded_https { "https" } else { "http" }, |site| site.origin.scheme);
        // An https site that is asked in the clear gets no cookies and believes none.
        let in_the_clear = site.is_some_and(|site| site.origin.scheme == "https") && !forwarded_https;
        let jar = if in_the_clear { Jar::default() } else { read_jar(head) };
        let own_origin = site.map_or("", |site| site.origin.text.as_str());
        Self {
            site: site.filter(|_| !in_the_clear),
            elsewhere: site.filter(|_| is_alias).map(|site| site.origin.text.as_str()),
            client: live.peers.client(peer, head),
            scheme,
            id,
            now,
            fetch: Fetch::read(head.method().as_str().as_bytes(), &fetch_fields(head), own_origin),
            jar,
        }
    }
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
