//! The registry through its public methods: every story on SQLite and on PostgreSQL, and what only one of them has.

#[cfg(test)]
#[expect(
    clippy::duplicate_mod,
    reason = "each story is told on both databases, which the parent module chooses"
)]
mod all {
    /// The stories that both databases tell. `database`, beside them, says which one it is.
    macro_rules! stories {
        () => {
            #[path = "caps.rs"]
            mod caps;
            #[path = "clients.rs"]
            mod clients;
            #[path = "codes.rs"]
            mod codes;
            #[path = "ends.rs"]
            mod ends;
            #[path = "feed.rs"]
            mod feed;
            #[path = "fixture.rs"]
            mod fixture;
            #[path = "grants.rs"]
            mod grants;
            #[path = "keys.rs"]
            mod keys;
            #[path = "log_in.rs"]
            mod log_in;
            #[path = "races.rs"]
            mod races;
            #[path = "refresh.rs"]
            mod refresh;
            #[path = "restart.rs"]
            mod restart;
            #[path = "secrecy.rs"]
            mod secrecy;
            #[path = "sweep.rs"]
            mod sweep;
            #[path = "throttle.rs"]
            mod throttle;
            #[path = "trail.rs"]
            mod trail;
            #[path = "users.rs"]
            mod users;
        };
    }

    mod postgres;
    mod sqlite;
}
