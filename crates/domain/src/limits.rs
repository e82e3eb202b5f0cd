//! The numbers that judge a session. All are configuration; the defaults are safe on the open internet.
//! Must not know what happens when one is reached.

use std::time::Duration;

/// How long things of a session last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// A log-on, counted from the moment the credentials were given. Never extended.
    pub log_on: Duration,
    /// A log-on without a request.
    pub idle: Duration,
    /// What is added to `idle` where touches of other nodes may still be on their way.
    pub idle_margin: Duration,
    /// A returning session without a request.
    pub returning: Duration,
    /// Any session, counted from its birth; a log-on is a new birth.
    pub ceiling: Duration,
    /// A session whose cookie has not come back once.
    pub unconfirmed: Duration,
    /// How long the secret from before a rise is still shown what stood before it.
    pub grace: Duration,
    /// A log-on that was asked for and is asked for again this soon had no effect.
    pub step_up_again: Duration,
    /// What is kept of an ended session.
    pub tombstone: Duration,
}

const DAY: Duration = Duration::from_hours(24);

impl Default for Limits {
    fn default() -> Self {
        Self {
            log_on: Duration::from_hours(4),
            idle: Duration::from_mins(30),
            idle_margin: Duration::from_secs(10),
            returning: 7 * DAY,
            ceiling: 90 * DAY,
            unconfirmed: Duration::from_mins(10),
            grace: Duration::from_secs(5),
            step_up_again: Duration::from_mins(1),
            tombstone: 30 * DAY,
        }
    }
}

/// Longest grace: it is for requests that were on their way during a rise, not for two browsers.
pub const GRACE_MAX: Duration = Duration::from_secs(5);

/// Two limits contradict each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LimitsFault {
    /// `idle` above `log_on` would never be reached.
    #[error("the idle limit is longer than a log-on")]
    IdleOverLogOn,
    /// `log_on` above `ceiling` would make the session end before its log-on.
    #[error("a log-on is longer than the ceiling of its session")]
    LogOnOverCeiling,
    /// `returning` above `ceiling` would never be reached.
    #[error("the returning limit is longer than the ceiling")]
    ReturningOverCeiling,
    /// `grace` above [`GRACE_MAX`].
    #[error("the grace at a rise is longer than five seconds")]
    GraceTooLong,
    /// A session that is over as soon as it begins.
    #[error("a limit is zero")]
    Zero,
}

impl Limits {
    /// Everything that is wrong with them.
    pub fn faults(&self) -> Vec<LimitsFault> {
        let lasting = [self.log_on, self.idle, self.returning, self.ceiling, self.unconfirmed];
        let checks = [
            (self.idle > self.log_on, LimitsFault::IdleOverLogOn),
            (self.log_on > self.ceiling, LimitsFault::LogOnOverCeiling),
            (self.returning > self.ceiling, LimitsFault::ReturningOverCeiling),
            (self.grace > GRACE_MAX, LimitsFault::GraceTooLong),
            (lasting.iter().any(Duration::is_zero), LimitsFault::Zero),
        ];
        checks.into_iter().filter_map(|(wrong, fault)| wrong.then_some(fault)).collect()
    }
}

#[cfg(test)]
mod tests;
