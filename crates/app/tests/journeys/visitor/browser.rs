//! A browser: tabs that share one jar and say of each request what Chromium says of it. It follows a redirect only when
//! told to, so that a story sees every step.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use url::{Origin, Url, form_urlencoded};
use vestibule_ports::clock::Clock;
use vestibule_testkit::client::Raw;
use vestibule_testkit::strict::{Fields, Response, lines};

use super::jar::{Jar, OURS, SetCookie};

/// Redirects in a row that no browser follows any more.
const REDIRECTS_MAX: usize = 20;

/// One visitor's browser.
#[derive(Clone)]
pub(in crate::journeys) struct Browser {
    jar: Arc<Mutex<Jar>>,
    clock: Arc<dyn Clock>,
    /// Its `User-Agent`.
    name: Option<String>,
    /// Where a load balancer takes what is for this port.
    taken_to: Arc<Mutex<BTreeMap<u16, SocketAddr>>>,
}

impl Browser {
    pub(in crate::journeys) fn new(clock: Arc<impl Clock>) -> Self {
        Self { jar: Arc::default(), clock, name: None, taken_to: Arc::default() }
    }

    /// From now on a load balancer takes what is for this port there.
    pub(in crate::journeys) fn take_to(&self, port: u16, node: SocketAddr) {
        self.taken_to.lock().unwrap_or_else(PoisonError::into_inner).insert(port, node);
    }

    /// A tab that shows nothing yet.
    pub(in crate::journeys) fn tab(&self) -> Tab {
        Tab { browser: self.clone(), page: None }
    }

    /// Another browser with the cookies that this one has now.
    pub(in crate::journeys) fn copy(&self) -> Self {
        let taken_to = self.taken_to.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Self {
            jar: Arc::new(Mutex::new(self.jar().clone())),
            clock: Arc::clone(&self.clock),
            name: self.name.clone(),
            taken_to: Arc::new(Mutex::new(taken_to)),
        }
    }

    /// The same browser, which says this of itself.
    pub(in crate::journeys) fn called(&self, name: &str) -> Self {
        Self { name: Some(name.to_owned()), ..self.clone() }
    }

    /// The last window is closed.
    pub(in crate::journeys) fn close(&self) {
        self.jar().close();
    }

    /// The value of a cookie that has not expired.
    pub(in crate::journeys) fn cookie(&self, host: &str, name: &str) -> Option<String> {
        let cookies = self.cookies(host);
        cookies.into_iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// The cookies of a host that have not expired, in the order they are sent.
    pub(in crate::journeys) fn cookies(&self, host: &str) -> Vec<(String, String)> {
        let jar = self.jar();
        jar.of(host, self.clock.wall()).into_iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect()
    }

    pub(in crate::journeys) fn put_cookie(&self, host: &str, name: &str, value: &str) {
        self.jar().put(host, name, value);
    }

    pub(in crate::journeys) fn remove_cookie(&self, host: &str, name: &str) {
        self.jar().remove(host, name);
    }

    fn address(&self, port: u16) -> SocketAddr {
        let taken_to = self.taken_to.lock().unwrap_or_else(PoisonError::into_inner);
        taken_to.get(&port).copied().unwrap_or_else(|| (Ipv4Addr::LOCALHOST, port).into())
    }

    fn jar(&self) -> MutexGuard<'_, Jar> {
        self.jar.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    /// The page of the tab.
    Page,
    /// A frame in it.
    Frame,
    /// A picture in it.
    Picture,
    /// An answer to its script.
    Script,
}

/// A request, before the browser adds what it says of every request.
#[derive(Clone, Debug)]
pub(in crate::journeys) struct Ask {
    method: String,
    /// With the redirects that led there; the last one is asked.
    urls: Vec<Url>,
    fields: Vec<String>,
    body: Option<String>,
    /// Whose page made it; `None` is the person himself.
    initiator: Option<Url>,
    used_as: Use,
    /// Chromium's fetch metadata and `Origin`; old browsers and tools send none.
    is_silent: bool,
}

impl Ask {
    /// Typed into the address bar.
    pub(in crate::journeys) fn typed(url: &str) -> Self {
        Self {
            method: "GET".to_owned(),
            urls: vec![parse(url)],
            fields: Vec::new(),
            body: None,
            initiator: None,
            used_as: Use::Page,
            is_silent: false,
        }
    }

