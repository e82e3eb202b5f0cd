//! With the registry on PostgreSQL: a real server, a schema for each house.

mod away;
mod database;
mod shared;
stories!();
