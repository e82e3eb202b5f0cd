//! Hosting an axum router, or any tower service, behind our own parser: the service sees a request that was read
//! strictly, and its answer is written like any other.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, Uri, request::Parts};
use http_body_util::{BodyExt as _, Full, Limited};
use thiserror::Error;
use tower_service::Service;
use vestibule_message::field::KnownSet;
use vestibule_message::head::RequestHead;
use vestibule_message::lines::Lines;
use vestibule_message::status::Status;

use crate::answer::Answer;
use crate::exchange::{BodyFault, Exchange};

/// Bytes of a request body that a hosted service gets.
const REQUEST_BYTES_MAX: usize = 64 * 1024;
/// Bytes of an answer body that a hosted service may give.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Why a hosted service gave no answer.
#[derive(Debug, Error)]
pub enum HostFault {
    /// The request's body could not be read.
    #[error(transparent)]
    Body(#[from] BodyFault),
    /// The service failed, or its answer cannot be written.
    #[error("the hosted service gave no answer that can be sent: {0}")]
    Answer(String),
}

impl<N: Send> Exchange<'_, N> {
    /// Reads the body, at most 64 KiB, and lets the service make the answer. `prepare` may add what the service wants
    /// to know besides, such as the peer.
    pub async fn host<S, B>(
        &mut self,
        mut service: S,
        prepare: impl FnOnce(&mut Parts) + Send,
    ) -> Result<Answer, HostFault>
    where
        S: Service<Request<Full<Bytes>>, Response = Response<B>, Error: std::fmt::Display> + Send,
        S::Future: Send,
        B: http_body::Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send,
    {
        let body = self.body(REQUEST_BYTES_MAX).await?;
        let (mut parts, ()) =
            request(&self.head()).map_err(|e| HostFault::Answer(e.to_string()))?.into_parts();
        prepare(&mut parts);
        let refuse = |error: &dyn std::fmt::Display| HostFault::Answer(error.to_string());
        std::future::poll_fn(|cx| service.poll_ready(cx)).await.map_err(|e| refuse(&e))?;
        let answered =
            service.call(Request::from_parts(parts, Full::from(body))).await.map_err(|e| refuse(&e))?;
        let (head, body) = answered.into_parts();
        let status = Status::new(head.status.as_u16()).ok_or_else(|| refuse(&"status"))?;
        let mut lines = Lines::default();
        for (name, value) in &head.headers {
            if !KnownSet::HOP_BY_HOP.has(vestibule_message::field::Known::of(name.as_str().as_bytes()).0) {
                lines.push(name.as_str(), value.as_bytes()).map_err(|e| refuse(&e))?;
            }
        }
        let body = Limited::new(Box::pin(body), ANSWER_BYTES_MAX).collect().await.map_err(|e| refuse(&e))?;
        let mut answer = Answer::new(status).lines(&lines);
        answer.body = body.to_bytes().into();
        Ok(answer)
    }
}

fn request(head: &RequestHead<'_>) -> Result<Request<()>, http::Error> {
    let uri: Uri = head.target().as_str().parse()?;
    let mut request = Request::builder().method(head.method().as_str()).uri(uri);
    let fields = head.fields();
    for field in fields.lines() {
        let name = HeaderName::from_bytes(fields.name(field))?;
        request = request.header(name, HeaderValue::from_bytes(fields.value(field))?);
    }
    request.body(())
}
