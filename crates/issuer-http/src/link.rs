//! Calls to one provider: pooled connections, a deadline for each call, and what an answer means as an error.
//! The role client's secret goes into one header and nowhere else. RFC 6749 2.3.1, RFC 7617.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;
use url::{Host, Url, form_urlencoded};
use vestibule_oauth::token::ClientSecret;
use vestibule_ports::clock::Clock;
use vestibule_ports::issuer::IssuerError;

use crate::documents::Refused;

/// Longest answer: a full page of the feed takes a tenth of it.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// How long a connection may take to be made.
const CONNECT_LIMIT: Duration = Duration::from_secs(1);
/// Idle connections kept open.
const IDLE_MAX: usize = 32;
/// Shorter than the idle limit of the provider's listener, so that a kept connection is seldom a dead one.
const IDLE_LIMIT: Duration = Duration::from_secs(4);

/// Why a provider's address is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadUrl {
    /// It has to be scheme, host and port as a browser prints them.
    #[error("must be scheme, host and port only, in lower case, without a slash at the end")]
    NotAnOrigin,
    /// There is no TLS to the provider yet.
    #[error(
        "https to the provider is not supported yet: run both on one machine, or bring a tunnel of your own"
    )]
    Https,
    /// Secrets and tokens would cross a network in the clear.
    #[error("must be a loopback address: plain http would show secrets to the network")]
    NotLoopback,
}

/// Says whether calls to this address would be made.
pub fn check_url(text: &str) -> Result<(), BadUrl> {
    let url = Url::parse(text).map_err(|_| BadUrl::NotAnOrigin)?;
    if url.origin().ascii_serialization() != text {
        return Err(BadUrl::NotAnOrigin);
    }
    let is_loopback = match url.host() {
        // RFC 6761 6.3
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => Err(BadUrl::Https),
        "http" if is_loopback => Ok(()),
        "http" => Err(BadUrl::NotLoopback),
        _ => Err(BadUrl::NotAnOrigin),
    }
}

/// The way to one provider.
pub(crate) struct Link {
    url: String,
    authorization: HeaderValue,
    client: Client<HttpConnector, Full<Bytes>>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Link {
    pub(crate) fn new(
        url: &str,
        client_id: &str,
        secret: &ClientSecret,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, BadUrl> {
        check_url(url)?;
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_LIMIT));
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE_LIMIT)
            .pool_max_idle_per_host(IDLE_MAX)
            .pool_timer(TokioTimer::new())
            .build(connector);
        Ok(Self { url: url.to_owned(), authorization: basic(client_id, secret), client, clock })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Posts a document and reads the answer's, within a time.
    pub(crate) async fn call<A: DeserializeOwned>(
        &self,
        path: &str,
        call: &impl Serialize,
        limit: Duration,
    ) -> Result<A, IssuerError> {
        let json = serde_json::to_vec(call).map_err(|error| IssuerError::Bug(error.to_string()))?;
        self.ask(Method::POST, path, json, limit).await
    }

    /// Reads a document, within a time.
    pub(crate) async fn get<A: DeserializeOwned>(
        &self,
        target: &str,
        limit: Duration,
    ) -> Result<A, IssuerError> {
        self.ask(Method::GET, target, Vec::new(), limit).await
    }

    async fn ask<A: DeserializeOwned>(
        &self,
        method: Method,
        target: &str,
        json: Vec<u8>,
        limit: Duration,
    ) -> Result<A, IssuerError> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{target}", self.url))
            .header(AUTHORIZATION, self.authorization.clone())
            .header(CONTENT_TYPE, "application/json")
            .body(Full::from(json))
            .map_err(|error| IssuerError::Bug(error.to_string()))?;
        let (status, body) =
            timeout(limit, self.exchange(request)).await.unwrap_or(Err(IssuerError::Deadline))?;
        if status.is_success() {
            // serde's own text may quote the answer, and with it a token.
            return serde_json::from_slice(&body).map_err(|_| self.unknown_form(status));
        }
        Err(match status {
            StatusCode::SERVICE_UNAVAILABLE => {
                IssuerError::Unreachable(format!("{} is too busy or cut off from its registry", self.url))
            }
            _ => match serde_json::from_slice::<Refused>(&body) {
                Ok(refused) => IssuerError::Refused(refused.refused),
                Err(_) => self.unknown_form(status),
            },
        })
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), IssuerError> {
        let answer = self.client.request(request).await.map_err(|error| {
            let what = if error.is_connect() { "nothing answers at" } else { "hung up:" };
            IssuerError::Unreachable(format!("{what} {}", self.url))
        })?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await;
        let body = body.map_err(|_| {
            IssuerError::Unreachable(format!("the answer of {} broke off or is too long", self.url))
        })?;
        Ok((status, body.to_bytes()))
    }

    fn unknown_form(&self, status: StatusCode) -> IssuerError {
        IssuerError::Bug(format!(
            "{} answers {status} in an unknown form: does it serve idp-inside?",
            self.url
        ))
    }
}

/// RFC 6749 2.3.1: id and secret are form-encoded each, then joined and encoded as RFC 7617 says.
fn basic(client_id: &str, secret: &ClientSecret) -> HeaderValue {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = STANDARD.encode(format!("{}:{}", encoded(client_id), encoded(secret.expose())));
    let mut value = HeaderValue::try_from(format!("Basic {pair}")).expect("base64 is printable ASCII");
    value.set_sensitive(true);
    value
}

#[cfg(test)]
mod tests;
