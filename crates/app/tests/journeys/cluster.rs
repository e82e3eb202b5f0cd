//! Journeys through a cluster: two nodes, each with a proxy and a gateway, and a log-in apart from them, over one session
//! store. The store is a real server behind a network that breaks when told, one for each node. Leases on a real server
//! need real time, so these stories have it; limits of hours are reached by putting the clock forward.

mod clock;
mod deaf;
mod nodes;
mod own_server;
mod pace;
mod refusals;
mod set;
mod store;

mod audit;
mod callback;
mod channel;
mod failover;
mod feed;
mod late_reply;
mod outage;
mod own_writes;
mod revocation;
mod server_faults;
mod warned;
mod whole_nodes;