    /// A link on a page of `from`.
    pub(in crate::journeys) fn link(url: &str, from: &str) -> Self {
        Self { initiator: Some(parse(from)), ..Self::typed(url) }
    }

    /// A form on a page of `from`.
    pub(in crate::journeys) fn form(url: &str, from: &str, fields: &[(&str, &str)]) -> Self {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let ask = Self { method: "POST".to_owned(), body: Some(body), ..Self::link(url, from) };
        ask.with("Content-Type: application/x-www-form-urlencoded")
    }

    /// A script of a page of `from`.
    pub(in crate::journeys) fn script(method: &str, url: &str, from: &str) -> Self {
        Self { method: method.to_owned(), used_as: Use::Script, ..Self::link(url, from) }
    }

    /// A picture on a page of `from`.
    pub(in crate::journeys) fn picture(url: &str, from: &str) -> Self {
        Self { used_as: Use::Picture, ..Self::link(url, from) }
    }

    /// A frame on a page of `from`.
    pub(in crate::journeys) fn frame(url: &str, from: &str) -> Self {
        Self { used_as: Use::Frame, ..Self::link(url, from) }
    }

    /// With one more field line.
    pub(in crate::journeys) fn with(mut self, line: &str) -> Self {
        self.fields.push(line.to_owned());
        self
    }

    /// With neither fetch metadata nor `Origin`.
    pub(in crate::journeys) fn silent(self) -> Self {
        Self { is_silent: true, ..self }
    }

    fn url(&self) -> &Url {
        self.urls.last().expect("an ask has at least one address")
    }

    fn is_read(&self) -> bool {
        matches!(self.method.as_str(), "GET" | "HEAD")
    }

    /// Fetch Metadata 2.3: the farthest of all addresses on the way counts.
    fn site(&self) -> &'static str {
        let Some(from) = &self.initiator else { return "none" };
        if self.urls.iter().all(|url| url.origin() == from.origin()) {
            "same-origin"
        } else if self.urls.iter().all(|url| is_same_site(url, from)) {
            "same-site"
        } else {
            "cross-site"
        }
    }

    /// Whether cookies with `SameSite=Lax` are sent and taken.
    fn is_lax(&self) -> bool {
        let same_site = self.initiator.as_ref().is_none_or(|from| is_same_site(self.url(), from));
        same_site || (self.used_as == Use::Page && self.is_read())
    }

    fn metadata(&self) -> Vec<String> {
        if self.is_silent {
            return Vec::new();
        }
        let (mode, dest) = match self.used_as {
            Use::Page => ("navigate", "document"),
            Use::Frame => ("navigate", "iframe"),
            Use::Picture => ("no-cors", "image"),
            Use::Script => ("cors", "empty"),
        };
        let mut fields = vec![
            format!("Sec-Fetch-Site: {}", self.site()),
            format!("Sec-Fetch-Mode: {mode}"),
            format!("Sec-Fetch-Dest: {dest}"),
        ];
        let crosses = self.used_as == Use::Script && self.site() != "same-origin";
        if let Some(from) = self.initiator.as_ref().filter(|_| !self.is_read() || crosses) {
            fields.push(format!("Origin: {}", from.origin().ascii_serialization()));
        }
        fields
    }

    /// The next request of a redirect; only 307 and 308 keep method and body.
    fn redirected(mut self, to: Url, status: u16) -> Self {
        self.urls.push(to);
        if !matches!(status, 307 | 308) {
            self.method = "GET".to_owned();
            self.body = None;
            self.fields.retain(|line| !line.to_ascii_lowercase().starts_with("content-"));
        }
        self
    }
}

/// One tab.
#[derive(Clone)]
pub(in crate::journeys) struct Tab {
    pub(in crate::journeys) browser: Browser,
    /// The page it shows.
    page: Option<Url>,
}

