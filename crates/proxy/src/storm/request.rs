//! A page view through the proxy's own phases, from the bytes of its head to the cookies of its answer. Only what
//! needs a socket is the storm's: the app, and what leaves.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, MutexGuard};

use tokio::time::Instant;
use vestibule_domain::identity::Handle;
use vestibule_domain::key::Key;
use vestibule_domain::standing::Standing;
use vestibule_domain::token::Need;
use vestibule_message::head::{HeadLimits, RequestHead, RequestIndex, ResponseIndex};
use vestibule_message::lines::Lines;
use vestibule_message::method::Method;
use vestibule_wire::{Answer, RequestId};

use super::book::{Book, Invariant, Leaf, MaySet};
use super::links::Fortune;
use super::node::{Node, World, site_of};
use super::shown::{Asked, Told};
use super::step::Page;
use crate::absorb;
use crate::request::{Passed, Stopped, pass};
use crate::seal::{CarriedOut, Scene};
use crate::visit::Visit;

/// Where all browsers come from.
const PEER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// What came of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The app's page, by what was known for certain or not.
    Served { degraded: bool },
    /// The way to log on.
    Asked { log_in: String },
    /// Another answer.
    Refused,
}

/// Which cookies a tab shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shows {
    /// Those that its browser has now.
    Own,
    /// The newest that it was ever given.
    Copied,
    /// The same, in somebody else's browser.
    Stolen,
}

/// A browser at a node.
#[derive(Clone)]
pub(super) struct Tab {
    pub(super) world: World,
    pub(super) node: Arc<Node>,
    pub(super) browser: usize,
    pub(super) shows: Shows,
    pub(super) fortune: Arc<Fortune>,
}

/// A head as a browser sends it.
pub(super) struct SentHead {
    bytes: Vec<u8>,
    index: RequestIndex,
}

impl SentHead {
    pub(super) fn get(&self) -> RequestHead<'_> {
        self.index.of(&self.bytes)
    }

    pub(super) fn visit<'p>(&self, node: &'p Node) -> Visit<'p> {
        let now = node.visitors().clock.wall();
        Visit::read(&node.proxy.live, &self.get(), PEER, RequestId::default(), now)
    }
}

