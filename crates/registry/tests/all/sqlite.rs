//! SQLite, in memory and on files.

mod database;
mod file;
stories!();
