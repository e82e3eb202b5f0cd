//! The proxy's own answers: the only file of this crate with status codes. A page for people, a problem document
//! (RFC 9457) for programs; neither says anything about us or about what is behind us.

use vestibule_domain::standing::Standing;
use vestibule_message::field::Known;
use vestibule_message::head::RequestHead;
use vestibule_message::status::Status;
use vestibule_message::target::Target;
use vestibule_routes::{NoRoute, Short};
use vestibule_wire::{Answer, RelayFault};

const PAGE: &str = include_str!("reply/page.html");
/// Of the style in [`PAGE`], so that no other style and no script runs there.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'sha256-kXTYIlADW4JKTV0RsANj04fs5s6eNiF9b2dDgTI72NQ='; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// There is no route (421, 404).
pub(crate) fn no_route(none: NoRoute, head: &RequestHead<'_>) -> Answer {
    match none {
        NoRoute::Host => answer(421, "No site here has this name.", wants_page(head)),
        NoRoute::Path => answer(404, "There is no page at this address.", wants_page(head)),
    }
}

/// The visitor's standing is too low, and nothing can raise it yet.
pub(crate) fn short(short: &Short<Standing>, head: &RequestHead<'_>) -> Answer {
    let detail = match short.requires {
        Standing::Anonymous | Standing::Returning => "This page is for visitors whom the site remembers.",
        Standing::LoggedOn => "This page is for visitors who have logged on.",
    };
    answer(403, detail, wants_page(head))
}

/// The request did not get an answer from the app.
pub(crate) fn relay_fault(fault: &RelayFault) -> Answer {
    match fault {
        RelayFault::BodyTooLarge => answer(413, "The request is larger than this address takes.", false),
        RelayFault::BodyMalformed => answer(400, "The body of the request is malformed.", false),
        RelayFault::BodySlow => answer(408, "The request did not arrive in time.", false),
        // Nobody is there to read it.
        RelayFault::ClientGone => answer(400, "The request was not whole.", false),
        RelayFault::ConnectSlow | RelayFault::AnswerSlow => {
            answer(504, "The page did not answer in time. Please try again.", true)
        }
        RelayFault::Unreachable(_) | RelayFault::UpstreamGone | RelayFault::AnswerMalformed(_) => {
            answer(502, "The page cannot be reached right now. Please try again.", true)
        }
    }
}

/// Something that cannot happen happened.
pub(crate) fn bug(head: &RequestHead<'_>) -> Answer {
    answer(500, "Something went wrong on our side.", wants_page(head))
}

/// The same page under the site's own name. Not permanent: an alias may become a site.
pub(crate) fn elsewhere(origin: &str, target: &Target) -> Answer {
    let location = format!("{origin}{}", target.as_str());
    let answer = answer(307, "This site has another name.", false);
    answer.field("location", location).unwrap_or_else(|_| Answer::new(status(400)))
}

/// Whether a person is likely to look at the answer.
fn wants_page(head: &RequestHead<'_>) -> bool {
    let names_html =
        |accept: &[u8]| String::from_utf8_lossy(accept).to_ascii_lowercase().contains("text/html");
    head.fields().all(Known::Accept).any(names_html)
}

fn answer(code: u16, detail: &str, page: bool) -> Answer {
    let status = status(code);
    let answer = Answer::new(status)
        .with("cache-control", "no-store")
        .with("x-content-type-options", "nosniff")
        .with("referrer-policy", "no-referrer")
        .with("content-security-policy", PAGE_POLICY);
    if page {
        let text = PAGE.replace("{title}", status.reason()).replace("{detail}", detail);
        return answer.body("text/html; charset=utf-8", text);
    }
    let problem = format!(r#"{{"status":{code},"title":"{}","detail":"{detail}"}}"#, status.reason());
    answer.body("application/problem+json", problem)
}

fn status(code: u16) -> Status {
    Status::new(code).expect("every code in this file is between 100 and 599")
}

#[cfg(test)]
mod tests;
