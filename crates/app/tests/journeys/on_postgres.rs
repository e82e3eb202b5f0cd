//! Journeys of a visitor once more, with users and tokens in PostgreSQL: those that go through the registry.

mod refused;
mod registry;

#[expect(dead_code, reason = "not all stories are told here")]
#[path = "visitor/app.rs"]
mod app;
#[expect(dead_code, reason = "not all stories are told here")]
#[path = "visitor/browser.rs"]
mod browser;
#[path = "visitor/client.rs"]
mod client;
#[path = "visitor/form.rs"]
mod form;
#[expect(dead_code, reason = "not all stories are told here")]
#[path = "visitor/house.rs"]
mod house;
#[path = "visitor/jar.rs"]
mod jar;

#[path = "visitor/log_on.rs"]
mod log_on;
#[path = "visitor/log_out.rs"]
mod log_out;
#[path = "visitor/mobile_app.rs"]
mod mobile_app;
#[path = "visitor/password_change.rs"]
mod password_change;
#[path = "visitor/replay.rs"]
mod replay;
#[path = "visitor/restart.rs"]
mod restart;
#[path = "visitor/roles_apart.rs"]
mod roles_apart;
#[path = "visitor/till.rs"]
mod till;
#[path = "visitor/too_many.rs"]
mod too_many;
#[path = "visitor/two_sites.rs"]
mod two_sites;
