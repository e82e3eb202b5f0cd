//! The body of an order: one JSON object of a known shape. What is wrong with it is told by its place alone, since
//! what stands there may be a password. RFC 8259.

use axum::body;
use axum::extract::{FromRequest, Request};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;

use crate::reply::Refused;

/// Most bytes of a body. The longest order, a user with everything at its limit, takes less than half.
pub const BODY_BYTES_MAX: usize = 16 * 1024;

/// What the caller wants.
pub(crate) struct Order<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Order<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refused> {
        if !is_json(request.headers()) {
            return Err(Refused::MediaType);
        }
        let bytes = body::to_bytes(request.into_body(), BODY_BYTES_MAX).await;
        let bytes = bytes.map_err(|_| Refused::BodyTooLong)?;
        let order = serde_json::from_slice(&bytes);
        order.map(Self).map_err(|error| Refused::Body { line: error.line(), column: error.column() })
    }
}

/// No page can send this media type to another site without asking first.
fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).map(http::HeaderValue::as_bytes);
    let media_type = value.and_then(|value| value.split(|&byte| byte == b';').next());
    media_type.is_some_and(|kind| kind.trim_ascii().eq_ignore_ascii_case(b"application/json"))
}
