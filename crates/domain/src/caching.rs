//! What caches may do with an app's answer: what is one visitor's must not reach another through them
//! (RFC 9111 5.2.2). Must not know sessions beyond the standing.

use crate::standing::Standing;

/// What a route says of its answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum RouteCache {
    /// They may depend on the visitor.
    #[default]
    Personal,
    /// They are the same for everyone, whoever asks.
    Shared,
}

/// An answer, as far as caches care.
#[derive(Debug, Clone, Copy)]
pub struct Cached<'h> {
    /// What the visitor is.
    pub standing: Standing,
    /// Whether we set a cookie on it.
    pub sets_our_cookie: bool,
    /// What the route says.
    pub route: RouteCache,
    /// The app's `Cache-Control`, all fields of it joined by commas.
    pub cache_control: Option<&'h [u8]>,
}

/// What to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Caching {
    /// What the app said, as it said it.
    AsIs,
    /// What the app said, and [`VARY`] besides: anonymous pages differ from those of other visitors.
    Vary,
    /// [`PRIVATE`] in place of the app's `Cache-Control` and of all [`OVERRIDING`] fields.
    Private,
}

/// The policy for one visitor's answers.
pub const PRIVATE: &str = "private, no-store";

/// The value of `Vary`.
pub const VARY: &str = "Cookie";

/// Fields by which shared caches would be told otherwise (RFC 9213, Edge Architecture 1.0).
pub const OVERRIDING: [&str; 2] = ["cdn-cache-control", "surrogate-control"];

/// Decides for an answer of an app.
pub fn caching(answer: &Cached<'_>) -> Caching {
    let personal = answer.standing > Standing::Anonymous && answer.route == RouteCache::Personal;
    // With a cookie of ours in it, an answer is one visitor's whatever the route says.
    if answer.sets_our_cookie || personal {
        return if is_private(answer.cache_control.unwrap_or_default()) {
            Caching::AsIs
        } else {
            Caching::Private
        };
    }
    match answer.route {
        RouteCache::Shared => Caching::AsIs,
        RouteCache::Personal => Caching::Vary,
    }
}

/// Whether an app's own policy already keeps every shared cache out. `private="field"` covers that field only.
fn is_private(cache_control: &[u8]) -> bool {
    let mut private = false;
    for directive in directives(cache_control) {
        let name = directive.split(|byte| *byte == b'=').next().unwrap_or_default();
        if name.eq_ignore_ascii_case(b"public") || name.eq_ignore_ascii_case(b"s-maxage") {
            return false;
        }
        private |= [b"private".as_slice(), b"no-store"].iter().any(|it| directive.eq_ignore_ascii_case(it));
    }
    private
}

/// The directives, split at the commas outside quotes.
fn directives(cache_control: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut quoted = false;
    cache_control
        .split(move |byte| {
            quoted ^= *byte == b'"';
            *byte == b',' && !quoted
        })
        .map(<[u8]>::trim_ascii)
}

#[cfg(test)]
mod tests;
