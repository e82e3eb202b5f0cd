//! What is wrong with the network right now. Connections are numbered as they come, from 1; what happens to those that
//! are open is said by the newest number that it happens to.

use std::time::Duration;

/// The number of a connection.
pub(super) type Number = u64;

/// The state of the network, read by every connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Weather {
    pub(super) delay: Duration,
    pub(super) bytes_per_second: Option<u32>,
    pub(super) swallows: bool,
    /// Marked connections are no part of that.
    pub(super) spares_marked: bool,
    pub(super) refuses: bool,
    pub(super) frozen_up_to: Number,
    pub(super) marked_frozen_up_to: Number,
    pub(super) reset_up_to: Number,
    pub(super) marked_reset_up_to: Number,
    pub(super) half_closed_up_to: Number,
    /// The connection that came last.
    pub(super) newest: Number,
}

impl Weather {
    /// As at the beginning. What was reset or closed by half stays so.
    pub(super) fn heal(&mut self) {
        *self = Self {
            reset_up_to: self.reset_up_to,
            marked_reset_up_to: self.marked_reset_up_to,
            half_closed_up_to: self.half_closed_up_to,
            newest: self.newest,
            ..Self::default()
        };
    }

    /// Whether this connection carries nothing.
    pub(super) fn holds(&self, number: Number, is_marked: bool) -> bool {
        let swallows = self.swallows && !(self.spares_marked && is_marked);
        swallows || number <= self.frozen_up_to || (is_marked && number <= self.marked_frozen_up_to)
    }

    /// Whether this connection has been reset.
    pub(super) fn resets(&self, number: Number, is_marked: bool) -> bool {
        number <= self.reset_up_to || (is_marked && number <= self.marked_reset_up_to)
    }

    /// Whether the server says no more on this connection.
    pub(super) fn half_closes(&self, number: Number) -> bool {
        number <= self.half_closed_up_to
    }
}
