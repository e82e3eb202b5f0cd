//! The proxy's own pages in a storm: logging on, with an IDP that believes everybody, and logging out.

use std::sync::Arc;

use tokio::time::Instant;
use url::Url;
use vestibule_domain::audit::{Cause, Tombstone};
use vestibule_domain::cookie;
use vestibule_domain::grace;
use vestibule_domain::identity::{Handle, SignOnId, UserId};
use vestibule_domain::limits::Limits;
use vestibule_message::method::Method;
use vestibule_oauth::pkce::CodeChallenge;
use vestibule_oauth::token::{Code, GrantToken};
use vestibule_ports::issuer::{End, LogOn};
use vestibule_ports::session_store::Slot;
use vestibule_wire::Answer;

use super::book::{Book, Invariant, MaySet};
use super::jar;
use super::node::{IDP, Node};
use super::request::{Outcome, SentHead, Tab, fields};
use super::step::{BROWSERS, Page};
use crate::Note;
use crate::absorb::LogOut;
use crate::own::{Call, LoggedOut, callback, end_everything, log_in};

/// The name of a user.
pub(super) fn user_id(user: u8) -> UserId {
    UserId::parse(&format!("user{user}")).expect("letters and a digit")
}

impl Tab {
    /// Logs on: begun here, back at another node.
    pub(super) async fn log_on(self, back: Arc<Node>, user: u8) {
        self.log_on_by("/.vestibule/login?to=%2Faccount", &self.at(&back), user).await;
    }

    /// Asks for what demands a young log-on, does what it is asked to, and asks once more.
    pub(super) async fn step_up(self, back: Arc<Node>, user: u8) {
        let tab = self.at(&back);
        if let Outcome::Asked { log_in } = self.clone().visit(Page::Pay).await {
            self.log_on_by(&log_in, &tab, user).await;
            // What the browser was told is in the book.
            let _outcome = tab.visit(Page::Pay).await;
        }
    }

    async fn log_on_by(&self, log_in: &str, tab: &Self, user: u8) {
        let sent = self.head(Method::Get, log_in);
        let answer = log_in::serve(&self.call(&sent), sent.get().target(), &mut Note::default()).await;
        self.take(&answer, &MaySet::Nothing);
        let Some(to) = fields(answer.fields(), "location").pop() else { return };
        let Some(callback) = self.at_the_idp(&to, user) else { return };
        tokio::time::sleep(self.fortune.pause()).await;
        let sent = tab.head(Method::Get, &callback);
        let user = user_id(user).as_str().to_owned();
        tab.book().try_to_rise(tab.browser, &user);
        let answer = callback::serve(&tab.call(&sent), sent.get().target(), &mut Note::default()).await;
        let mut book = tab.book();
        book.tell(format_args!("browser {}: log-on of {user}: {}", tab.browser, answer.status().code()));
        for line in fields(answer.fields(), "set-cookie") {
            let (_, value) = jar::value_of(&line);
            if let Some(set) = vestibule_domain::cookie::SessionValue::parse(value.as_bytes()) {
                book.life(set.handle).users_tried.push(user.clone());
            }
        }
        drop(book);
        tab.take(&answer, &MaySet::New(Some(user)));
    }

