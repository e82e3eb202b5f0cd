//! A visitor's request from end to end: route · open · judge · fall · enrich · relay · absorb · seal · log. Reads from top
//! to bottom; each phase is a file, each decision is the domain's.

use std::sync::Arc;

use vestibule_domain::audit::Cause;
use vestibule_domain::csrf;
use vestibule_domain::identity::{Handle, Timestamp};
use vestibule_domain::outage::Unavailable;
use vestibule_domain::standing::Standing;
use vestibule_domain::step_up;
use vestibule_domain::token::Need;
use vestibule_message::field::Known;
use vestibule_message::head::RequestHead;
use vestibule_routes::{Held, Match, NoRoute, Permit};
use vestibule_wire::{Answer, Edit, Exchange, Leash, Relayed, Served};

use crate::absorb;
use crate::enrich::{self, Shown, Told};
use crate::leash::Tied;
use crate::open::{self, NotOpened, Opened, Porter, Unknown, Visitor};
use crate::own::{self, Ask, Call, LoggedOut};
use crate::reply;
use crate::seal::{self, Scene, Spared};
use crate::site::{App, Site};
use crate::tokens::Token;
use crate::visit::Visit;
use crate::{Note, Proxy, Visitors};

/// The site and what knows its visitors; `None` on a host where nobody is ever known.
pub(crate) type Home<'p> = Option<(&'p Site, &'p Visitors)>;

/// Serves one request.
pub(crate) async fn serve(proxy: &Proxy, mut x: Exchange<'_, Note>) -> Served {
    let live = &proxy.live;
    let now = proxy.visitors.as_ref().map_or(Timestamp::from_millis(0), |visitors| visitors.clock.wall());
    let peer = x.peer().ip();
    let visit = Visit::read(live, &x.head(), peer, x.id(), now);
    x.note().client = Some(visit.client).filter(|client| *client != peer);
    x.note().doubled = visit.jar.is_doubled();

    // route
    let forged = || (live.refuses_forged && enrich::is_forged(&x.head())).then(reply::forged);
    if let Some(answer) = visit.turn_away(x.head().target()).or_else(forged) {
        return x.answer(visit.dress(answer)).await;
    }
    let home: Home<'_> = visit.site.zip(proxy.visitors.as_ref());
    if x.head().target().path().starts_with(own::PREFIX) {
        return match home {
            Some((site, visitors)) => own::serve(Call { proxy, visitors, site, visit }, x).await,
            None => refuse(x, &visit, NoRoute::Path).await,
        };
    }
    let head = x.head();
    let found = match live.table.find(head.host(), head.target()) {
        Ok(found) => found,
        Err(none) => return refuse(x, &visit, none).await,
    };
    let app = &live.apps[found.route().number];

    // open, judge, enrich
    let passed = match pass(proxy, home, &visit, app, found, &head).await {
        Ok(passed) => passed,
        Err(stopped) => {
            let answer = stopped.noted(x.note());
            return x.answer(visit.dress(answer)).await;
        }
    };
    passed.note(x.note());
    let Passed { permit, edit, opened, standing, token, .. } = passed;

    // relay
    let tied = home.zip(opened.visitor.as_ref()).map(|((site, visitors), visitor)| {
        let (token, need, limits) = (token.as_ref(), app.need, &live.limits);
        Tied { visitors, site, visitor, now, token, need, limits }
    });
    let anchor = tied.map(|tied| move || tied.anchor());
    let leash = anchor.as_ref().map_or(Leash::NONE, |anchor| Leash::new(anchor));
    let mut relayed = match x.relay(permit, leash, edit).await {
        Ok(relayed) => relayed,
        Err(refused) => {
            let answer = reply::relay_fault(refused.fault());
            return refused.into_exchange().answer(visit.dress(answer)).await;
        }
    };

    // absorb, seal
    let Some((site, visitors)) = home else { return deliver(relayed, &visit, app, standing, &[]).await };
    // The app may have taken its time: what is saved is judged by when it answered.
    let now = visitors.clock.wall();
    let scene = Scene { visitors, site, app, visit: &visit, opened: &opened, now, limits: &live.limits };
    let wishes = absorb::read(&relayed.head(), relayed.had_in_interim(Known::XContextUpdate));
    let done = scene.carry_out(wishes, &relayed.request()).await;
    (relayed.note().refused, relayed.note().not_saved) = (done.refused, done.not_saved);
    if done.log_out == Some(LoggedOut::Done) {
        // What this page hangs on has just ended by its own wish.
        relayed.let_go();
    }
    match done.instead {
        Some(answer) => relayed.replace(visit.dress(answer)).await,
        None => deliver(relayed, &visit, app, standing, &done.cookies).await,
    }
}

