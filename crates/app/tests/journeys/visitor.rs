//! Journeys of a visitor: a browser, the proxy, scripted apps and the log-in, all on real sockets of this machine, with
//! a clock that moves only when a story moves it. A file is a story.

mod app;
mod browser;
mod client;
mod form;
mod house;
mod jar;

mod attempts;
mod bad_config;
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
mod till;
mod too_many;
mod two_sites;
mod two_tabs;
