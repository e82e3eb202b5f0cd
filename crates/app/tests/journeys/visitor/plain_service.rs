//! A service as somebody writes it who knows of us no more than where the keys are: an ordinary JWT library, and no look at
//! `typ`, `aud` or `iss`. Any key of the document will do, whichever the token names.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::Value;
use tokio::runtime::Runtime;
use url::Url;
use vestibule_testkit::client;

type Keys = Arc<OnceLock<JwkSet>>;

/// The service, on a port of its own.
pub(super) struct PlainService {
    address: SocketAddr,
    keys: Keys,
    _runtime: Runtime,
}

impl PlainService {
    pub(super) fn start() -> Self {
        let keys = Keys::default();
        let router = Router::new().fallback(tell_whom).with_state(Arc::clone(&keys));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime for the service");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        runtime.spawn(vestibule_demo::serve(listener, router, std::future::pending()));
        Self { address, keys, _runtime: runtime }
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Reads the keys that it believes, once.
    pub(super) fn fetch_keys(&self, at: &str) {
        let url = Url::parse(at).expect("an address");
        let (host, port) = (url.host_str().expect("a host"), url.port().expect("a port"));
        let document =
            client::get((Ipv4Addr::LOCALHOST, port).into(), &format!("{host}:{port}"), url.path(), &[]);
        let keys: JwkSet = serde_json::from_slice(&document.body).expect("a document of keys");
        assert!(!keys.keys.is_empty() && self.keys.set(keys).is_ok(), "{document:?}");
    }
}

/// Whom the token is about, or 401.
async fn tell_whom(State(keys): State<Keys>, headers: HeaderMap) -> (StatusCode, String) {
    let token =
        headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let claims = token.zip(keys.get()).and_then(|(token, keys)| read(token, keys));
    match claims.as_ref().and_then(|claims| claims["sub"].as_str()) {
        Some(sub) => (StatusCode::OK, sub.to_owned()),
        None => (StatusCode::UNAUTHORIZED, String::new()),
    }
}

fn read(token: &str, keys: &JwkSet) -> Option<Value> {
    let mut validation = Validation::new(Algorithm::ES256);
    validation.validate_aud = false;
    let by = |key: &DecodingKey| decode::<Value>(token, key, &validation).ok();
    let mut all = keys.keys.iter().filter_map(|key| DecodingKey::from_jwk(key).ok());
    all.find_map(|key| by(&key)).map(|read| read.claims)
}
