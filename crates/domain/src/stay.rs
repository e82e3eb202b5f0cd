//! Whether an answer that has begun for a visitor may go on: a stream outlives its request and must not outlive what let
//! it in. A rise ends nothing; a fall, another user, or the end of the session does.
//! Must not know what streams.

use crate::audit::Cause;
use crate::identity::UserId;
use crate::judge::{Verdict, View};
use crate::standing::Standing;

/// What a visitor was when his answer began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stay {
    standing: Standing,
    user: Option<UserId>,
}

/// What a newer judgement says of it.
#[derive(Debug, Clone, Copy)]
pub enum Stays<'s> {
    /// It may go on; this is what the visitor is now.
    On(View<'s>),
    /// It may not, and this is why.
    Over(Cause),
    /// By this copy it cannot be decided.
    ReadAgain,
}

impl Stay {
    /// Of an answer that begins for a visitor who is this.
    pub fn begin(view: &View<'_>) -> Self {
        Self { standing: view.standing(), user: view.log_on().map(|log_on| log_on.user.clone()) }
    }

    /// Whether it goes on by a judgement of the same session with the same key.
    pub fn go_on<'s>(&self, verdict: Verdict<'s>) -> Stays<'s> {
        let view = match verdict {
            Verdict::Lives(view) => view,
            Verdict::Over(fall) => return Stays::Over(fall.cause),
            Verdict::ReadAgain => return Stays::ReadAgain,
        };
        let is_another =
            self.user.is_some() && self.user.as_ref() != view.log_on().map(|log_on| &log_on.user);
        if view.standing() >= self.standing && !is_another {
            return Stays::On(view);
        }
        // The judgement has found the fall, or somebody has written it down before.
        let noted = || view.session().life().logged_out().map(|(_, cause)| cause);
        Stays::Over(view.fall().map(|fall| fall.cause).or_else(noted).unwrap_or(Cause::OtherUser))
    }
}

#[cfg(test)]
mod tests;
