//! Journeys of a visitor: a browser, the proxy, scripted apps and the log-in, all on real sockets of this machine, with
//! a clock that moves only when a story moves it. A file is a story.

mod apart;
pub(super) mod app;
pub(super) mod browser;
pub(super) mod client;
mod door;
pub(super) mod form;
pub(super) mod house;
mod jar;
mod registry;
mod split;

mod administration;
mod attempts;
mod bad_config;
mod balancer;
mod becoming_returning;
mod caching;
mod cross_site;
mod first_visit;
mod full_disk;
mod grace;
mod killed;
mod live_session;
mod log_on;
mod log_out;
mod minting;
mod missing_scope;
mod mobile_app;
mod outside_door;
mod password_change;
mod patch_refused;
mod patch_seen;
mod replay;
mod restart;
mod roles_apart;
mod rules;
mod secrets_stay;
mod step_down;
mod step_up;
mod streams;
mod till;
mod too_many;
mod two_sites;
mod two_tabs;
mod unread_body;
mod wrong_doors;