impl Tab {
    pub(super) fn book(&self) -> MutexGuard<'_, Book> {
        self.world.book.lock().unwrap()
    }

    pub(super) fn at(&self, node: &Arc<Node>) -> Self {
        Self { node: Arc::clone(node), ..self.clone() }
    }

    /// The head of a page's request, with the cookies that the browser has now.
    pub(super) fn head(&self, method: Method, target: &str) -> SentHead {
        let host = site_of(self.browser).1;
        let cookies = self.book().jar(self.browser, self.shows).field();
        let cookies = if cookies.is_empty() { cookies } else { format!("cookie: {cookies}\r\n") };
        let form = if method == Method::Post {
            format!("origin: http://{host}\r\ncontent-length: 0\r\n")
        } else {
            String::new()
        };
        // Its version is no matter.
        let user_agent = if self.shows == Shows::Stolen { "Owl" } else { "Fox" };
        let version = self.node.number;
        let head = format!(
            "{} {target} HTTP/1.1\r\nhost: {host}\r\nuser-agent: {user_agent}/{version}\r\naccept: text/html\r\nsec-fetch-site: same-origin\r\n\
             sec-fetch-mode: navigate\r\nsec-fetch-dest: document\r\n{form}{cookies}\r\n",
            method.as_str()
        );
        let (bytes, mut index) = (head.into_bytes(), RequestIndex::default());
        index.parse(&bytes, &HeadLimits::default()).expect("what a browser sends is well formed");
        SentHead { bytes, index }
    }

    /// Asks for a page and takes what comes.
    pub(super) async fn visit(self, page: Page) -> Outcome {
        let (method, path) = page.method_and_path();
        let sent = self.head(method, path);
        let (proxy, visit) = (&self.node.proxy, sent.visit(&self.node));
        let asked = self.book().ask(&self, &visit.jar);
        let head = sent.get();
        let found = proxy.live.table.find(head.host(), head.target()).expect("a route of the storm's");
        let app = &proxy.live.apps[found.route().number];
        let home = visit.site.zip(proxy.visitors.as_ref());
        let passed = pass(proxy, home, &visit, app, found, &head).await;
        let expected = self.book().expected(self.browser, self.node.number, &visit.jar);
        let passed = match passed {
            Ok(passed) => passed,
            Err(Stopped { answer, .. }) => {
                self.take(&answer, &MaySet::Nothing);
                let mut book = self.book();
                let kind = answer.status().code();
                book.tell(format_args!("browser {} at node {}: {kind}", self.browser, self.node.number));
                if kind != 503 {
                    // Only pages for users ask to log on.
                    let users = expected.filter(|it| it.standing == Standing::LoggedOn);
                    book.check_fall(&asked, Standing::Returning, None, users.as_ref());
                } else if asked.held.is_empty() && app.need == Need::Wanted {
                    book.accuse(Invariant::AnonymousTouchesNothing, "a visitor without cookies was refused");
                }
                return Self::log_in_of(&answer).map_or(Outcome::Refused, |log_in| Outcome::Asked { log_in });
            }
        };
        let told = read(&passed);
        if asked.held.is_empty() && self.fortune.store_calls() > 0 {
            self.book().accuse(Invariant::AnonymousTouchesNothing, "a visitor without cookies made it read");
        }
        self.book().told(&asked, &told, expected.as_ref());
        tokio::time::sleep(self.fortune.pause()).await;
        let number = self.book().next_number();
        let name = format!("b{}p{number}", self.browser);
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n{}\r\n", page.wishes(&name, number));
        let scene = Scene {
            visitors: self.node.visitors(),
            site: visit.site.expect("the storm's host is a site's"),
            app,
            visit: &visit,
            opened: &passed.opened,
            now: self.node.visitors().clock.wall(),
            limits: &proxy.live.limits,
        };
        self.finish(&scene, (&asked, &told), &answer, &head, (name, number)).await
    }

    /// Absorb and seal.
    async fn finish(
        &self,
        scene: &Scene<'_>,
        (asked, told): (&Asked, &Told),
        answer: &str,
        head: &RequestHead<'_>,
        (name, number): (String, u64),
    ) -> Outcome {
        let mut index = ResponseIndex::default();
        index.parse(answer.as_bytes(), Method::Get, &HeadLimits::default()).expect("what an app sends");
        let wishes = absorb::read(&index.of(answer.as_bytes()), false);
        let (is_patched, demanded) = (wishes.patch.is_some(), wishes.requires.unwrap_or_default());
        let logs_out = matches!(wishes.log_out, Ok(Some(_)));
        let leaves = scene.opened.visitor.as_ref().filter(|visitor| logs_out && !visitor.key.is_old());
        if let Some(visitor) = leaves {
            self.book().life(visitor.handle()).log_out_asked = true;
        }
        let done = scene.carry_out(wishes, head).await;
        if let Some(why) = &done.not_saved {
            self.book().tell(format_args!("{name} is not saved: {why}"));
        } else if !is_patched {
            self.note_slide(scene, asked, told);
        } else if leaves.is_none() {
            self.note_patch(scene, asked, &done, name, number);
        }
        if let Some(demanded) = demanded.filter(|_| done.not_saved.is_none()) {
            let instead = done.instead.as_ref().map(|answer| answer.status().code());
            self.book().check_demand(told, &demanded, instead);
        }
        if let Some((visitor, outcome)) = leaves.zip(done.log_out) {
            self.logged_out(visitor.handle(), outcome);
        }
        match done.instead {
            None => Outcome::Served { degraded: told.degraded },
            Some(answer) => {
                Self::log_in_of(&answer).map_or(Outcome::Refused, |log_in| Outcome::Asked { log_in })
            }
        }
    }

    fn note_slide(&self, scene: &Scene<'_>, asked: &Asked, told: &Told) {
        let book = self.book();
        let certain = self.fortune.is_good() && !told.degraded && book.can_save(self.node.number);
        // By a clock that was set meanwhile the limit may have passed while the app was answering.
        let certain = certain && book.is_one_time(asked);
        drop(book);
        if let Some((handle, Key::Vst)) = told.session.filter(|_| certain) {
            self.book().life(handle).slid_at = Some(scene.now);
        }
    }

    fn note_patch(&self, scene: &Scene<'_>, asked: &Asked, done: &CarriedOut, name: String, number: u64) {
        let mut book = self.book();
        let visitor = scene.opened.visitor.as_ref();
        let may_begin = visitor.is_none() && done.refused.is_none();
        let may = if may_begin { MaySet::New(None) } else { MaySet::Nothing };
        book.tell(format_args!("{name}: {:?}", done.refused));
        // What another answer takes the place of was saved all the same, and that answer brings the cookies.
        let cookies = done.instead.as_ref().map(|answer| fields(answer.fields(), "set-cookie"));
        book.answer(self.browser, cookies.as_ref().unwrap_or(&done.cookies), &may);
        if done.refused.is_some() {
            return;
        }
        let new = || Book::held(&book.jars[self.browser]).first().copied();
        let Some(handle) = visitor.map(crate::open::Visitor::handle).or_else(new) else { return };
        let risen = visitor.and_then(|it| it.known.session.log_on()).map(|log_on| log_on.risen_at);
        let is_private = scene.app.rights.writes.iter().any(|name| name.as_str() == "draft");
        if !is_private {
            book.must_be_kept(handle, &name);
        }
        book.life(handle).leaves.push(Leaf {
            name,
            number,
            asked_at: asked.began,
            acked_at: Instant::now(),
            of_log_on: risen.filter(|_| is_private),
        });
    }

    /// The browser takes an answer of the proxy's own.
    pub(super) fn take(&self, answer: &Answer, may: &MaySet) {
        let lines = fields(answer.fields(), "set-cookie");
        self.book().answer(self.browser, &lines, may);
    }
}

