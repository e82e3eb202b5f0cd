//! Named places on the way of a write, so that a crash test can stop the process exactly there.

/// Where a batch of writes stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CommitPoint {
    /// Everything is written, nothing is durable.
    BeforeCommit,
    /// Durable, and nobody knows.
    AfterCommit,
    /// Durable, and the watchers know. Acknowledged right after.
    BeforeAck,
}

/// Called by the writer's thread at each point. In production it does nothing.
pub(crate) type Hook = Box<dyn Fn(CommitPoint) + Send>;
