//! One site, two apps, three attributes and their sessions, for the tests of this crate.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use vestibule_oauth::token::GrantToken;

use crate::attribute::{AttributeName, Catalogue, Declared, Rights};
use crate::claims::Claims;
use crate::fetch::{Fetch, Fields};
use crate::identity::{AppId, SessionSecret, SignOnId, SiteId, Timestamp, UserId, VisitorId};
use crate::judge::{Reading, Source, Verdict, View, judge, judge_newer};
use crate::key::{Key, Secrets};
use crate::limits::Limits;
use crate::mint::{self, Fate, MintPermit};
use crate::patch::{Admitted, Opened, Patch};
use crate::patch_refused::PatchRefused;
use crate::rise::{Fresh, Proof, Risen, log_on};
use crate::session::Session;

pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

pub(crate) fn after(by: Duration) -> Timestamp {
    NOW + by
}

pub(crate) fn seconds(count: u64) -> Timestamp {
    after(Duration::from_secs(count))
}

pub(crate) fn limits() -> Limits {
    Limits::default()
}

pub(crate) fn site() -> SiteId {
    SiteId::parse("shop").unwrap()
}

pub(crate) fn app(name: &str) -> AppId {
    AppId::parse(name).unwrap()
}

pub(crate) fn user(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

pub(crate) fn name(text: &str) -> AttributeName {
    AttributeName::parse(text).unwrap()
}

pub(crate) fn vst(number: u8) -> SessionSecret {
    SessionSecret::from_bytes([number; 16])
}

pub(crate) fn keep(number: u8) -> SessionSecret {
    SessionSecret::from_bytes([!number; 16])
}

pub(crate) fn fresh(number: u8) -> Fresh {
    let secrets = Secrets { vst: vst(number).digest(), keep: keep(number).digest() };
    Fresh { visitor: VisitorId::from_bytes([number; 16]), secrets }
}

pub(crate) fn proof(name: &str, auth_time: Timestamp) -> Proof {
    Proof {
        user: user(name),
        grant: GrantToken::parse("grant").unwrap(),
        auth_time,
        level: 1,
        ends_at: auth_time + Duration::from_hours(4),
        sign_on: SignOnId::parse("sign-on").unwrap(),
        claims: Claims::parse(r#"{"name":"Alice"}"#).unwrap(),
        asked: false,
        footing: None,
    }
}

/// `basket` and `theme` survive, `note` does not; `shop` reads and writes all, `wall` reads `note`.
pub(crate) fn catalogue() -> Catalogue {
    let declared = |survives, bytes_max| Declared { survives, bytes_max };
    let attributes = BTreeMap::from([
        (name("basket"), declared(true, 3_000)),
        (name("note"), declared(false, 3_000)),
        (name("theme"), declared(true, 16)),
    ]);
    let all: BTreeSet<_> = attributes.keys().cloned().collect();
    let apps = BTreeMap::from([
        (app("shop"), Rights { reads: all.clone(), writes: all }),
        (app("wall"), Rights { reads: BTreeSet::from([name("note")]), writes: BTreeSet::new() }),
    ]);
    Catalogue::new(attributes, apps).unwrap()
}

pub(crate) fn permit() -> MintPermit {
    let fetch = Fetch::read(b"GET", &Fields::default(), "https://shop");
    mint::check(Fate::NotSent, Fate::NotSent, &fetch).unwrap()
}

pub(crate) fn own(last_seen: Timestamp) -> Reading {
    Reading { last_seen: Some(last_seen), source: Source::Own }
}

/// The view of a request that comes right after another.
pub(crate) fn view(session: &Session, key: Key, now: Timestamp) -> View<'_> {
    match judge(session, key, own(now), now, &limits()) {
        Verdict::Lives(view) => view,
        verdict => panic!("{verdict:?}"),
    }
}

pub(crate) fn admitted<'c>(catalogue: &'c Catalogue, json: &str) -> Admitted<'c> {
    Patch::parse(json.as_bytes()).unwrap().admit(&app("shop"), catalogue).unwrap()
}

/// What a patch of `shop` makes of a session.
pub(crate) fn patched(
    session: &Session,
    key: Key,
    json: &str,
    now: Timestamp,
) -> Result<Session, PatchRefused> {
    let view = view(session, key, now);
    let next = admitted(&catalogue(), json).apply(&view, Opened::of(&view), now, &limits())?;
    Ok(next.unwrap_or_else(|| session.clone()))
}

/// A session that began at `NOW` with a basket, whose cookie has not come back.
pub(crate) fn begun() -> Session {
    let catalogue = catalogue();
    let first = admitted(&catalogue, r#"{"basket":["tea"]}"#);
    first.first(permit(), site(), fresh(1), NOW, &limits()).unwrap().unwrap()
}

/// The same, and its cookie has come back.
pub(crate) fn returning() -> Session {
    let begun = begun();
    view(&begun, Key::Vst, NOW).settled(NOW, &limits())
}

/// The same, and alice has logged on at `NOW`; secrets number 2.
pub(crate) fn logged_on() -> Session {
    risen(&returning(), Key::Vst, "alice", NOW, 2)
}

/// The same, and a cookie of the log-on has come back.
pub(crate) fn moved() -> Session {
    let session = logged_on();
    view(&session, Key::Vst, NOW).settled(NOW, &limits())
}

/// What a patch of `shop` makes of a session that has risen since its request was opened.
pub(crate) fn patched_late(session: &Session, opened: &Session, json: &str, now: Timestamp) -> Session {
    let by = Opened::of(&view(opened, Key::Vst, now));
    let Verdict::Lives(view) = judge_newer(session, opened, Key::Vst, own(now), now, &limits()) else {
        panic!("it lives")
    };
    admitted(&catalogue(), json).apply(&view, by, now, &limits()).unwrap().unwrap()
}

/// What a log-on makes of a session that may continue.
pub(crate) fn risen(session: &Session, key: Key, name: &str, now: Timestamp, number: u8) -> Session {
    let view = view(session, key, now);
    match log_on(Some(&view), site(), proof(name, now), fresh(number), now, &limits()) {
        Ok(Risen::Same(session)) => session,
        other => panic!("{other:?}"),
    }
}
