//! The provider as browsers, clients, proxy and gateway meet it: the whole router and both ports over a registry, with
//! a clock that is moved by hand and random bytes from a seed. Every story with its registry on SQLite and on PostgreSQL.
//! `cfg(test)` lets clippy see that what stands beside the tests is for tests too.

#![cfg(test)]
#![expect(
    clippy::duplicate_mod,
    reason = "each story is told on both databases, which the parent module chooses"
)]

/// The stories. `database`, beside them, says where the registry is.
macro_rules! stories {
    () => {
        #[path = "authorize.rs"]
        mod authorize;
        #[path = "feed.rs"]
        mod feed;
        #[path = "guessing.rs"]
        mod guessing;
        #[path = "house.rs"]
        mod house;
        #[path = "inside.rs"]
        mod inside;
        #[path = "keys.rs"]
        mod keys;
        #[path = "kinds.rs"]
        mod kinds;
        #[path = "login.rs"]
        mod login;
        #[path = "origin.rs"]
        mod origin;
        #[path = "outage.rs"]
        mod outage;
        #[path = "pages.rs"]
        mod pages;
        #[path = "password.rs"]
        mod password;
        #[path = "plain_library.rs"]
        mod plain_library;
        #[path = "refresh.rs"]
        mod refresh;
        #[path = "revoke.rs"]
        mod revoke;
        #[path = "site.rs"]
        mod site;
        #[path = "start.rs"]
        mod start;
        #[path = "token.rs"]
        mod token;
        #[path = "users.rs"]
        mod users;
    };
}

mod postgres;
mod sqlite;
