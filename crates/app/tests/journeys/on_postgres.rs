//! The journeys of a visitor once more, with users and tokens in PostgreSQL: all but those about bad configurations and
//! about the disk of the sessions.

mod refused;
mod registry;

#[path = "visitor/apart.rs"]
mod apart;
#[path = "visitor/app.rs"]
mod app;
#[expect(dead_code, reason = "not all stories are told here")]
#[path = "visitor/browser.rs"]
mod browser;
#[path = "visitor/client.rs"]
mod client;
#[path = "visitor/door.rs"]
mod door;
#[path = "visitor/form.rs"]
mod form;
#[path = "visitor/house.rs"]
mod house;
#[path = "visitor/jar.rs"]
mod jar;
#[path = "visitor/plain_service.rs"]
mod plain_service;
#[expect(dead_code, reason = "not all stories are told here")]
#[path = "visitor/split.rs"]
mod split;

#[path = "visitor/administration.rs"]
mod administration;
#[path = "visitor/attempts.rs"]
mod attempts;
#[path = "visitor/balancer.rs"]
mod balancer;
#[path = "visitor/becoming_returning.rs"]
mod becoming_returning;
#[path = "visitor/caching.rs"]
mod caching;
#[path = "visitor/cross_site.rs"]
mod cross_site;
#[path = "visitor/first_visit.rs"]
mod first_visit;
#[path = "visitor/grace.rs"]
mod grace;
#[path = "visitor/killed.rs"]
mod killed;
#[path = "visitor/live_session.rs"]
mod live_session;
#[path = "visitor/log_on.rs"]
mod log_on;
#[path = "visitor/log_out.rs"]
mod log_out;
#[path = "visitor/minting.rs"]
mod minting;
#[path = "visitor/missing_scope.rs"]
mod missing_scope;
#[path = "visitor/mobile_app.rs"]
mod mobile_app;
#[path = "visitor/outside_door.rs"]
mod outside_door;
#[path = "visitor/password_change.rs"]
mod password_change;
#[path = "visitor/patch_refused.rs"]
mod patch_refused;
#[path = "visitor/patch_seen.rs"]
mod patch_seen;
#[path = "visitor/replay.rs"]
mod replay;
#[path = "visitor/restart.rs"]
mod restart;
#[path = "visitor/roles_apart.rs"]
mod roles_apart;
#[path = "visitor/rules.rs"]
mod rules;
#[path = "visitor/secrets_stay.rs"]
mod secrets_stay;
#[path = "visitor/step_down.rs"]
mod step_down;
#[path = "visitor/step_up.rs"]
mod step_up;
#[path = "visitor/streams.rs"]
mod streams;
#[path = "visitor/till.rs"]
mod till;
#[path = "visitor/too_many.rs"]
mod too_many;
#[path = "visitor/two_sites.rs"]
mod two_sites;
#[path = "visitor/two_tabs.rs"]
mod two_tabs;
#[path = "visitor/unread_body.rs"]
mod unread_body;
#[path = "visitor/wrong_doors.rs"]
mod wrong_doors;
