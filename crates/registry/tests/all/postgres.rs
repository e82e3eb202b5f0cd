//! PostgreSQL: a real server, a schema for each story.

mod database;
mod outage;
mod server;
mod shared;
stories!();