impl Tab {
    /// Types an address.
    #[track_caller]
    pub(in crate::journeys) fn open(&mut self, url: &str) -> Reply {
        self.send(Ask::typed(url))
    }

    /// Asks from a script of the page shown.
    #[track_caller]
    pub(in crate::journeys) fn fetch(&mut self, method: &str, url: &str) -> Reply {
        let (url, from) = self.here(url);
        self.send(Ask::script(method, &url, &from))
    }

    /// Goes where an answer sends the browser, and on until no answer does.
    #[track_caller]
    pub(in crate::journeys) fn follow(&mut self, mut reply: Reply) -> Reply {
        for _ in 0..REDIRECTS_MAX {
            if !reply.is_redirect() {
                return reply;
            }
            reply = self.step(&reply);
        }
        panic!("too many redirects, the last to {:?}", reply.fields.only("location"));
    }

    /// Goes where an answer sends the browser.
    #[track_caller]
    pub(in crate::journeys) fn step(&mut self, reply: &Reply) -> Reply {
        assert!(reply.is_redirect(), "no redirect: {reply:?}");
        self.send(reply.asked.clone().redirected(reply.location(), reply.status))
    }

    /// Sends a request and keeps the cookies of its answer.
    #[track_caller]
    pub(in crate::journeys) fn send(&mut self, ask: Ask) -> Reply {
        let response = self.exchange(&ask);
        let set: Vec<_> = response.fields.all("set-cookie").into_iter().map(SetCookie::read).collect();
        if ask.is_lax() {
            let (mut jar, now) = (self.browser.jar(), self.browser.clock.wall());
            for cookie in &set {
                jar.keep(host(ask.url()), cookie, now);
            }
        }
        let Response { status, fields, body, .. } = response;
        let body = String::from_utf8_lossy(&body).into_owned();
        let reply = Reply { url: ask.url().clone(), status, fields, body, set, asked: ask };
        if reply.asked.used_as == Use::Page && !reply.is_redirect() {
            self.page = Some(reply.url.clone());
        }
        reply
    }

    /// Types an address and leaves before the answer has come, by dropping what this gives.
    #[track_caller]
    pub(in crate::journeys) fn begin(&mut self, url: &str) -> Raw {
        self.put(&Ask::typed(url))
    }

    /// Types an address; whether the answer ends before its end.
    #[track_caller]
    pub(in crate::journeys) fn breaks_off(&mut self, url: &str) -> bool {
        self.begin(url).try_response_to("GET").is_err()
    }

    #[track_caller]
    fn exchange(&self, ask: &Ask) -> Response {
        self.put(ask).response_to(&ask.method)
    }

    /// Puts a request on the wire.
    #[track_caller]
    pub(in crate::journeys) fn put(&self, ask: &Ask) -> Raw {
        let (url, body) = (ask.url(), ask.body.as_deref().unwrap_or_default());
        let mut head = vec![format!("Host: {}", authority(url)), format!("Accept: {}", accept(ask.used_as))];
        head.extend(self.browser.name.iter().map(|name| format!("User-Agent: {name}")));
        head.extend(ask.metadata());
        head.extend(ask.fields.iter().cloned());
        if ask.body.is_some() || !ask.is_read() {
            head.push(format!("Content-Length: {}", body.len()));
        }
        if ask.is_lax() {
            let cookies = self.browser.cookies(host(url));
            let pairs: Vec<_> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            head.extend((!pairs.is_empty()).then(|| format!("Cookie: {}", pairs.join("; "))));
        }
        head.push("Connection: close".to_owned());
        let head: Vec<_> = head.iter().map(String::as_str).collect();
        let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let port = url.port().expect("the house's addresses have ports");
        let mut raw = Raw::connect(self.browser.address(port));
        raw.send(format!("{} {target} HTTP/1.1\r\n{}\r\n{body}", ask.method, lines(&head)));
        raw
    }

