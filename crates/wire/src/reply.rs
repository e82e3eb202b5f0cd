//! Wire's own answers: the only file of this crate that chooses status codes. What the client reads says what was
//! wrong with its message and nothing about us.

use vestibule_message::chunked::ChunkFault;
use vestibule_message::head::HeadFault;
use vestibule_message::scan::ScanFault;
use vestibule_message::status::Status;

use crate::answer::Answer;
use crate::audience::Audience;
use crate::page::{self, HTML, guarded, guarded_by, shown};

const COOKIES_PAGE: &str = include_str!("reply/cookies.html");
/// Of the style and the script in [`COOKIES_PAGE`].
const COOKIES_POLICY: &str = "default-src 'none'; style-src 'sha256-ss+fo8uw6whAxUFtHMaFEyXkd8hvdEc56dXeyfF7IHI='; script-src 'sha256-Zy/Fk5D6rI0KJjb0QqUqsDN9nZ1+y/pw6UEX6rGUZNY='; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Why a request is refused before it has a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Scan(ScanFault),
    Head(HeadFault),
    Body(ChunkFault),
    HeadSlow,
    /// Unfinished heads hold too much memory already.
    Crowded,
    Panic,
}

impl Refusal {
    /// What is wrong, for the log.
    pub(crate) fn detail(self) -> String {
        self.said().1
    }

    /// The status, and what is wrong in words.
    fn said(self) -> (u16, String) {
        match self {
            Self::Scan(fault) => (400, fault.to_string()),
            Self::Head(fault) => (head_status(fault), fault.to_string()),
            Self::Body(fault) => (body_status(fault), fault.to_string()),
            Self::HeadSlow => (408, "the request did not arrive in time".to_owned()),
            Self::Crowded => (503, "too many requests are arriving in pieces".to_owned()),
            Self::Panic => (500, "the request could not be served".to_owned()),
        }
    }

    /// A page for people, as far as the head tells that one will look at it; a problem document for everybody else.
    pub(crate) fn answer(self, audience: &Audience) -> Answer {
        let (code, detail) = self.said();
        let answer = match (audience.is_person, self, &audience.cookies) {
            (false, ..) => problem(status(code), &detail),
            (true, Self::Head(HeadFault::TooLarge(_)), Some(largest)) => cookies_page(status(code), largest),
            (true, ..) => fault_page(status(code), &detail),
        };
        match code {
            405 => answer.with("allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
            503 => answer.with("retry-after", "1"),
            _ => answer,
        }
    }
}

fn head_status(fault: HeadFault) -> u16 {
    match fault {
        HeadFault::Method => 501,
        HeadFault::MethodNotAllowed => 405,
        HeadFault::Version => 505,
        HeadFault::TargetTooLong => 414,
        HeadFault::TooLarge(_) => 431,
        HeadFault::Expectation => 417,
        HeadFault::Syntax(_)
        | HeadFault::Target(_)
        | HeadFault::Host
        | HeadFault::Length(_)
        | HeadFault::Misspelt => 400,
    }
}

fn body_status(fault: ChunkFault) -> u16 {
    match fault {
        ChunkFault::TrailersTooLarge => 431,
        ChunkFault::Size
        | ChunkFault::Extension
        | ChunkFault::ExtensionsTooLarge
        | ChunkFault::LineEnd
        | ChunkFault::Trailer => 400,
    }
}

/// A problem document (RFC 9457). `detail` must be a text of ours: it is not escaped.
fn problem(status: Status, detail: &str) -> Answer {
    let body = format!(r#"{{"status":{},"title":"{}","detail":"{detail}"}}"#, status.code(), status.reason());
    guarded(status).body("application/problem+json", body)
}

/// A page that says what is wrong. `detail` must be a text of ours: it is not escaped.
fn fault_page(status: Status, detail: &str) -> Answer {
    let headline = match status.code() {
        408 => "The request did not arrive in time",
        414 => "This address is too long",
        431 => "The request is too large",
        500 => "Something went wrong on our side",
        503 => "There is too much to do here right now",
        _ => "This request was not understood",
    };
    let more = match status.code() {
        408 | 500 | 503 => "Please try again in a moment.".to_owned(),
        _ => format!("What is wrong with it: {detail}."),
    };
    page::page(status, headline, &more)
}

/// The page for a head that is too large because of its cookies. It names the largest, offers to expire all that scripts
/// can see, and does nothing by itself: no loop, and no session is cleared by an error.
fn cookies_page(status: Status, largest: &[(String, usize)]) -> Answer {
    let item = |(name, bytes): &(String, usize)| format!("<li>{name} ({} KB)</li>", bytes.div_ceil(1000));
    let items = largest.iter().map(item).collect::<Vec<_>>().concat();
    let list = if items.is_empty() { items } else { format!("<p>The largest are:</p>\n<ul>{items}</ul>") };
    let text = COOKIES_PAGE.replace("{status}", &shown(status)).replace("{largest}", &list);
    guarded_by(status, COOKIES_POLICY).body(HTML, text)
}

fn status(code: u16) -> Status {
    Status::new(code).expect("every code in this file is between 100 and 599")
}

#[cfg(test)]
mod tests;
