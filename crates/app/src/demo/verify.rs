//! How the sample services check a token: as any service does, with the keys that the identity provider publishes for
//! services, fetched over HTTP. Knows nothing of the platform around it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use vestibule_demo::services::{Caller, Verify};
use vestibule_oauth::jwk::KeySet;
use vestibule_oauth::jwt::{SKEW_SECONDS, Verifier};
use vestibule_oauth::token::Jwt;
use vestibule_ports::clock::{Clock, SystemClock};

/// Bytes a key document may have.
const KEYS_BYTES_MAX: usize = 64 * 1024;
/// How long the identity provider may take to send it.
const FETCH_MAX: Duration = Duration::from_secs(5);

/// The check that services use: `iss`, `aud`, `typ`, signature and times.
pub(super) async fn with_keys_of(issuer: &str, audience: &str) -> anyhow::Result<Verify> {
    let url = format!("{issuer}/jwks/services");
    let keys = tokio::time::timeout(FETCH_MAX, fetch(&url))
        .await
        .context("the identity provider sent no keys in time")??;
    let verifier = Verifier::<Jwt>::new(format!("{issuer}/services"), audience.to_owned(), keys);
    let clock = SystemClock::new();
    Ok(Arc::new(move |token| {
        let token = Jwt::parse(token).ok()?;
        let now = clock.wall().as_secs().unsigned_abs();
        let claims = verifier.verify(&token, now, SKEW_SECONDS).ok()?;
        Some(Caller { subject: claims.registered.sub })
    }))
}

async fn fetch(url: &str) -> anyhow::Result<KeySet> {
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let answer = client.get(url.parse()?).await.with_context(|| format!("no answer from {url}"))?;
    let body = Limited::new(answer.into_body(), KEYS_BYTES_MAX).collect().await;
    let body = body.map_err(|error| anyhow::anyhow!("{url}: {error}"))?;
    KeySet::parse(&body.to_bytes()).map_err(|error| anyhow::anyhow!("{url}: {error}"))
}
