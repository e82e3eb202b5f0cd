//! What comes back, and that the body is read.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use serde_json::from_slice;

use super::*;

async fn body_of(response: Response) -> Value {
    from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap()
}

#[tokio::test]
async fn the_headers_come_back_as_they_were() {
    let mut headers = HeaderMap::new();
    headers.append("accept", HeaderValue::from_static("*/*"));
    headers.append("x-twice", HeaderValue::from_static("b"));
    headers.append("x-twice", HeaderValue::from_static("a"));
    headers.append("x-empty", HeaderValue::from_static(""));
    headers.append("x-utf-8", HeaderValue::from_bytes("Zoë".as_bytes()).unwrap());
    headers.append("x-bytes", HeaderValue::from_bytes(b"\xff\"<").unwrap());

    let response = answer(headers, Body::empty()).await;

    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(response.headers()["cache-control"], "no-store");
    let expected = json!({ "headers": {
        "accept": "*/*", "x-twice": ["b", "a"], "x-empty": "", "x-utf-8": "Zoë", "x-bytes": "\u{ff}\"<",
    }});
    assert_eq!(body_of(response).await, expected);
}

/// A body of these slices, and how many of them have been read.
fn slices(slices: Vec<io::Result<Bytes>>) -> (Body, Arc<AtomicUsize>) {
    let read = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&read);
    let counted = stream::iter(slices).inspect(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    (Body::from_stream(counted), read)
}

#[tokio::test]
async fn the_body_is_read_to_its_end() {
    let slice = || Ok(Bytes::from_static(b"slice"));
    let (body, read) = slices(vec![slice(), slice(), slice()]);

    let response = answer(HeaderMap::new(), body).await;

    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(read.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn a_body_cut_short_is_a_bad_request() {
    let (body, _) = slices(vec![Ok(Bytes::from_static(b"slice")), Err(io::Error::other("cut"))]);

    let response = answer(HeaderMap::new(), body).await;

    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    assert_eq!(body_of(response).await["title"], "Body cut short");
}