    /// An address as the page shown means it, and that page.
    #[track_caller]
    fn here(&self, url: &str) -> (String, String) {
        let page = self.page.as_ref().expect("the tab shows a page");
        (page.join(url).expect("an address").into(), page.to_string())
    }
}

/// An answer.
#[derive(Clone)]
pub(in crate::journeys) struct Reply {
    pub(in crate::journeys) url: Url,
    pub(in crate::journeys) status: u16,
    pub(in crate::journeys) fields: Fields,
    pub(in crate::journeys) body: String,
    /// The `Set-Cookie` lines, whether the browser took them or not.
    pub(in crate::journeys) set: Vec<SetCookie>,
    asked: Ask,
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url, status, fields, body, asked, .. } = self;
        let body: String = body.chars().take(400).collect();
        write!(f, "{} {url}: {status} {:?} {body:?}", asked.method, fields.iter().collect::<Vec<_>>())
    }
}

impl Reply {
    pub(in crate::journeys) fn is_redirect(&self) -> bool {
        (300..400).contains(&self.status) && self.fields.has("location")
    }

    /// Where it leads.
    #[track_caller]
    pub(in crate::journeys) fn location(&self) -> Url {
        let location = self.fields.only("location").unwrap_or_else(|| panic!("no location: {self:?}"));
        self.url.join(location).expect("a location is an address")
    }

    /// Names of our cookies that it sets or, with `-` before them, clears. In order of the names.
    pub(in crate::journeys) fn sets(&self) -> Vec<String> {
        let ours = self.set.iter().filter(|set| set.name.starts_with(OURS));
        let mut names: Vec<_> = ours
            .map(|set| format!("{}{}", if set.clears() { "-" } else { "" }, &set.name["__Host-".len()..]))
            .collect();
        names.sort();
        names
    }

    /// The line that sets this cookie.
    #[track_caller]
    pub(in crate::journeys) fn set_cookie(&self, name: &str) -> &SetCookie {
        let mut found = self.set.iter().filter(|set| set.name == name);
        let first = found.next().unwrap_or_else(|| panic!("does not set {name}: {self:?}"));
        assert!(found.next().is_none(), "sets {name} twice: {self:?}");
        first
    }

    #[track_caller]
    pub(in crate::journeys) fn field(&self, name: &str) -> &str {
        self.fields.only(name).unwrap_or_else(|| panic!("not one {name}: {self:?}"))
    }

    #[track_caller]
    pub(in crate::journeys) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// A parameter of the address it leads to.
    pub(in crate::journeys) fn parameter(&self, name: &str) -> Option<String> {
        self.location().query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    }

    /// The status that the answer should have.
    #[track_caller]
    pub(in crate::journeys) fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// It sets and clears none of our cookies.
    #[track_caller]
    pub(in crate::journeys) fn sets_nothing(self) -> Self {
        assert_eq!(self.sets(), [""; 0], "{self:?}");
        self
    }
}

#[track_caller]
fn parse(url: &str) -> Url {
    Url::parse(url).unwrap_or_else(|e| panic!("{url}: {e}"))
}

fn host(url: &Url) -> &str {
    url.host_str().expect("the house's addresses have hosts")
}

fn authority(url: &Url) -> String {
    match url.origin() {
        Origin::Tuple(_, host, _) => url.port().map_or(host.to_string(), |port| format!("{host}:{port}")),
        Origin::Opaque(_) => String::new(),
    }
}

fn accept(used_as: Use) -> &'static str {
    match used_as {
        Use::Page | Use::Frame => {
            "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
        }
        Use::Picture => "image/avif,image/webp,image/*,*/*;q=0.8",
        Use::Script => "*/*",
    }
}

/// Whether browsers take two addresses for one site: scheme and registrable domain. `localhost` is registered by
/// nobody, so each name right below it is a site of its own.
fn is_same_site(one: &Url, other: &Url) -> bool {
    let domain = |url: &Url| {
        let labels: Vec<_> = host(url).split('.').map(str::to_owned).collect();
        labels[labels.len().saturating_sub(2)..].join(".")
    };
    one.scheme() == other.scheme() && domain(one) == domain(other)
}
