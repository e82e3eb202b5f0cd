//! The words of Vestibule and every decision on them: standings, verdicts, patches, scopes.
//! Pure: no I/O, no waiting, no clock, no random numbers. One file per noun; times and random bytes are parameters.

pub mod ascii_json;
pub mod attempt;
pub mod attribute;
pub mod audit;
pub mod caching;
pub mod claims;
pub mod context;
pub mod cookie;
pub mod csrf;
pub mod digest;
mod encoding;
pub mod fetch;
#[cfg(test)]
mod fixture;
pub mod grace;
pub mod identity;
pub mod judge;
pub mod key;
pub mod limits;
pub mod mint;
pub mod origin;
pub mod outage;
pub mod owed;
pub mod patch;
pub mod patch_refused;
pub mod refresh;
pub mod rise;
pub mod rule;
pub mod scope;
pub mod session;
pub mod standing;
pub mod stay;
pub mod step_up;
pub mod throttle;
pub mod time;
pub mod token;

pub use encoding::Corrupt;
