//! Every byte that a caller gets: statuses, headers, cookies. The only file with status codes.
//! Must not decide anything. RFC 6749 5.1 and 5.2, RFC 9110 15, ASVS 3.4.

use axum::body::Body;
use axum::response::Response;
use http::header::{self, HeaderName, HeaderValue};
use http::uri::PathAndQuery;
use http::{StatusCode, Uri};
use serde::Serialize;
use url::{Host, Url};
use vestibule_issuer_http::documents;
use vestibule_oauth::authorize::PageError;
use vestibule_oauth::challenge::basic_field_value;
use vestibule_oauth::error::{TokenError, TokenErrorCode};
use vestibule_oauth::token_response::TokenResponse;
use vestibule_ports::issuer::{IssuerError, Refusal};

use crate::credentials::TryRefused;
use crate::fields::NotAForm;
use crate::inside::InsideRefused;
use crate::page::{Pages, Problem};
use crate::password::NotChanged;
use crate::passwords::Weak;
use crate::token::TokenRefused;

/// Seconds after which a caller may come back when we were too busy or the registry failed.
const RETRY_SECONDS: u64 = 1;

/// Seconds for which a key document may be kept: far less than an old key stays published.
const KEYS_AGE_SECONDS: u32 = 300;

/// Seconds for which the style sheet and the icon may be kept.
const STYLE_AGE_SECONDS: u32 = 3_600;

/// For which browsers keep to https (ASVS 3.4.1: at least a year).
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// The text for our log beside an answer that tells the caller less. An extension of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause(pub String);

/// Why no endpoint can answer just now. Nothing follows for any user, session or client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unavailable {
    /// All threads are taken and the queue before them is full.
    #[error("too much to do at once")]
    Busy,
    /// The registry failed.
    #[error("registry: {0}")]
    Registry(String),
    /// We broke our own rules.
    #[error("bug: {0}")]
    Bug(String),
}

