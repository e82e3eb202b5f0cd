//! The gateway's own answers: the only file of this crate with status codes. Problem documents (RFC 9457), and for
//! tokens the challenges of RFC 6750 3. None says anything about us, about what is behind us or about a token.

use serde::Serialize;
use vestibule_message::status::Status;
use vestibule_oauth::challenge::BearerChallenge;
use vestibule_oauth::error::BearerErrorCode;
use vestibule_routes::NoRoute;
use vestibule_wire::{Answer, RelayFault, Slip, guarded};

use crate::identify::Unidentified;
use crate::request::Refusal;

/// The protection space: one for all services.
const REALM: &str = "services";

/// The request is not relayed.
pub(crate) fn refusal(refusal: &Refusal<'_>) -> Answer {
    match refusal {
        Refusal::Route(NoRoute::Host) => problem(421, "no-route", "No service here has this host."),
        Refusal::Route(NoRoute::Path) => problem(404, "no-route", "There is no service at this address."),
        // RFC 9110 15.5.6: says which would do
        Refusal::Method { allow } => {
            let answer = problem(405, "method-not-allowed", "The service takes other methods.");
            answer.field("allow", allow).unwrap_or_else(|_| bug())
        }
        Refusal::Unidentified(why) => unidentified(*why),
        Refusal::Token => invalid_token(),
        Refusal::Issuer(_) => token_not_checked(),
        Refusal::Scopes(needed) => {
            let answer = problem(403, "insufficient-scope", "The token does not allow this.");
            let error = Some(BearerErrorCode::InsufficientScope);
            challenged(answer, &BearerChallenge { error, scope: Some(needed), ..BearerChallenge::default() })
        }
        Refusal::Bug => bug(),
    }
}

/// The service gave no answer.
pub(crate) fn relay_fault(fault: &RelayFault) -> Answer {
    match fault {
        RelayFault::BodyTooLarge => {
            problem(413, "body-too-large", "The request is larger than the service takes.")
        }
        RelayFault::BodyMalformed => problem(400, "body-malformed", "The body of the request is malformed."),
        RelayFault::BodySlow => problem(408, "body-slow", "The request did not arrive in time."),
        // Nobody is there to read it.
        RelayFault::ClientGone => problem(400, "body-missing", "The request was not whole."),
        RelayFault::ConnectSlow | RelayFault::AnswerSlow => {
            problem(504, "service-slow", "The service did not answer in time.")
        }
        RelayFault::Unreachable(_) | RelayFault::UpstreamGone | RelayFault::AnswerMalformed(_) => {
            problem(502, "service-unreachable", "The service cannot be reached right now.")
        }
        RelayFault::Cut(Slip::Ended(_)) => invalid_token(),
        RelayFault::Cut(Slip::Unknown(_)) => token_not_checked(),
    }
}

/// RFC 6750 3.1.
fn unidentified(why: Unidentified) -> Answer {
    match why {
        // Without a code, because nothing was wrong; RFC 6750 3 wants a parameter all the same.
        Unidentified::Missing => {
            let answer = problem(401, "no-token", "Send a token: Authorization: Bearer ...");
            challenged(answer, &BearerChallenge { realm: Some(REALM), ..BearerChallenge::default() })
        }
        Unidentified::Malformed => invalid_token(),
        Unidentified::InQuery => invalid_request("A token in the query is not taken, and should be ended."),
        Unidentified::Several => invalid_request("There is more than one Authorization field."),
    }
}

/// Nothing follows for the token.
fn token_not_checked() -> Answer {
    let detail = "Your token cannot be checked right now. It may well be good. Please try again.";
    problem(503, "token-not-checked", detail).with("retry-after", "1")
}

fn invalid_token() -> Answer {
    let answer = problem(401, "invalid-token", "The token is not valid here.");
    let error = Some(BearerErrorCode::InvalidToken);
    challenged(answer, &BearerChallenge { error, ..BearerChallenge::default() })
}

fn invalid_request(detail: &str) -> Answer {
    let error = Some(BearerErrorCode::InvalidRequest);
    let challenge = BearerChallenge { error, ..BearerChallenge::default() };
    challenged(problem(400, "invalid-request", detail), &challenge)
}

fn challenged(answer: Answer, challenge: &BearerChallenge<'_>) -> Answer {
    answer.field("www-authenticate", challenge.field_value()).unwrap_or_else(|_| bug())
}

/// Something that cannot happen happened.
fn bug() -> Answer {
    problem(500, "bug", "Something went wrong on our side.")
}

/// A problem document. `kind` names the problem for programs.
fn problem(code: u16, kind: &str, detail: &str) -> Answer {
    #[derive(Serialize)]
    struct Problem<'p> {
        #[serde(rename = "type")]
        kind: String,
        title: &'p str,
        status: u16,
        detail: &'p str,
    }
    let status = Status::new(code).expect("every code in this file is between 100 and 599");
    let kind = format!("urn:vestibule:problem:{kind}");
    let document = Problem { kind, title: status.reason(), status: code, detail };
    let body = serde_json::to_vec(&document).unwrap_or_default();
    guarded(status).body("application/problem+json", body)
}

#[cfg(test)]
mod tests;
