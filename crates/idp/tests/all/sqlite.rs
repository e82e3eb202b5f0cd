//! With the registry on SQLite, in memory.

mod database;
stories!();
