//! Wire's own answers: the only file of this crate that chooses status codes. What the client reads says what was
//! wrong with its message and nothing about us.

use vestibule_message::chunked::ChunkFault;
use vestibule_message::head::HeadFault;
use vestibule_message::scan::ScanFault;
use vestibule_message::status::Status;

use crate::answer::Answer;

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
    pub(crate) fn answer(self) -> Answer {
        let (code, detail) = match self {
            Self::Scan(fault) => (400, fault.to_string()),
            Self::Head(fault) => (head_status(fault), fault.to_string()),
            Self::Body(fault) => (body_status(fault), fault.to_string()),
            Self::HeadSlow => (408, "the request did not arrive in time".to_owned()),
            Self::Crowded => (503, "too many requests are arriving in pieces".to_owned()),
            Self::Panic => (500, "the request could not be served".to_owned()),
        };
        let answer = problem(status(code), &detail);
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
    Answer::new(status)
        .with("cache-control", "no-store")
        .with("x-content-type-options", "nosniff")
        .body("application/problem+json", body)
}

fn status(code: u16) -> Status {
    Status::new(code).expect("every code in this file is between 100 and 599")
}

#[cfg(test)]
mod tests;
