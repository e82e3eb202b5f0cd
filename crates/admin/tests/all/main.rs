//! The admin API as a whole, called like a service, over stand-ins in memory.
//! `cfg(test)` lets clippy see that what stands beside the tests is for tests too.

#[cfg(test)]
mod authority;
#[cfg(test)]
mod door;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod rig;
#[cfg(test)]
mod session_audit;
#[cfg(test)]
mod user;
#[cfg(test)]
mod users;
