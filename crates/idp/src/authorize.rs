//! The authorization endpoint: a code at once if the browser is signed on, else the way to the log-in page.
//! RFC 6749 3.1, OpenID Connect Core 3.1.2.1. Shows no form itself.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::HeaderMap;
use vestibule_oauth::authorize::PageError;
use vestibule_oauth::form::Form;

use crate::Idp;
use crate::asked::Step;
use crate::fields;
use crate::paths;
use crate::reply::{self, PageRefused};

/// `GET /authorize`
pub(crate) async fn by_query(State(idp): State<Arc<Idp>>, request: Request) -> Response {
    let form = query(&request);
    respond(&idp, form, request.headers()).await
}

/// `POST /authorize`. OpenID Connect Core 3.1.2.1: both methods must work.
pub(crate) async fn by_form(State(idp): State<Arc<Idp>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let form = match fields::read_body(body).await {
        // Parameters in two places could be read in two ways.
        Ok(_) if parts.uri.query().is_some() => Err(fields::NotAForm.into()),
        Ok(body) => {
            let content_type =
                parts.headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
            Form::from_body(content_type, &body).map_err(|refused| PageError::from(refused).into())
        }
        Err(refused) => Err(refused.into()),
    };
    respond(&idp, form, &parts.headers).await
}

/// The parameters of a request's query.
pub(crate) fn query(request: &Request) -> Result<Form, PageRefused> {
    let query = request.uri().query().unwrap_or_default();
    Form::parse(query.as_bytes()).map_err(|refused| PageError::from(refused).into())
}

/// The same request at the log-in page. Only what was understood goes on, written by us.
pub(crate) fn login_url(request: &vestibule_oauth::authorize::AuthorizeRequest) -> String {
    request.url(paths::LOGIN)
}

/// The same request from its beginning.
pub(crate) fn again_url(request: &vestibule_oauth::authorize::AuthorizeRequest) -> String {
    request.url(paths::AUTHORIZE)
}

async fn respond(idp: &Idp, form: Result<Form, PageRefused>, headers: &HeaderMap) -> Response {
    let step = match form {
        Ok(form) => idp.answer(&form, headers).await,
        Err(refused) => Err(refused),
    };
    match step {
        Ok(Step::Back(location)) => reply::see_other(&location),
        Ok(Step::LogIn(asked)) => reply::see_other(&login_url(&asked.request)),
        Err(refused) => reply::page_refused(&idp.pages, &refused),
    }
}
