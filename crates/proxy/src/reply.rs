//! The proxy's own answers: the only file of this crate with status codes. A page for people, a problem document
//! (RFC 9457) for programs; neither says anything about us or about what is behind us.

use serde::Serialize;
use vestibule_domain::outage::Unavailable;
use vestibule_domain::step_up::Ask as HowToAsk;
use vestibule_message::accept::names_html;
use vestibule_message::field::Known;
use vestibule_message::head::RequestHead;
use vestibule_message::lines::Lines;
use vestibule_message::status::Status;
use vestibule_message::target::Target;
use vestibule_routes::NoRoute;
use vestibule_wire::{Answer, RelayFault, Slip, guarded};

use crate::own::Ask;

/// Whether a person is likely to look at an answer.
pub(crate) fn wants_page(head: &RequestHead<'_>) -> bool {
    head.fields().all(Known::Accept).any(names_html)
}

/// There is no route (421, 404).
pub(crate) fn no_route(none: NoRoute, head: &RequestHead<'_>) -> Answer {
    match none {
        NoRoute::Host => plain(421, "No site here has this name.", wants_page(head)),
        NoRoute::Path => plain(404, "There is no page at this address.", wants_page(head)),
    }
}

/// Another method (405).
pub(crate) fn method(allowed: &'static str) -> Answer {
    plain(405, "This address takes other methods.", false).with("allow", allowed)
}

/// The same page under the site's own name. Not permanent: an alias may become a site.
pub(crate) fn elsewhere(origin: &str, target: &Target) -> Answer {
    located(307, &format!("{origin}{}", target.as_str()), &[])
}

/// A request that came to another scheme, name or port of a site, and is not to be repeated blindly (RFC 9110 15.5.20).
pub(crate) fn not_its_origin(origin: &str) -> Answer {
    problem(421, "other-origin", &format!("This site is served at {origin} only."), None)
}

/// Go on there, with GET (RFC 9700 4.12: 303, so that no form travels along).
pub(crate) fn redirect(location: &str, cookies: &[String]) -> Answer {
    located(303, location, cookies)
}

/// The page is for visitors of a higher standing.
pub(crate) fn ask(how: HowToAsk, ask: &Ask, cookies: &[String]) -> Answer {
    let location = ask.location();
    match how {
        HowToAsk::Redirect => located(303, &location, cookies),
        HowToAsk::Problem => {
            let answer =
                problem(401, "log-on-required", "Log on first, then repeat the request.", Some(&location));
            // RFC 9110 11.6.1: a 401 names a scheme; ours is the log-in page.
            with_cookies(answer.with("www-authenticate", "Cookie"), cookies)
        }
    }
}

/// An app asks for what it was just given.
pub(crate) fn step_up_loop(cookies: &[String]) -> Answer {
    with_cookies(problem(403, "step-up-loop", "The page asks to log on again, and again.", None), cookies)
}

/// An app's log-out or requirement cannot be read.
pub(crate) fn unreadable_wish() -> Answer {
    plain(502, "The page cannot be shown. Its answer was not understood.", true)
}

/// The visitor's standing is too low, and this site has no log-in.
pub(crate) fn forbidden(page: bool, cookies: &[String]) -> Answer {
    with_cookies(
        plain(403, "This page is for visitors who have logged on, and this site has no log-in.", page),
        cookies,
    )
}

/// Another site's page made a request that would change something.
pub(crate) fn cross_site() -> Answer {
    problem(403, "cross-site", "The request comes from another site.", None)
}

/// The request says what only we may say.
pub(crate) fn forged() -> Answer {
    problem(400, "forged-context", "Headers that begin with x-context- are the proxy's own.", None)
}

/// The request came with the secret from before a log-on; the browser has the new one by now.
pub(crate) fn session_moved() -> Answer {
    problem(503, "session-moved", "The session has just moved. Repeat the request.", None)
        .with("retry-after", "1")
}

/// The session cannot be read, or a change could not be saved.
pub(crate) fn not_opened(why: Unavailable, page: bool) -> Answer {
    match why {
        Unavailable::Unknown => unavailable(page),
        Unavailable::Unsaved => not_begun(page),
    }
}

/// A change could not be saved, so the app was not even asked: unlike [`context_not_saved`] it may always be repeated.
fn not_begun(page: bool) -> Answer {
    let detail = "What you do could not be saved right now. Nothing was done. Please try again.";
    let answer =
        if page { plain(503, detail, true) } else { problem(503, "context-not-saved", detail, None) };
    answer.with("retry-after", "1")
}

/// Whose request it is cannot be found out right now.
pub(crate) fn unavailable(page: bool) -> Answer {
    let detail = "We cannot look you up right now. You are still logged on if you were. Please try again.";
    plain(503, detail, page).with("retry-after", "1")
}

/// No JPT to be had for an app that cannot do without one.
pub(crate) fn no_token(page: bool) -> Answer {
    plain(503, "The page cannot be shown right now. Please try again.", page).with("retry-after", "1")
}

/// A change of the context could not be saved, so the app's answer is not shown as if it had been. Without Retry-After
/// where repeating could order twice.
pub(crate) fn context_not_saved(is_unsafe: bool) -> Answer {
    let answer = problem(503, "context-not-saved", "What you did could not be saved.", None);
    if is_unsafe { answer } else { answer.with("retry-after", "1") }
}

