//! The one test binary of this crate: tokens as an attacker makes them, and arbitrary bytes for every parser.

mod arbitrary;
mod claims;
mod envelope;
mod kinds;
mod signer;
