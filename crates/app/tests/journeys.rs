//! Journeys: a whole Vestibule in this process, real sockets on both sides, a file for each story. Ids such as B15 name
//! a class of attack or failure: A is framing, B what only we may say and which route it takes, E what breaks around us.

#![expect(clippy::duplicate_mod, reason = "stories that are told again with users and tokens in PostgreSQL")]

#[cfg(test)]
mod journeys {
    mod chromium;
    #[cfg(all(feature = "mongo", feature = "postgres", feature = "redis"))]
    mod cluster;
    mod drain;
    mod expect;
    mod few_files;
    mod framing;
    mod front;
    mod hygiene;
    mod limits;
    mod on_postgres;
    mod origin;
    mod pool;
    mod relay;
    mod routing;
    mod signals;
    mod upstream;
    mod visitor;
}
