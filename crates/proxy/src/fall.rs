//! Fall: a log-on that steps down although it is within its limits, because it breaks a rule here or has broken one
//! somewhere else. The session and its cookies stay. In a request it comes between open and enrich.

use vestibule_domain::identity::Timestamp;
use vestibule_domain::judge::{Reading, Verdict, judge_newer};
use vestibule_domain::limits::Limits;
use vestibule_domain::outage::Unavailable;
use vestibule_domain::owed::Debt;
use vestibule_domain::rise;
use vestibule_domain::rule::Rules;
use vestibule_sessions::{Committed, Deadline, NoChange};

use crate::open::{self, NotOpened, Opened, Visitor};
use crate::site::{App, Site};
use crate::visit::Visit;
use crate::{Visitors, owed};

/// What a request goes by.
pub(crate) struct Watch<'a> {
    pub(crate) visitors: &'a Visitors,
    pub(crate) site: &'a Site,
    pub(crate) visit: &'a Visit<'a>,
    pub(crate) rules: Rules,
    pub(crate) limits: &'a Limits,
}

impl Watch<'_> {
    /// A visitor's session as it is after the rules. `Err` when one is broken and the fall cannot be saved: the request
    /// is not served as if it were kept.
    pub(crate) async fn enforce(&self, opened: Opened, app: &App) -> Result<Opened, NotOpened> {
        match &opened.visitor {
            Some(visitor) if self.is_broken(visitor) => {
                self.fall(visitor).await?;
                self.open_again(app).await
            }
            _ => Ok(opened),
        }
    }

    /// The same for a call of ours that has read the session from the store.
    pub(crate) async fn enforce_fresh(&self, found: Option<Visitor>) -> Result<Option<Visitor>, Unavailable> {
        match &found {
            Some(visitor) if self.is_broken(visitor) => {
                self.fall(visitor).await?;
                open::open_fresh(self.visitors, self.site, self.visit, self.limits).await
            }
            _ => Ok(found),
        }
    }

    /// A visitor's session after its log-on has fallen by a rule that was broken elsewhere, as the IDP says.
    pub(crate) async fn follow(&self, visitor: &Visitor, app: &App) -> Result<Opened, NotOpened> {
        step_down(self.visitors, visitor, self.visit.now, self.limits, self.visitors.sessions.deadline())
            .await?;
        self.open_again(app).await
    }

    /// A visitor's session as the store has it, after its log-on has fallen beside this request.
    pub(crate) async fn open_again(&self, app: &App) -> Result<Opened, NotOpened> {
        open::open_again(self.visitors, self.site, self.visit, app, self.limits).await
    }

    /// The same as `follow` for a call of ours.
    pub(crate) async fn follow_fresh(&self, visitor: &Visitor) -> Result<Option<Visitor>, Unavailable> {
        step_down(self.visitors, visitor, self.visit.now, self.limits, self.visitors.sessions.deadline())
            .await?;
        open::open_fresh(self.visitors, self.site, self.visit, self.limits).await
    }

    fn is_broken(&self, visitor: &Visitor) -> bool {
        let Some(footing) = &self.visit.footing else { return false };
        visitor.view(self.visit.now, self.limits).is_some_and(|view| self.rules.are_broken(&view, footing))
    }

    /// Steps it down, and ends what came from the same log-in at the IDP, so that the next log-on really asks.
    async fn fall(&self, visitor: &Visitor) -> Result<(), Unavailable> {
        let (visitors, now) = (self.visitors, self.visit.now);
        let session = &visitor.known.session;
        let Some(sign_on) = session.sign_on().cloned() else { return Ok(()) };
        let fall = Debt::Fall { session: visitor.handle(), epoch: session.epoch(), sign_on };
        let deadline = visitors.sessions.deadline();
        let entry =
            owed::write_down_fall(visitors, &fall, now, deadline).await.map_err(|_| Unavailable::Unknown)?;
        if step_down(visitors, visitor, now, self.limits, deadline).await? {
            owed::tell_fall(visitors, entry, &fall).await;
        } else {
            // If it cannot be struck off it is told, and somebody who has just logged on is asked once more.
            let _ = visitors.sessions.paid(entry).await;
        }
        Ok(())
    }
}

/// Saves that a log-on has fallen by a rule, unless the session has risen or fallen since it was opened: whether it did.
async fn step_down(
    visitors: &Visitors,
    visitor: &Visitor,
    now: Timestamp,
    limits: &Limits,
    deadline: Deadline,
) -> Result<bool, Unavailable> {
    let opened = &visitor.known.session;
    let committed = visitors.sessions.commit_by(visitor.handle(), deadline, |known, source| {
        let newest = &known.session;
        if newest.has_risen_since(opened) || newest.epoch() != opened.epoch() {
            return Err(NoChange::Nothing);
        }
        let reading = Reading { last_seen: known.last_seen(), source };
        match judge_newer(newest, opened, visitor.key, reading, now, limits) {
            Verdict::Lives(view) => rise::step_down(&view, now, limits).ok_or(NoChange::Nothing),
            Verdict::ReadAgain => Err(NoChange::ReadAgain),
            Verdict::Over(_) => Err(NoChange::Nothing),
        }
    });
    match committed.await {
        Ok(Committed::Saved { .. }) => Ok(true),
        Ok(Committed::Unchanged | Committed::Gone) => Ok(false),
        Err(_) => Err(Unavailable::Unknown),
    }
}

#[cfg(test)]
mod tests;
