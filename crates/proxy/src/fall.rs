//! Fall: a log-on that steps down although it is within its limits, because it breaks a rule here or has broken one
//! somewhere else. The session and its cookies stay. In a request it comes between open and enrich.

use vestibule_domain::judge::{Reading, Verdict, judge_newer};
use vestibule_domain::owed::Debt;
use vestibule_domain::rise;
use vestibule_sessions::{Committed, Deadline, NoChange};

use crate::open::{Porter, Unknown, Visitor};
use crate::owed;

impl Porter<'_> {
    /// Whether this visitor's log-on has broken a rule. Then it has stepped down, and the session is to be read again.
    /// `Err` when that cannot be saved: the request is not served as if the rule were kept.
    pub(crate) async fn falls(&self, visitor: Option<&Visitor>) -> Result<bool, Unknown> {
        match visitor {
            Some(visitor) if self.is_broken(visitor) => self.fall(visitor).await.map(|()| true),
            _ => Ok(false),
        }
    }

    /// Steps a log-on down that has fallen by a rule elsewhere, as the IDP says. The session is to be read again.
    pub(crate) async fn follow(&self, visitor: &Visitor) -> Result<(), Unknown> {
        self.step_down(visitor, self.visitors.sessions.deadline()).await.map(drop)
    }

    fn is_broken(&self, visitor: &Visitor) -> bool {
        let Some(footing) = &self.visit.footing else { return false };
        visitor.view(self.visit.now, self.limits).is_some_and(|view| self.rules.are_broken(&view, footing))
    }

    /// Steps it down, and ends what came from the same log-in at the IDP, so that the next log-on really asks.
    async fn fall(&self, visitor: &Visitor) -> Result<(), Unknown> {
        let (visitors, now) = (self.visitors, self.visit.now);
        let (session, epoch) = (visitor.handle(), visitor.known.session.epoch());
        let Some(sign_on) = visitor.known.session.sign_on() else { return Ok(()) };
        let deadline = visitors.sessions.deadline();
        let what = Debt::Fall { session, epoch, sign_on: sign_on.clone() };
        let entry = owed::write_down(visitors, what, now, deadline).await?;
        if self.step_down(visitor, deadline).await? {
            owed::tell_fall(visitors, entry, (session, epoch), sign_on).await;
        } else {
            // If it cannot be struck off now, it is found not to have come about.
            let _ = visitors.sessions.paid(entry).await;
        }
        Ok(())
    }

    /// Saves that a log-on has fallen by a rule, unless the session has risen or fallen since it was opened: whether it
    /// did.
    async fn step_down(&self, visitor: &Visitor, deadline: Deadline) -> Result<bool, Unknown> {
        let (opened, now, limits) = (&visitor.known.session, self.visit.now, self.limits);
        let committed = self.visitors.sessions.commit_by(visitor.handle(), deadline, |known, source| {
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
        Ok(matches!(committed.await?, Committed::Saved { .. }))
    }
}

#[cfg(test)]
mod tests;