/// The request did not get an answer from the app.
pub(crate) fn relay_fault(fault: &RelayFault) -> Answer {
    match fault {
        RelayFault::BodyTooLarge => plain(413, "The request is larger than this address takes.", false),
        RelayFault::BodyMalformed => plain(400, "The body of the request is malformed.", false),
        RelayFault::BodySlow => plain(408, "The request did not arrive in time.", false),
        // Nobody is there to read it.
        RelayFault::ClientGone => plain(400, "The request was not whole.", false),
        RelayFault::ConnectSlow | RelayFault::AnswerSlow => {
            plain(504, "The page did not answer in time. Please try again.", true)
        }
        RelayFault::Unreachable(_) | RelayFault::UpstreamGone | RelayFault::AnswerMalformed(_) => {
            plain(502, "The page cannot be reached right now. Please try again.", true)
        }
        RelayFault::Cut(Slip::Ended(_)) => {
            problem(401, "session-ended", "Your session ended while the request was being sent.", None)
        }
        RelayFault::Cut(Slip::Unknown(_)) => unavailable(false),
    }
}

/// This site has no log-in.
pub(crate) fn no_log_in() -> Answer {
    plain(404, "This site has no log-in.", true)
}

/// One address began too many log-ins.
pub(crate) fn too_many_log_ins() -> Answer {
    plain(429, "Too many log-ins were begun from your network. Please wait a minute.", true)
        .with("retry-after", "60")
}

/// A session cookie of ours came twice, so somebody else has set one.
pub(crate) fn doubled_cookies() -> Answer {
    plain(
        400,
        "Your browser sends two session cookies. Please delete this site's cookies and try again.",
        true,
    )
}

/// The callback of no log-in of ours.
pub(crate) fn bad_callback() -> Answer {
    plain(400, "This log-in is not known any more. Please begin again.", true)
}

/// The IDP did not take the log-in.
pub(crate) fn log_in_refused(cookies: &[String]) -> Answer {
    with_cookies(plain(403, "You were not logged on. Please begin again.", true), cookies)
}

/// The store or the IDP did not answer.
pub(crate) fn unavailable_page() -> Answer {
    unavailable_page_with(&[])
}

/// The same with cookies that make repeating it of use.
pub(crate) fn unavailable_page_with(cookies: &[String]) -> Answer {
    let page = plain(503, "This does not work right now. Please try again in a moment.", true);
    with_cookies(page.with("retry-after", "2"), cookies)
}

/// A log-out form that cannot be read.
pub(crate) fn bad_form() -> Answer {
    plain(400, "The form is not one of this site. Its field scope must be this or everywhere.", false)
}

/// A log-out whose body is no form: what it asks for is not guessed.
pub(crate) fn no_form() -> Answer {
    plain(415, "Logging out takes a form: Content-Type application/x-www-form-urlencoded.", false)
}

/// Nothing has ended.
pub(crate) fn not_logged_out() -> Answer {
    plain(503, "You are still logged on: logging out did not work. Please try again.", true)
        .with("retry-after", "2")
}

/// Ended here; the rest is being tried again.
pub(crate) fn logged_out_here_only(cookies: &[String]) -> Answer {
    let detail =
        "You are logged out here. That you are logged out elsewhere is not confirmed yet; we keep trying.";
    with_cookies(plain(503, detail, true), cookies)
}

/// Ended here; nobody knows what else there was to end.
pub(crate) fn logged_out_of_damaged(cookies: &[String]) -> Answer {
    let detail = "You are logged out here. What was stored of your log-on is damaged, so nobody can tell whether you are \
                  logged out elsewhere.";
    with_cookies(plain(503, detail, true), cookies)
}

/// Ended here; for everywhere the visitor would have to be logged on.
pub(crate) fn not_logged_out_everywhere(cookies: &[String]) -> Answer {
    let detail =
        "You are logged out here. To log out everywhere, log on first: your log-on had ended already.";
    with_cookies(plain(403, detail, true), cookies)
}

/// Something that cannot happen happened.
pub(crate) fn bug() -> Answer {
    plain(500, "Something went wrong on our side.", true)
}

/// A JSON document for a script.
pub(crate) fn json(document: &impl Serialize) -> Answer {
    match serde_json::to_vec(document) {
        Ok(body) => guarded(status(200)).body("application/json", body),
        Err(_) => bug(),
    }
}

fn located(code: u16, location: &str, cookies: &[String]) -> Answer {
    let answer = plain(code, "Go on at the other address.", false);
    let answer = answer.field("location", location).unwrap_or_else(|_| bug());
    with_cookies(answer, cookies)
}

fn with_cookies(answer: Answer, cookies: &[String]) -> Answer {
    let mut lines = Lines::default();
    for cookie in cookies {
        // Values of ours are letters, digits and signs.
        if lines.push("set-cookie", cookie).is_err() {
            return bug();
        }
    }
    answer.lines(&lines)
}

fn plain(code: u16, detail: &str, page: bool) -> Answer {
    if !page {
        return problem(code, "", detail, None);
    }
    // The first sentence says it to people; the status is for whoever is asked for help.
    let (headline, more) = detail.split_once(". ").unwrap_or((detail.trim_end_matches('.'), ""));
    vestibule_wire::page(status(code), headline, more)
}

/// A problem document. `kind` names the problem for programs; the log-in's address is part of it where that helps.
fn problem(code: u16, kind: &str, detail: &str, log_in: Option<&str>) -> Answer {
    #[derive(Serialize)]
    struct Problem<'p> {
        #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
        kind: String,
        title: &'p str,
        status: u16,
        detail: &'p str,
        #[serde(skip_serializing_if = "Option::is_none")]
        log_in: Option<&'p str>,
    }
    let kind = if kind.is_empty() { String::new() } else { format!("urn:vestibule:problem:{kind}") };
    let document = Problem { kind, title: status(code).reason(), status: code, detail, log_in };
    let body = serde_json::to_vec(&document).unwrap_or_default();
    guarded(status(code)).body("application/problem+json", body)
}

fn status(code: u16) -> Status {
    Status::new(code).expect("every code in this file is between 100 and 599")
}

#[cfg(test)]
mod tests;
