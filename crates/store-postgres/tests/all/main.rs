//! Sessions in a real PostgreSQL: the contract, opening, outages, and what is stored how.

mod contract;
mod events;
mod late;
mod open;
mod outage;
mod rig;
mod rows;
mod standby;
