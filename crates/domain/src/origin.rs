//! Whether a request came to its site's own origin, and what becomes of one that did not: one site is one origin.
//! Must not know hosts, ports or who terminates TLS.

use crate::fetch::Fetch;

/// Where a request to a site came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Came {
    /// By the site's own scheme, host and port.
    Home,
    /// Under another name of the site, or at another port.
    Elsewhere,
    /// In the clear, to a site whose origin is https.
    InTheClear,
}

/// What becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Entry {
    /// It is served.
    Serve,
    /// It is sent to the same address of the site's origin.
    Redirect,
    /// It is refused: to repeat it elsewhere could do something twice, or hide that it went over the wire in the clear.
    Refuse,
}

/// Decides. In the clear only pages are sent on: a program has to notice that it shows its secrets to everybody.
pub fn entry(came: Came, fetch: &Fetch) -> Entry {
    let goes_on = match came {
        Came::Home => return Entry::Serve,
        Came::Elsewhere => fetch.method.is_read(),
        Came::InTheClear => fetch.method.is_read() && fetch.is_for_page(),
    };
    if goes_on { Entry::Redirect } else { Entry::Refuse }
}

#[cfg(test)]
mod tests;
