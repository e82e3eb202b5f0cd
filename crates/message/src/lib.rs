//! HTTP/1 messages without I/O: heads, fields, framing, targets, hosts, cookies, trailers (RFC 9110, RFC 9112).
//! Knows no socket, no session and no token. Everything here is strict: what a lenient parser would
//! guess at is a fault, because two parsers that guess differently are how requests are smuggled.

pub mod accept;
pub mod chunked;
pub mod cookie;
pub mod field;
pub mod framing;
pub mod head;
pub mod host;
pub mod lines;
pub mod method;
pub mod scan;
pub mod status;
pub mod target;
