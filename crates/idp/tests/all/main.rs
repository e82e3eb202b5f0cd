//! The provider as browsers, clients, proxy and gateway meet it: the whole router and both ports over a registry in
//! memory, with a clock that is moved by hand and random bytes from a seed.
//! `cfg(test)` lets clippy see that what stands beside the tests is for tests too.

#![cfg(test)]

mod authorize;
mod feed;
mod guessing;
mod house;
mod inside;
mod kinds;
mod login;
mod outage;
mod pages;
mod password;
mod refresh;
mod revoke;
mod site;
mod start;
mod token;
mod users;
