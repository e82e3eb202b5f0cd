//! Journeys of a visitor: a browser, the proxy, scripted apps and the log-in, all on real sockets of this machine, with
//! a clock that moves only when a story moves it. A file is a story.

pub(super) mod app;
pub(super) mod browser;
mod client;
pub(super) mod form;
pub(super) mod house;
mod jar;
mod registry;

mod attempts;
mod bad_config;
mod balancer;
mod becoming_returning;
mod caching;
mod cross_site;
mod first_visit;
mod grace;
mod live_session;
mod log_on;
mod log_out;
mod minting;
mod mobile_app;
mod password_change;
mod patch_refused;
mod patch_seen;
mod replay;
mod restart;
mod roles_apart;
mod secrets_stay;
mod step_down;
mod step_up;
mod streams;
mod till;
mod too_many;
mod two_sites;
mod two_tabs;
