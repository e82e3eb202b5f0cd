//! Runs xtask as a developer does, on small trees of its own.

#![cfg(test)] // so that clippy lets fixtures unwrap, as tests may

mod changelog;
mod fixture;
mod packages;
mod readme;
mod tidy;
