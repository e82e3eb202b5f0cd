//! What every answer of ours has, whichever face makes it, and the page that people read in place of an answer of an app.
//! It says what to do and nothing about us.

use vestibule_message::status::Status;

use crate::answer::Answer;

pub(crate) const HTML: &str = "text/html; charset=utf-8";
pub(crate) const PAGE: &str = include_str!("page/page.html");
/// Of an answer that nothing may run in, and that shows nothing.
const BARE_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";
/// Of the style in [`PAGE`], so that no other style and no script runs there.
pub(crate) const PAGE_POLICY: &str = "default-src 'none'; style-src 'sha256-QKXpgHt5W8h45qNPJMTdEPct9DQYerLgZJICWR7Tn/E='; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// An answer that nobody keeps, frames or takes for what it is not. For documents; a page is made by [`page`].
pub fn guarded(status: Status) -> Answer {
    guarded_by(status, BARE_POLICY)
}

/// A page for people. Both texts must be ours: they are not escaped.
pub fn page(status: Status, headline: &str, more: &str) -> Answer {
    let text = PAGE.replace("{headline}", headline).replace("{more}", more);
    guarded_by(status, PAGE_POLICY).body(HTML, text.replace("{status}", &shown(status)))
}

/// The same with what may run in it.
pub(crate) fn guarded_by(status: Status, policy: &'static str) -> Answer {
    Answer::new(status)
        .with("cache-control", "no-store")
        .with("x-content-type-options", "nosniff")
        .with("referrer-policy", "no-referrer")
        .with("cross-origin-opener-policy", "same-origin")
        .with("content-security-policy", policy)
}

/// The status as it is told to people: for whoever is asked for help.
pub(crate) fn shown(status: Status) -> String {
    format!("{} {}", status.code(), status.reason())
}