    fn call(&self, sent: &SentHead) -> Call<'_> {
        let visit = sent.visit(&self.node);
        let site = visit.site.expect("the storm's host is a site's");
        Call { proxy: &self.node.proxy, visitors: self.node.visitors(), site, visit }
    }

    /// The IDP lets everybody in; where the browser goes from there.
    fn at_the_idp(&self, to: &str, user: u8) -> Option<String> {
        let url = Url::parse(to).ok().filter(|_| to.starts_with(IDP))?;
        let get = |name| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        let mut book = self.book();
        let (code, grant) = (Code::from_random(&book.random()), GrantToken::from_random(&book.random()));
        let now = book.now();
        let sign_on = book.sign_on(self.browser, user);
        let log_on = LogOn {
            grant,
            sub: user_id(user),
            auth_time: now,
            level: 1,
            ends_at: now + Limits::default().log_on,
            sign_on,
            claims: format!("{{\"name\":\"user{user}\"}}"),
        };
        let challenge = CodeChallenge::parse(&get("code_challenge")?).expect("the proxy's own");
        self.world.idp.log_in(&code, challenge, log_on);
        let state = get("state")?;
        Some(format!(
            "/.vestibule/callback?code={}&state={state}&iss=http%3A%2F%2Flogin.localhost",
            code.expose()
        ))
    }

    /// Logs out by the form.
    pub(super) async fn log_out(self, everywhere: bool) {
        let sent = self.head(Method::Post, "/.vestibule/logout");
        let (visitors, limits) = (self.node.visitors(), &self.node.proxy.live.limits);
        let (call, deadline) = (self.call(&sent), visitors.sessions.deadline());
        let Ok(Some(visitor)) = call.porter().open_fresh(deadline).await else { return };
        if grace::check(visitor.key, call.visit.fetch.method).is_err() {
            return;
        }
        let handle = visitor.handle();
        self.book().life(handle).log_out_asked = true;
        let scope = if everywhere { LogOut::Everywhere } else { LogOut::This };
        let left = end_everything(visitors, call.visit.now, &visitor, scope, limits, deadline).await;
        self.logged_out(handle, left.outcome);
    }

    /// The log-in page that an answer sends a browser to, if it does.
    pub(super) fn log_in_of(answer: &Answer) -> Option<String> {
        fields(answer.fields(), "location").pop().filter(|to| to.starts_with("/.vestibule/login"))
    }

    /// Whether the visitor is told that he is logged out.
    pub(super) fn logged_out(&self, handle: Handle, done: LoggedOut) -> bool {
        let mut book = self.book();
        book.tell(format_args!("browser {}: log-out of {handle}: {done:?}", self.browser));
        if done == LoggedOut::Failed {
            return false;
        }
        book.must_be_ended(handle);
        book.life(handle).log_out_acked.get_or_insert_with(Instant::now);
        if done == LoggedOut::HereOnly {
            book.unconfirmed.push(handle);
        } else {
            book.acknowledge_log_out(handle);
        }
        book.answer(self.browser, &cookie::clear_session(), &MaySet::Cleared);
        done == LoggedOut::Done
    }
}

impl Book {
    /// A callback is on its way to the sessions that this browser has.
    fn try_to_rise(&mut self, browser: usize, user: &str) {
        for handle in Self::held(&self.jars[browser]) {
            let life = self.life(handle);
            if !life.users_tried.iter().any(|it| it == user) {
                life.users_tried.push(user.to_owned());
            }
        }
    }

    /// The IDP's session of a browser: the one it has, while that lives.
    fn sign_on(&mut self, browser: usize, user: u8) -> SignOnId {
        // The last browser is the first, at another site.
        let of = (browser % (usize::from(BROWSERS) - 1), user);
        let ends = |sign_on: &SignOnId| {
            self.ends.iter().any(|done| match &done.end {
                End::SignOn(ended) => ended == sign_on,
                End::User { id: ended, .. } => {
                    let since = self.sign_ons.get(&of).map(|(_, since)| *since);
                    *ended == user_id(user) && since.is_some_and(|since| done.at >= since)
                }
                End::Session { .. } | End::Grant(_) => false,
            })
        };
        if let Some((sign_on, _)) = self.sign_ons.get(&of).filter(|(sign_on, _)| !ends(sign_on)) {
            return sign_on.clone();
        }
        let sign_on = SignOnId::from_random(&self.random());
        self.sign_ons.insert(of, (sign_on.clone(), Instant::now()));
        sign_on
    }

    /// A log-out that is said to be whole has ended at the IDP what belongs to it.
    pub(super) fn acknowledge_log_out(&mut self, handle: Handle) {
        let Slot::Ended(stone) = self.truth.slot(handle, self.now()) else { return };
        let stone = Tombstone::decode(&stone.body).expect("the domain has encoded it");
        let done = match (stone.cause, &stone.user, &stone.sign_on) {
            (Cause::LogOutEverywhere, Some(user), _) => {
                self.acknowledge(|end| matches!(end, End::User { id, .. } if id == user))
            }
            (Cause::LogOut, _, Some(sign_on)) => self.acknowledge(|end| *end == End::SignOn(sign_on.clone())),
            _ => true,
        };
        if !done {
            let what = format!("{handle} is said to be logged out, and the IDP does not know it");
            self.accuse(Invariant::LogOutIsTrue, what);
        }
    }
}
