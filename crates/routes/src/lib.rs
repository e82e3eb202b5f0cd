//! Which route a request takes and what may happen on it. Holds the only constructor of [`Permit`]: who wants to
//! reach an upstream must have come through a table and been admitted. Knows no session, no token and no socket.

mod conduct;
mod problem;
mod table;

pub use conduct::{Conduct, ConductSettings, Upstream, UpstreamFault};
pub use problem::Problem;
pub use table::{Held, Match, NoRoute, Permit, Route, Short, Table, TableFault};
