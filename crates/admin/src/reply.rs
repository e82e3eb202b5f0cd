//! Every byte that a caller gets, and the only file with status codes: documents as JSON, refusals as problem documents
//! (RFC 9457). Must not decide anything, nor repeat what the caller sent: a password may be in it.

use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use vestibule_domain::Corrupt;
use vestibule_oauth::scope::ScopeRefused;
use vestibule_ports::authority::AuthorityError;
use vestibule_ports::session_store::StoreError;

use crate::order::BODY_BYTES_MAX;
use crate::profile::{EMAIL_BYTES_MAX, LOCALE_BYTES_MAX, NAME_CHARS_MAX, ROLE_BYTES_MAX, ROLES_MAX};

/// RFC 6750 3: without an error code, so that a missing token and a wrong one get the same answer.
const CHALLENGE: &str = r#"Bearer realm="vestibule admin""#;

/// Seconds after which a caller may come back when something behind us failed.
const RETRY_SECONDS: &str = "1";

/// The text for our log beside an answer that tells the caller less. An extension of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause(pub String);

/// A refusal as the caller reads it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct Problem {
    /// The status code.
    pub status: u16,
    /// What the status code means.
    pub title: String,
    /// What is wrong, in sentences.
    pub detail: String,
}

/// Why an order is not carried out, or a question not answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error("Host is missing, or a name that does not lead here")]
    Host,
    #[error("sent by a page in a browser")]
    Origin,
    #[error("admin token missing or wrong")]
    Token,
    #[error("no such address")]
    NoSuchAddress,
    #[error("users live elsewhere")]
    UsersElsewhere(Arc<str>),
    #[error("sessions live elsewhere")]
    SessionsElsewhere,
    #[error("method not allowed")]
    Method,
    #[error("the query cannot be read")]
    Query,
    #[error("the query of a trail cannot be read")]
    TrailQuery,
    #[error("the body is of another media type")]
    MediaType,
    #[error("the body is too long, or did not arrive")]
    BodyTooLong,
    #[error("the body cannot be read, line {line} column {column}")]
    Body { line: usize, column: usize },
    #[error(transparent)]
    Unfit(#[from] Unfit),
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    #[error("no such signing key")]
    NoSuchKey,
    #[error("no such session")]
    NoSuchSession,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("session: {0}")]
    Unreadable(#[from] Corrupt),
    #[error("bug: {0}")]
    Bug(&'static str),
}

/// What of a user is out of bounds.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unfit {
    #[error("the name is out of bounds")]
    Name,
    #[error("the mail address is none")]
    Email,
    #[error("the language tag is none")]
    Locale,
    #[error("the roles are out of bounds")]
    Roles,
    #[error("scope: {0}")]
    Scope(ScopeRefused),
}

/// A document that was asked for.
pub(crate) fn found(document: &impl Serialize) -> Response {
    json(StatusCode::OK, "application/json", document)
}

/// The document of something new.
pub(crate) fn created(document: &impl Serialize) -> Response {
    json(StatusCode::CREATED, "application/json", document)
}

/// The order has been carried out.
pub(crate) fn done() -> Response {
    answer(StatusCode::NO_CONTENT, Body::empty())
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (status, detail) = told(&self);
        let title = status.canonical_reason().unwrap_or_default().to_owned();
        let problem = Problem { status: status.as_u16(), title, detail };
        let mut response = json(status, "application/problem+json", &problem);
        match status {
            StatusCode::UNAUTHORIZED => set(&mut response, WWW_AUTHENTICATE, CHALLENGE),
            StatusCode::SERVICE_UNAVAILABLE => set(&mut response, RETRY_AFTER, RETRY_SECONDS),
            _ => {}
        }
        response.extensions_mut().insert(Cause(self.to_string()));
        response
    }
}

