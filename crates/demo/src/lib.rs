//! The sample shop and its services, which `vestibule demo` serves through the proxy.
//!
//! These are plain HTTP programs: they must not know a session, a cookie or a token's inside, and import no
//! other crate of ours. All that the apps learn about a visitor stands in request headers; all they change,
//! in response headers.

mod catalogue;
mod echo;
mod reply;
mod serve;
pub mod services;
pub mod shop;

pub use serve::serve;
