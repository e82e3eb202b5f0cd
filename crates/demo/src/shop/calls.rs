//! Calls from an app to services, through the gateway's inside door. The client hands the visitor's token on
//! unread and must not know what any service means by its answer. RFC 6750 2.1.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout};

use super::context::{Onward, REQUEST_ID, TRACE};

/// The whole of one call, from connecting to the last byte of the answer.
const CALL_LIMIT: Duration = Duration::from_secs(2);
/// The longest answer an app reads.
const ANSWER_BYTES_MAX: usize = 256 * 1024;
/// Idle connections kept open to the gateway.
const IDLE_MAX: usize = 8;
/// Shorter than the idle limit of any server we call, so that a kept connection is seldom a dead one.
const IDLE_LIMIT: Duration = Duration::from_secs(4);

pub(super) struct Gateway {
    base: Uri,
    client: Client<HttpConnector, Body>,
}

/// One call on record.
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) result: Result<StatusCode, CallFailed>,
    pub(super) took: Duration,
    pub(super) bore_token: bool,
}

pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Bytes,
}

impl Answer {
    /// What a successful answer holds; `None` for a refusal, or when it is something else.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Option<T> {
        self.status.is_success().then(|| serde_json::from_slice(&self.body).ok())?
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum CallFailed {
    #[error("the gateway cannot be reached")]
    Unreachable,
    #[error("no answer within 2 s")]
    Late,
    #[error("the answer is longer than 256 KiB")]
    TooLong,
}

impl Gateway {
    pub(super) fn new(base: Uri) -> Self {
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE_LIMIT)
            .pool_max_idle_per_host(IDLE_MAX)
            .pool_timer(TokioTimer::new())
            .build_http();
        Self { base, client }
    }

    pub(super) async fn call(
        &self,
        method: Method,
        path: &'static str,
        json: Option<String>,
        onward: &Onward,
    ) -> (Call, Option<Answer>) {
        let begun = Instant::now();
        let (request, bore_token) = self.request(&method, path, json, onward);
        let outcome = match request {
            Ok(request) => timeout(CALL_LIMIT, self.exchange(request)).await.unwrap_or(Err(CallFailed::Late)),
            Err(_) => Err(CallFailed::Unreachable),
        };
        let (result, answer) = match outcome {
            Ok(answer) => (Ok(answer.status), Some(answer)),
            Err(failure) => (Err(failure), None),
        };
        (Call { method, path, result, took: begun.elapsed(), bore_token }, answer)
    }

    /// The request, and whether it bears a token.
    fn request(
        &self,
        method: &Method,
        path: &'static str,
        json: Option<String>,
        onward: &Onward,
    ) -> (http::Result<Request<Body>>, bool) {
        let mut request =
            Request::builder().method(method).uri(self.address(path)).header(ACCEPT, "application/json");
        let bearer = onward.token.as_ref().and_then(super::context::Token::as_bearer);
        let bears_token = bearer.is_some();
        let handed_on = [
            (AUTHORIZATION.as_str(), bearer),
            (REQUEST_ID, onward.request_id.clone()),
            (TRACE, onward.trace.clone()),
        ];
        for (name, value) in handed_on {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        let request = match json {
            Some(json) => request.header(CONTENT_TYPE, "application/json").body(Body::from(json)),
            None => request.body(Body::empty()),
        };
        (request, bears_token)
    }

    fn address(&self, path: &'static str) -> String {
        let authority = self.base.authority().map_or("", http::uri::Authority::as_str);
        format!("http://{authority}{path}")
    }

    async fn exchange(&self, request: Request<Body>) -> Result<Answer, CallFailed> {
        let response = self.client.request(request).await.map_err(|_| CallFailed::Unreachable)?;
        let status = response.status();
        match Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await {
            Ok(body) => Ok(Answer { status, body: body.to_bytes() }),
            Err(e) if e.is::<LengthLimitError>() => Err(CallFailed::TooLong),
            Err(_) => Err(CallFailed::Unreachable),
        }
    }
}

#[cfg(test)]
mod tests;