/// A request that may go to its app.
pub(crate) struct Passed {
    permit: Permit,
    pub(crate) edit: Edit,
    pub(crate) opened: Opened,
    pub(crate) standing: Standing,
    token: Option<Arc<Token>>,
    /// The app is told less than it should be.
    degraded: bool,
}

impl Passed {
    fn note(&self, note: &mut Note) {
        note.degraded = self.degraded;
        note.unknown.clone_from(&self.opened.unknown);
        note.unreadable.clone_from(&self.opened.unreadable);
        note.session = self.opened.visitor.as_ref().map(Visitor::handle);
        note.standing = self.standing;
    }
}

/// A request that is not served as it was meant.
pub(crate) struct Stopped {
    pub(crate) answer: Answer,
    /// Why its session could not be read, for the log.
    unknown: Option<String>,
    /// Whose it is, where that is known.
    visitor: Option<(Handle, Standing)>,
}

impl Stopped {
    /// One whose visitor cannot be served now; `page` for a person.
    pub(crate) fn of(why: NotOpened, page: bool) -> Self {
        match why {
            NotOpened::Moved => reply::session_moved().into(),
            NotOpened::NoToken => reply::no_token(page).into(),
            NotOpened::Unknown(Unknown(why)) => {
                let answer = reply::not_opened(Unavailable::Unknown, page);
                Self { answer, unknown: Some(why), visitor: None }
            }
            NotOpened::Unsaved(handle, standing) => Self {
                answer: reply::not_opened(Unavailable::Unsaved, page),
                unknown: Some(open::COPY_CANNOT_CHANGE.to_owned()),
                visitor: Some((handle, standing)),
            },
        }
    }

    /// Its answer, after it has been written down.
    pub(crate) fn noted(self, note: &mut Note) -> Answer {
        note.unknown = self.unknown;
        if let Some((session, standing)) = self.visitor {
            note.tell(session, standing);
        }
        self.answer
    }
}

impl From<Answer> for Stopped {
    fn from(answer: Answer) -> Self {
        Self { answer, unknown: None, visitor: None }
    }
}

/// Everything between the route and the relay; `Err` is the answer in place of the app's.
pub(crate) async fn pass(
    proxy: &Proxy,
    home: Home<'_>,
    visit: &Visit<'_>,
    app: &App,
    found: Match<'_, Standing>,
    head: &RequestHead<'_>,
) -> Result<Passed, Stopped> {
    // Where nobody is known there is nothing to protect.
    if home.is_some() && !app.allows_cross_site && csrf::check(&visit.fetch, visit.jar.any_of_ours()).is_err()
    {
        return Err(reply::cross_site().into());
    }
    let (limits, page) = (&proxy.live.limits, || reply::wants_page(head));

    // open, judge, and the token
    let (opened, token) = match home {
        None => (Opened::NOBODY, None),
        Some((site, visitors)) => {
            let porter = Porter::new(proxy, visitors, site, visit);
            open(&porter, app).await.map_err(|why| Stopped::of(why, page()))?
        }
    };

    // enrich
    let view = opened.visitor.as_ref().and_then(|it| Some((it.handle(), it.view(visit.now, limits)?)));
    let standing = view.as_ref().map_or(Standing::Anonymous, |(_, view)| view.standing());
    let permit = found.admit(Held { standing }).map_err(|_| match home {
        Some((site, _)) if site.client.is_some() => {
            let ask =
                Ask { target: visit.return_target(head), asked: false, max_age: None, restarted: false };
            reply::ask(step_up::ask(&visit.fetch), &ask, &[])
        }
        _ => reply::forbidden(page(), &[]),
    })?;
    let has_tokens = home.is_some_and(|(site, _)| site.client.is_some());
    let degraded = opened.degraded || (has_tokens && token.is_none());
    let shown = opened.visitor.as_ref().zip(view);
    let told = Told {
        visitor: shown.map(|(visitor, (handle, view))| Shown {
            handle,
            version: visitor.known.version,
            view,
        }),
        token: token.as_deref(),
        degraded,
    };
    let edit = enrich::for_app(head, visit, app, &told).map_err(|_| reply::bug())?;
    Ok(Passed { permit, edit, opened, standing, token, degraded })
}