/// Why a page of ours is not shown, or its form not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PageRefused {
    /// The request for a log-in has no safe way back.
    #[error("authorization request: {0}")]
    Authorize(#[from] PageError),
    /// The body cannot be read as a form of ours.
    #[error(transparent)]
    NotAForm(#[from] NotAForm),
    /// The form was not shown by us to this browser.
    #[error("form without proof of its origin")]
    ForeignForm {
        /// Path and query to begin again at.
        again: Option<String>,
    },
    /// The request came in the clear, and the issuer is https.
    #[error("in the clear, where the issuer is https")]
    InTheClear,
    /// The request names another host than the issuer's.
    #[error("under another name than the issuer's")]
    OtherName,
    /// No such page.
    #[error("no such page")]
    Unknown,
    /// The page knows other methods.
    #[error("method not allowed")]
    Method,
    /// Not now.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// A page without a form, or with one that answers to us only.
pub(crate) fn page(html: String) -> Response {
    with_type(StatusCode::OK, "text/html; charset=utf-8", html)
}

/// A page whose form may end at a client: Chromium follows the 303 after a POST only if `form-action` names it.
pub(crate) fn page_towards(redirect_uri: &str, html: String) -> Response {
    let mut response = page(html);
    set(&mut response, header::CONTENT_SECURITY_POLICY, &policy(form_source(redirect_uri).as_deref()));
    response
}

/// The same page, as the answer to a try that failed.
pub(crate) fn tried_again(refused: TryRefused, mut page: Response) -> Response {
    *page.status_mut() = match refused {
        TryRefused::Missing | TryRefused::TooLong => StatusCode::BAD_REQUEST,
        // No 401: that would have to name a scheme, and browsers would ask in a window of their own.
        TryRefused::Wrong => StatusCode::FORBIDDEN,
        TryRefused::Wait { .. } => StatusCode::TOO_MANY_REQUESTS,
        TryRefused::Busy => StatusCode::SERVICE_UNAVAILABLE,
    };
    match refused {
        TryRefused::Wait { seconds } => set(&mut page, header::RETRY_AFTER, &seconds.to_string()),
        TryRefused::Busy => set(&mut page, header::RETRY_AFTER, &RETRY_SECONDS.to_string()),
        TryRefused::Missing | TryRefused::TooLong | TryRefused::Wrong => {}
    }
    page
}

/// The same page, as the answer to a change of password that failed.
pub(crate) fn not_changed(not_changed: NotChanged, mut page: Response) -> Response {
    if let NotChanged::Try(refused) = not_changed {
        return tried_again(refused, page);
    }
    *page.status_mut() = StatusCode::BAD_REQUEST;
    page
}

/// What a try's refusal says to the person. Nothing in it depends on whether the user exists.
pub(crate) fn try_problem(refused: TryRefused) -> Problem {
    let (title, text, field) = match refused {
        TryRefused::Missing => {
            ("Something is missing", "Enter your user name and your password.", Some("username"))
        }
        TryRefused::TooLong => {
            ("That is too long", "Enter your password; it has at most 128 characters.", Some("password"))
        }
        TryRefused::Wrong => {
            ("That did not work", "Check your user name and your password.", Some("username"))
        }
        TryRefused::Wait { .. } => ("Too many tries", "Wait a minute, then try again.", None),
        TryRefused::Busy => ("Too busy just now", "Wait a moment, then try again.", None),
    };
    Problem { title, text, field }
}

/// What the refusal of a new password says to the person.
pub(crate) fn not_changed_problem(not_changed: NotChanged) -> Problem {
    let text = match not_changed {
        NotChanged::Try(refused) => return try_problem(refused),
        NotChanged::Weak(Weak::Short) => "The new password is too short.",
        NotChanged::Weak(Weak::WellKnown) => "The new password is one that everybody guesses first.",
        NotChanged::Weak(Weak::UserName) => "The new password is the same as the user name.",
        NotChanged::TooLong => "The new password has more than 128 characters.",
        NotChanged::Repeat => {
            let text = "Enter the new password twice, the same both times.";
            return Problem { title: "The new passwords differ", text, field: Some("repeat-password") };
        }
    };
    Problem { title: "Choose another password", text, field: Some("new-password") }
}

/// A page that says what went wrong.
pub(crate) fn page_refused(pages: &Pages, refused: &PageRefused) -> Response {
    let (status, title, text) = match refused {
        PageRefused::Authorize(_) => (
            StatusCode::BAD_REQUEST,
            "This link does not work",
            "The app that sent you here made a mistake in its request. Go back to it and try again.",
        ),
        PageRefused::NotAForm(_) => {
            (StatusCode::BAD_REQUEST, "This form cannot be read", "Go back, reload the page and try again.")
        }
        PageRefused::ForeignForm { again } => (
            StatusCode::FORBIDDEN,
            "This page was open for too long",
            match again {
                Some(_) => "Begin again. Cookies must be allowed for this site.",
                None => {
                    "Go back to the app that sent you here and try again. Cookies must be allowed for this site."
                }
            },
        ),
        // RFC 9110 15.5.20
        PageRefused::InTheClear => (
            StatusCode::MISDIRECTED_REQUEST,
            "Not without https",
            "The log-in is served over https only; what was sent here could be read on the way.",
        ),
        PageRefused::OtherName => (
            StatusCode::MISDIRECTED_REQUEST,
            "Nothing is served under this name",
            "Go back to the app that sent you here and try again.",
        ),
        PageRefused::Unknown => (StatusCode::NOT_FOUND, "No such page", "Check the address."),
        PageRefused::Method => {
            (StatusCode::METHOD_NOT_ALLOWED, "That does not work here", "Go back and try again.")
        }
        PageRefused::Unavailable(Unavailable::Bug(_)) => {
            (StatusCode::INTERNAL_SERVER_ERROR, "Something broke on our side", "Try again later.")
        }
        PageRefused::Unavailable(Unavailable::Busy | Unavailable::Registry(_)) => {
            (StatusCode::SERVICE_UNAVAILABLE, "Not available just now", "Wait a moment, then try again.")
        }
    };
    let again = match refused {
        PageRefused::ForeignForm { again } => again.as_deref(),
        _ => None,
    };
    let html = pages.failure(title, Problem { title: "What happened", text, field: None }, again);
    let mut response = with_type(status, "text/html; charset=utf-8", html);
    explain(&mut response, refused.to_string());
    response
}

/// RFC 9700 4.12: 303, so that a browser never repeats a POST with a password in it.
pub(crate) fn see_other(location: &str) -> Response {
    let mut response = with_status(StatusCode::SEE_OTHER, Body::empty());
    set(&mut response, header::LOCATION, location);
    response
}

/// The same address of the issuer's origin. 307: the method stays, as at the proxy.
pub(crate) fn elsewhere(origin: &str, target: &Uri) -> Response {
    let mut response = with_status(StatusCode::TEMPORARY_REDIRECT, Body::empty());
    let path = target.path_and_query().map_or("/", PathAndQuery::as_str);
    set(&mut response, header::LOCATION, &format!("{origin}{path}"));
    response
}

/// The answer of the token endpoint.
pub(crate) fn token(outcome: Result<TokenResponse, TokenRefused>) -> Response {
    let mut response = match outcome {
        Ok(response) => with_type(StatusCode::OK, "application/json", response.to_json()),
        Err(refused) => token_refused(&refused),
    };
    // RFC 6749 5.1: both, beside the `no-store` that every answer has
    set(&mut response, header::PRAGMA, "no-cache");
    response
}

/// The answer of the revocation endpoint.
pub(crate) fn revoked(outcome: Result<(), TokenRefused>) -> Response {
    match outcome {
        // RFC 7009 2.2: success has no body
        Ok(()) => with_status(StatusCode::OK, Body::empty()),
        Err(refused) => token_refused(&refused),
    }
}

fn token_refused(refused: &TokenRefused) -> Response {
    let mut response = match refused {
        TokenRefused::Error(error) => token_error(error),
        // RFC 7009 2.2.1: a client may come back; nothing is said to have ended that may live
        TokenRefused::Unavailable(Unavailable::Busy | Unavailable::Registry(_)) => with_type(
            StatusCode::SERVICE_UNAVAILABLE,
            "application/json",
            r#"{"error":"temporarily_unavailable"}"#,
        ),
        TokenRefused::Unavailable(Unavailable::Bug(_)) => {
            with_type(StatusCode::INTERNAL_SERVER_ERROR, "application/json", r#"{"error":"server_error"}"#)
        }
    };
    explain(&mut response, refused.to_string());
    response
}

/// RFC 6749 5.2
fn token_error(error: &TokenError) -> Response {
    let is_client = error.code == TokenErrorCode::InvalidClient;
    let status = if is_client { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
    let document = serde_json::to_string(error).expect("a struct of two texts always serialises");
    let mut response = with_type(status, "application/json", document);
    if is_client {
        set(&mut response, header::WWW_AUTHENTICATE, &basic_field_value("token"));
    }
    response
}

/// The answer to a role client.
pub(crate) fn inside(outcome: Result<impl Serialize, InsideRefused>) -> Response {
    match outcome {
        Ok(document) => document_of(StatusCode::OK, &document),
        Err(refused) => inside_refused(&refused),
    }
}

/// Why without a status of its own is told only in the document: RFC 6749 5.2 does the same.
fn inside_refused(refused: &InsideRefused) -> Response {
    let no = |status, refused| document_of(status, &documents::Refused { refused });
    let mut response = match refused {
        InsideRefused::Unauthenticated => no(StatusCode::UNAUTHORIZED, Refusal::Client),
        InsideRefused::Role => no(StatusCode::FORBIDDEN, Refusal::Client),
        InsideRefused::Issuer(IssuerError::Refused(refusal)) => no(StatusCode::BAD_REQUEST, *refusal),
        InsideRefused::Malformed => {
            with_type(StatusCode::BAD_REQUEST, "application/json", r#"{"error":"invalid_request"}"#)
        }
        InsideRefused::Issuer(IssuerError::Unreachable(_) | IssuerError::Deadline) => {
            document_of(StatusCode::SERVICE_UNAVAILABLE, &())
        }
        InsideRefused::Issuer(IssuerError::Bug(_)) => document_of(StatusCode::INTERNAL_SERVER_ERROR, &()),
    };
    if *refused == InsideRefused::Unauthenticated {
        set(&mut response, header::WWW_AUTHENTICATE, &basic_field_value("inside"));
    }
    explain(&mut response, refused.to_string());
    response
}

fn document_of(status: StatusCode, document: &impl Serialize) -> Response {
    let json = serde_json::to_string(document).expect("documents are structs of texts and numbers");
    with_type(status, "application/json", json)
}

/// A document of public keys.
pub(crate) fn keys(document: String) -> Response {
    kept(with_type(StatusCode::OK, "application/jwk-set+json", document), KEYS_AGE_SECONDS)
}

/// Discovery.
pub(crate) fn metadata(document: String) -> Response {
    kept(with_type(StatusCode::OK, "application/json", document), KEYS_AGE_SECONDS)
}

/// A file that pages refer to.
pub(crate) fn file(media_type: &'static str, content: &'static str) -> Response {
    kept(with_type(StatusCode::OK, media_type, content), STYLE_AGE_SECONDS)
}

/// Adds a `Set-Cookie` line.
pub(crate) fn set_cookie(response: &mut Response, line: &str) {
    if let Ok(line) = HeaderValue::try_from(line) {
        response.headers_mut().append(header::SET_COOKIE, line);
    }
}

/// What every answer says, whatever it is: pages, documents, errors of the router.
pub(crate) fn harden(mut response: Response, is_https: bool) -> Response {
    let headers = response.headers_mut();
    let mut default = |name: HeaderName, value: &str| {
        if let (false, Ok(value)) = (headers.contains_key(&name), HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    };
    default(header::CONTENT_SECURITY_POLICY, &policy(None));
    default(header::CACHE_CONTROL, "no-store");
    default(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    // Not `no-referrer`: with that, browsers send `Origin: null` with our own forms.
    default(header::REFERRER_POLICY, "same-origin");
    default(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    default(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    if is_https {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HSTS);
    }
    response
}

fn policy(form_source: Option<&str>) -> String {
    let form_source = form_source.map_or(String::new(), |source| format!(" {source}"));
    format!(
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'{form_source}; \
         base-uri 'none'; frame-ancestors 'none'"
    )
}

/// CSP 3 2.3.1: a source is a host or a scheme. Private schemes have no host, and no source names an IPv6 address.
fn form_source(redirect_uri: &str) -> Option<String> {
    let url = Url::parse(redirect_uri).ok()?;
    match url.host() {
        Some(Host::Domain(_) | Host::Ipv4(_)) if url.origin().is_tuple() => {
            Some(url.origin().ascii_serialization())
        }
        _ => Some(format!("{}:", url.scheme())),
    }
}

fn kept(mut response: Response, age_seconds: u32) -> Response {
    set(&mut response, header::CACHE_CONTROL, &format!("public, max-age={age_seconds}"));
    response
}

fn explain(response: &mut Response, cause: String) {
    response.extensions_mut().insert(Cause(cause));
    if response.status() == StatusCode::SERVICE_UNAVAILABLE {
        set(response, header::RETRY_AFTER, &RETRY_SECONDS.to_string());
    }
}

fn with_type(status: StatusCode, media_type: &'static str, body: impl Into<Body>) -> Response {
    let mut response = with_status(status, body.into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

fn with_status(status: StatusCode, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
}

/// All our values are ASCII by construction; one that is not would be left out rather than sent broken.
fn set(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::try_from(value) {
        response.headers_mut().insert(name, value);
    }
}

#[cfg(test)]
mod tests;
