//! The platform as one value: configuration, wiring, lifecycle. The only crate that knows all the others and the only
//! one with anyhow; decides nothing about visitors.

mod admin_client;
mod admin_token;
mod back;
pub mod command;
pub mod config;
pub mod demo;
mod faces;
mod health;
mod lifecycle;
mod open_files;
pub mod platform;
mod reference;
mod registry;
mod secret_line;
pub mod serve;
mod session_store;
mod store_news;