async fn refuse(x: Exchange<'_, Note>, visit: &Visit<'_>, none: NoRoute) -> Served {
    let answer = visit.dress(reply::no_route(none, &x.head()));
    x.answer(answer).await
}

/// The visitor of a request, and the JPT that its app gets.
async fn open(porter: &Porter<'_>, app: &App) -> Result<(Opened, Option<Arc<Token>>), NotOpened> {
    let mut opened = porter.open(app, porter.visit.jar.must_read_through(porter.visitors.node)).await?;
    if porter.falls(opened.visitor.as_ref()).await? {
        opened = porter.open(app, true).await?;
    }
    let token = token(porter, &mut opened, app).await?;
    Ok((opened, token))
}

/// The JPT that the app gets; none where it can do without. A log-on that has ended at the IDP is over here too.
async fn token(porter: &Porter<'_>, opened: &mut Opened, app: &App) -> Result<Option<Arc<Token>>, NotOpened> {
    let Porter { visitors, site, visit, limits, .. } = *porter;
    let mut has_fallen = false;
    loop {
        let visitor = opened.visitor.as_ref();
        let view = visitor.and_then(|visitor| Some((visitor.handle(), visitor.view(visit.now, limits)?)));
        let shown = view.as_ref().map(|(handle, view)| (*handle, view));
        let why = match visitors.tokens.of(site, shown, visit.now, visit.now).await {
            Ok(token) => return Ok(Some(token)),
            Err(why) => why,
        };
        let ended = shown.and_then(|(_, view)| visitors.tokens.end_of(view, &why, visit.now, limits));
        let Some((cause, visitor)) = ended.and_then(|cause| Some((cause, opened.visitor.take()?))) else {
            return if app.need == Need::Wanted { Ok(None) } else { Err(NotOpened::NoToken) };
        };
        if cause == Cause::Rule && !has_fallen {
            porter.follow(&visitor).await?;
        } else if cause == Cause::Rule {
            // By a rule nothing ends: what survives a log-on stays, and the next request finds it.
            return Err(NotOpened::Moved);
        } else {
            match seal::end(visitors, &visitor, cause, visit.now).await {
                Ok(()) => {
                    opened.set_gone(&visitor);
                    continue;
                }
                Err(Spared::Fallen) if !has_fallen => {}
                Err(_) => return Err(NotOpened::Moved),
            }
        }
        has_fallen = true;
        *opened = porter.open(app, true).await?;
    }
}

/// Sends the app's answer on.
async fn deliver(
    relayed: Relayed<'_, Note>,
    visit: &Visit<'_>,
    app: &App,
    standing: Standing,
    cookies: &[String],
) -> Served {
    let caching = absorb::caching(&relayed.head(), standing, !cookies.is_empty(), app);
    let is_personal = !cookies.is_empty() || standing > Standing::Anonymous;
    match enrich::for_browser(visit, cookies, caching, is_personal) {
        Ok(down) => relayed.send(down).await,
        Err(_) => relayed.replace(visit.dress(reply::bug())).await,
    }
}

#[cfg(test)]
mod tests;