impl Page {
    fn method_and_path(self) -> (Method, &'static str) {
        match self {
            Self::Front => (Method::Get, "/"),
            Self::Shop | Self::Bye | Self::Checkout => (Method::Get, "/shop"),
            Self::Basket => (Method::Post, "/shop"),
            Self::Account | Self::Pay => (Method::Get, "/account"),
            Self::Draft => (Method::Post, "/account"),
        }
    }

    /// What its app asks for.
    fn wishes(self, name: &str, number: u64) -> String {
        let basket = || format!("x-context-update: {{\"basket\":{{\"{name}\":1}},\"count\":{number}}}\r\n");
        let draft = || format!("x-context-update: {{\"draft\":{{\"{name}\":1}}}}\r\n");
        match self {
            Self::Front | Self::Shop | Self::Account => String::new(),
            Self::Basket => basket(),
            Self::Draft => draft(),
            // What it asks to be kept besides is not.
            Self::Bye => format!("{}x-context-logout: this\r\n", basket()),
            Self::Checkout => format!("{}x-context-require: logged-on\r\n", basket()),
            Self::Pay => format!("{}x-context-require: logged-on; max-age=60\r\n", draft()),
        }
    }
}

/// The values of a field.
pub(super) fn fields(lines: &Lines, name: &str) -> Vec<String> {
    let text = String::from_utf8_lossy(lines.as_bytes());
    let value = |line: &str| Some(line.strip_prefix(name)?.strip_prefix(": ")?.to_owned());
    text.split("\r\n").filter_map(value).collect()
}

/// What an app is told.
fn read(passed: &Passed) -> Told {
    let field = |name: &str| fields(&passed.edit.lines, name).pop();
    let standing = match field("x-context-standing").as_deref() {
        Some("logged-on") => Standing::LoggedOn,
        Some("returning") => Standing::Returning,
        _ => Standing::Anonymous,
    };
    let visitor = passed.opened.visitor.as_ref();
    let user = field("x-context-user");
    let handle = field("x-context-session").and_then(|text| text.parse::<Handle>().ok());
    let log_on = visitor.and_then(|visitor| visitor.known.session.log_on());
    Told {
        standing,
        session: handle.zip(visitor.map(|visitor| visitor.key)),
        grant: log_on.filter(|_| user.is_some()).map(|log_on| log_on.grant.clone()),
        user,
        claims: field("x-context-claims"),
        attributes: field("x-context-attributes").unwrap_or_default(),
        token: field("x-context-token"),
        degraded: field("x-context-degraded").is_some(),
        is_stale: passed.opened.degraded,
    }
}
