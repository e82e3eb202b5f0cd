//! A visitor's request from end to end: route · open · judge · enrich · relay · absorb · seal · log. Reads from top to
//! bottom; each phase is a file, each decision is the domain's.

use std::sync::Arc;

use vestibule_domain::attempt::ReturnTarget;
use vestibule_domain::audit::Cause;
use vestibule_domain::csrf;
use vestibule_domain::identity::{Handle, Timestamp};
use vestibule_domain::judge::View;
use vestibule_domain::limits::Limits;
use vestibule_domain::outage::{self, Unavailable};
use vestibule_domain::standing::Standing;
use vestibule_domain::step_up::{self, Requirement};
use vestibule_domain::token::{Need, SKEW};
use vestibule_message::field::Known;
use vestibule_message::head::RequestHead;
use vestibule_routes::{Held, Match, NoRoute, Permit};
use vestibule_wire::{Answer, Edit, Exchange, Leash, Relayed, Served};

use crate::absorb::{self, Wishes};
use crate::enrich::{self, Shown, Told};
use crate::fall::Watch;
use crate::leash::Tied;
use crate::open::{self, NotOpened, Opened, Visitor};
use crate::own::{self, Ask, Call, Left, LoggedOut};
use crate::reply;
use crate::seal::{self, Scene, Sealed, Spared};
use crate::site::{App, Site};
use crate::tokens::{NoToken, Token};
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
    if let Some(answer) = visit.turn_away(x.head().target()) {
        return x.answer(visit.dress(answer)).await;
    }
    if live.refuses_forged && enrich::is_forged(&x.head()) {
        return x.answer(visit.dress(reply::forged())).await;
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
        Err(Stopped { answer, unknown, visitor }) => {
            x.note().unknown = unknown;
            if let Some((session, standing)) = visitor {
                (x.note().session, x.note().standing) = (Some(session), standing);
            }
            return x.answer(visit.dress(answer)).await;
        }
    };
    let Passed { permit, edit, opened, standing, token, degraded } = passed;
    x.note().degraded = degraded;
    x.note().unknown.clone_from(&opened.unknown);
    x.note().unreadable.clone_from(&opened.unreadable);
    x.note().session = opened.visitor.as_ref().map(Visitor::handle);
    x.note().standing = standing;

    // relay, and after it absorb and seal
    let tied = home.zip(opened.visitor.as_ref()).map(|((site, visitors), visitor)| {
        let (token, need, limits) = (token.as_ref(), app.need, &live.limits);
        Tied { visitors, site, visitor, now, token, need, limits }
    });
    let anchor = tied.map(|tied| move || tied.anchor());
    let leash = anchor.as_ref().map_or(Leash::NONE, |anchor| Leash::new(anchor));
    let relayed = match x.relay(permit, leash, edit).await {
        Ok(relayed) => relayed,
        Err(refused) => {
            let answer = reply::relay_fault(refused.fault());
            return refused.into_exchange().answer(visit.dress(answer)).await;
        }
    };
    match home {
        Some((site, visitors)) => {
            let after = After { proxy, visitors, site, app, visit: &visit, opened: &opened, standing };
            after.serve(relayed).await
        }
        None => deliver(relayed, &visit, app, standing, &[]).await,
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

/// A request that does not go to its app.
pub(crate) struct Stopped {
    pub(crate) answer: Answer,
    /// Why its session could not be read, for the log.
    unknown: Option<String>,
    /// Whose it is, where that is known.
    visitor: Option<(Handle, Standing)>,
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

    // open, judge
    let opened = match home {
        None => Ok(Opened::NOBODY),
        Some((site, visitors)) => match open::open(visitors, site, visit, app, limits).await {
            Ok(opened) => watch(proxy, site, visitors, visit).enforce(opened, app).await,
            refused => refused,
        },
    };
    let mut opened = opened.map_err(|why| match why {
        NotOpened::Moved => Stopped::from(reply::session_moved()),
        NotOpened::Unavailable(why, unknown) => {
            Stopped { answer: reply::not_opened(why, page()), unknown, visitor: None }
        }
        NotOpened::Unsaved(handle, standing) => Stopped {
            answer: reply::not_opened(Unavailable::Unsaved, page()),
            unknown: Some(open::COPY_CANNOT_CHANGE.to_owned()),
            visitor: Some((handle, standing)),
        },
    })?;

    // enrich
    let token = match home {
        None => None,
        Some((site, visitors)) => {
            token(&watch(proxy, site, visitors, visit), &mut opened, app).await.map_err(|why| {
                if why == NoToken::Moved { reply::session_moved() } else { reply::no_token(page()) }
            })?
        }
    };
    let view = opened.visitor.as_ref().and_then(|it| Some((it.handle(), it.view(visit.now, limits)?)));
    let standing = view.as_ref().map_or(Standing::Anonymous, |(_, view)| view.standing());
    let permit = found.admit(Held { standing }).map_err(|_| match home {
        Some((site, _)) if site.client.is_some() => {
            let ask =
                Ask { target: return_target(visit, head), asked: false, max_age: None, restarted: false };
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

fn watch<'a>(proxy: &'a Proxy, site: &'a Site, visitors: &'a Visitors, visit: &'a Visit<'a>) -> Watch<'a> {
    Watch { visitors, site, visit, rules: proxy.live.rules, limits: &proxy.live.limits }
}

/// Where a log-in returns to: this page, or for anything that is no page the start.
pub(crate) fn return_target(visit: &Visit<'_>, head: &RequestHead<'_>) -> ReturnTarget {
    if visit.fetch.is_page() {
        ReturnTarget::or_root(head.target().as_str().as_bytes())
    } else {
        ReturnTarget::root()
    }
}

/// The JPT that the app gets; none where it can do without. A log-on that has ended at the IDP is over here too.
async fn token(watch: &Watch<'_>, opened: &mut Opened, app: &App) -> Result<Option<Arc<Token>>, NoToken> {
    let Watch { visitors, site, visit, limits, .. } = *watch;
    let mut has_fallen = false;
    loop {
        let visitor = opened.visitor.as_ref();
        let view = visitor.and_then(|visitor| Some((visitor.handle(), visitor.view(visit.now, limits)?)));
        let shown = view.as_ref().map(|(handle, view)| (*handle, view));
        match visitors.tokens.of(site, shown, visit.now, visit.now).await {
            Ok(token) => return Ok(Some(token)),
            Err(NoToken::Unavailable) if app.need == Need::Wanted => return Ok(None),
            // At its limit a log-on steps down by the judgement; a clock that is wrong, the IDP's or ours, ends nothing.
            Err(NoToken::Refused)
                if view.as_ref().is_some_and(|(_, view)| {
                    is_nearly_over(view, visitors.tokens.latest_time(visit.now), limits)
                }) =>
            {
                return if app.need == Need::Wanted { Ok(None) } else { Err(NoToken::Unavailable) };
            }
            Err(NoToken::Ended(Cause::Rule)) if !has_fallen => {
                let Some(visitor) = &opened.visitor else { return Err(NoToken::Unavailable) };
                has_fallen = true;
                *opened = watch.follow(visitor, app).await?;
            }
            // By a rule nothing ends: what survives a log-on stays, and the next request finds it.
            Err(NoToken::Ended(Cause::Rule)) => return Err(NoToken::Moved),
            Err(why @ (NoToken::Ended(_) | NoToken::Refused)) => {
                let cause = if let NoToken::Ended(cause) = why { cause } else { Cause::Revoked };
                let Some(visitor) = opened.visitor.take() else { return Err(NoToken::Unavailable) };
                match seal::end(visitors, &visitor, cause, visit.now).await {
                    Ok(()) => opened.set_gone(&visitor),
                    Err(Spared::Fallen) if !has_fallen => {
                        has_fallen = true;
                        *opened = watch.open_again(app).await?;
                    }
                    Err(_) => return Err(NoToken::Moved),
                }
            }
            Err(why @ (NoToken::Unavailable | NoToken::Moved)) => return Err(why),
        }
    }
}

impl From<NotOpened> for NoToken {
    fn from(why: NotOpened) -> Self {
        match why {
            NotOpened::Moved => Self::Moved,
            NotOpened::Unavailable(..) | NotOpened::Unsaved(..) => Self::Unavailable,
        }
    }
}

/// Whether the log-on's own limit is as near as clocks may differ.
pub(crate) fn is_nearly_over(view: &View<'_>, now: Timestamp, limits: &Limits) -> bool {
    let ends_at = view.log_on().map(|log_on| log_on.ends_at.min(log_on.auth_time + limits.log_on));
    ends_at.is_some_and(|ends_at| ends_at.since(now) <= SKEW)
}

/// What happens between the head of the app's answer and its leaving.
struct After<'a> {
    proxy: &'a Proxy,
    visitors: &'a Visitors,
    site: &'a Site,
    app: &'a App,
    visit: &'a Visit<'a>,
    opened: &'a Opened,
    standing: Standing,
}

impl After<'_> {
    async fn serve(&self, mut relayed: Relayed<'_, Note>) -> Served {
        let limits = &self.proxy.live.limits;
        // The app may have taken its time: what is saved is judged by when it answered.
        let now = self.visitors.clock.wall();

        // absorb
        let Wishes { patch, requires, log_out } =
            absorb::read(&relayed.head(), relayed.had_in_interim(Known::XContextUpdate));
        let (Ok(log_out), Ok(requires)) = (log_out, requires) else {
            // A page that may say "you are logged out", or that was to be held back, is not shown; and the answer that is
            // shown is ours, so nothing is patched.
            relayed.note().refused = Some("a wish of the app's cannot be read".to_owned());
            return self.replace(relayed, reply::unreadable_wish()).await;
        };
        // What ends with this answer is not changed first, nor begun.
        let patch = patch.filter(|_| log_out.is_none());

        // seal
        let scene = Scene {
            visitors: self.visitors,
            site: self.site,
            app: self.app,
            visit: self.visit,
            opened: self.opened,
            now,
            limits,
        };
        let mut sealed = Sealed::default();
        match patch {
            None => scene.keep_up().await,
            Some(patch) => match scene.patch(patch).await {
                Ok(done) => sealed = done,
                Err(why) => {
                    relayed.note().not_saved = Some(why.0);
                    if !self.app.delivers_unsaved {
                        let answer = reply::context_not_saved(!self.visit.fetch.method.is_safe());
                        return self.replace(relayed, answer).await;
                    }
                }
            },
        }
        relayed.note().refused = sealed.refused.take();
        if let (Some(scope), Some(visitor)) = (log_out, &self.opened.visitor) {
            if visitor.key.is_old() {
                // A late answer must not touch the newer log-on.
                return self.replace(relayed, reply::session_moved()).await;
            }
            let Left { outcome, cookies } =
                own::end_everything(self.visitors, now, visitor, scope, limits).await;
            let instead = match outcome {
                LoggedOut::Done => None,
                LoggedOut::HereOnly => Some(reply::logged_out_here_only(&cookies)),
                LoggedOut::NotEverywhere => Some(reply::not_logged_out_everywhere(&cookies)),
                LoggedOut::Failed => Some(reply::not_logged_out()),
            };
            if let Some(answer) = instead {
                return self.replace(relayed, answer).await;
            }
            sealed.cookies = cookies;
            // What this page hangs on has just ended by its own wish.
            relayed.let_go();
        } else if let Some(requirement) = requires
            && let target = return_target(self.visit, &relayed.request())
            && let Some(answer) = demand(&scene, target, &requirement, &sealed.cookies)
        {
            return self.replace(relayed, answer).await;
        }
        deliver(relayed, self.visit, self.app, self.standing, &sealed.cookies).await
    }

    async fn replace(&self, relayed: Relayed<'_, Note>, answer: Answer) -> Served {
        relayed.replace(self.visit.dress(answer)).await
    }
}

/// The answer in place of the app's, when the visitor has not what it demands.
pub(crate) fn demand(
    scene: &Scene<'_>,
    target: ReturnTarget,
    requirement: &Requirement,
    cookies: &[String],
) -> Option<Answer> {
    let Scene { site, visit, opened, now, limits, .. } = *scene;
    let page = visit.fetch.is_page();
    if let Err(why) = outage::demanded(!opened.degraded) {
        // Nothing was patched either, so there are no cookies to be set.
        return Some(reply::not_opened(why, page));
    }
    let view = opened.visitor.as_ref().and_then(|visitor| visitor.view(now, limits));
    if requirement.is_met(view.as_ref(), now) {
        return None;
    }
    if site.client.is_none() {
        return Some(reply::forbidden(page, cookies));
    }
    let how = step_up::demanded(requirement, view.as_ref(), &visit.fetch, now, limits);
    let ask = Ask { target, asked: true, max_age: requirement.max_age, restarted: false };
    Some(match how {
        Ok(how) => reply::ask(how, &ask, cookies),
        Err(_) => reply::step_up_loop(cookies),
    })
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
