//! The storm: thousands of short histories of visitors, tabs, log-ons, log-outs, revokes and faults, over several nodes
//! that share one store, each following from its seed. After each step everything holds that `storm/book.rs` names.
//! A seed that fails is shown as the shortest history that fails, with the line for `REGRESSIONS`.

mod book;
mod clock;
mod dice;
mod issuer;
mod jar;
mod links;
mod node;
mod own_pages;
mod play;
mod request;
mod shown;
mod shrink;
mod step;
mod store;
mod watch;

#[cfg(test)]
mod tests;