fn told(refused: &Refused) -> (StatusCode, String) {
    let (status, detail) = match refused {
        Refused::Host => (
            StatusCode::MISDIRECTED_REQUEST,
            "The admin API has another name. Reach it as localhost, or add the name to its configuration.",
        ),
        Refused::Origin => (StatusCode::FORBIDDEN, "The admin API is not for pages in a browser."),
        Refused::Token => (StatusCode::UNAUTHORIZED, "The admin token is missing or wrong."),
        Refused::NoSuchAddress => {
            (StatusCode::NOT_FOUND, "There is nothing at this address in this process.")
        }
        Refused::UsersElsewhere(idp) => {
            return (
                StatusCode::MISDIRECTED_REQUEST,
                format!(
                    "This process has no users and no signing keys: they live at the identity provider, {idp}. Ask \
                     the admin API of that process, with its configuration."
                ),
            );
        }
        Refused::SessionsElsewhere => (
            StatusCode::MISDIRECTED_REQUEST,
            "This process has no sessions: they live where the proxy is. Ask the admin API of that process, with its \
             configuration.",
        ),
        Refused::Method => (StatusCode::METHOD_NOT_ALLOWED, "This address does not take this method."),
        Refused::Query => {
            (StatusCode::BAD_REQUEST, "The query must be empty, or `after` with the identifier of a user.")
        }
        Refused::TrailQuery => {
            (StatusCode::BAD_REQUEST, "The query must be empty, or `before` with the number of a record.")
        }
        Refused::MediaType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "The body must be application/json."),
        Refused::BodyTooLong => {
            return (StatusCode::PAYLOAD_TOO_LARGE, format!("The body may have {BODY_BYTES_MAX} bytes."));
        }
        Refused::Body { line, column } => {
            let what = "The body is not the JSON object that this address takes";
            return (StatusCode::BAD_REQUEST, format!("{what}; see line {line}, column {column}."));
        }
        Refused::Unfit(unfit) => return unprocessable(told_of(unfit)),
        Refused::Authority(error) => return told_by_authority(error),
        Refused::NoSuchKey => (StatusCode::NOT_FOUND, "No such signing key; it may have ended already."),
        Refused::NoSuchSession => {
            (StatusCode::NOT_FOUND, "No such session: it was never here, or even its end has been forgotten.")
        }
        Refused::Store(
            StoreError::Unreachable(_)
            | StoreError::Deadline
            | StoreError::Unknown(_)
            | StoreError::Unsafe(_),
        ) => (StatusCode::SERVICE_UNAVAILABLE, "The session store cannot be asked just now."),
        Refused::Store(StoreError::Corrupt(_) | StoreError::Newer(_)) | Refused::Unreadable(_) => {
            (StatusCode::INTERNAL_SERVER_ERROR, "What is stored of this session cannot be read.")
        }
        Refused::Store(StoreError::Bug(_)) | Refused::Bug(_) => broken(),
    };
    (status, detail.to_owned())
}

fn told_of(unfit: &Unfit) -> String {
    match unfit {
        Unfit::Name => {
            format!("The name must have 1 to {NAME_CHARS_MAX} characters and no control characters.")
        }
        Unfit::Email => {
            format!(
                "The mail address must have 1 to {EMAIL_BYTES_MAX} bytes, one @ between two parts, no spaces and no \
                 control characters."
            )
        }
        Unfit::Locale => {
            format!(
                "The locale must be a language tag such as de-AT, with {LOCALE_BYTES_MAX} characters at most."
            )
        }
        Unfit::Roles => format!(
            "There may be {ROLES_MAX} roles, each of 1 to {ROLE_BYTES_MAX} bytes without control characters."
        ),
        Unfit::Scope(why) => format!("The scope will not do: {why}."),
    }
}

fn told_by_authority(error: &AuthorityError) -> (StatusCode, String) {
    let (status, detail) = match error {
        AuthorityError::NotFound => (StatusCode::NOT_FOUND, "No such user."),
        AuthorityError::Taken => (StatusCode::CONFLICT, "Another user has this log-in name."),
        AuthorityError::Refused(rule) => return unprocessable(format!("Refused: {rule}.")),
        AuthorityError::Unreachable(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "The users cannot be reached just now. Look whether the order was carried out before repeating it.",
        ),
        AuthorityError::Bug(_) => broken(),
    };
    (status, detail.to_owned())
}

fn broken() -> (StatusCode, &'static str) {
    (StatusCode::INTERNAL_SERVER_ERROR, "Something broke on our side; the log says what.")
}

fn unprocessable(detail: String) -> (StatusCode, String) {
    (StatusCode::UNPROCESSABLE_ENTITY, detail)
}

fn json(status: StatusCode, media_type: &'static str, document: &impl Serialize) -> Response {
    let text =
        serde_json::to_vec(document).expect("documents are structs of texts, numbers and lists of them");
    let mut response = answer(status, Body::from(text));
    set(&mut response, CONTENT_TYPE, media_type);
    response
}

fn answer(status: StatusCode, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    set(&mut response, CACHE_CONTROL, "no-store");
    set(&mut response, X_CONTENT_TYPE_OPTIONS, "nosniff");
    response
}

fn set(response: &mut Response, name: HeaderName, value: &'static str) {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
}
