//! The embedded store on real files: the contract, the file itself, and kill -9.

mod contract;
mod crash;
mod file;
mod late;
