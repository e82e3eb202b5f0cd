//! One admin API with everything behind it in the test's hands.

use std::sync::Arc;

use axum::Router;
use axum::body::{self, Body};
use http::{HeaderMap, Method, Request, StatusCode};
use serde_json::Value;
use tower::ServiceExt as _;
use vestibule_admin::session_audit::Sessions;
use vestibule_admin::token::AdminToken;
use vestibule_admin::{Admin, Cause, Door, Users as Keepers};
use vestibule_domain::identity::Timestamp;
use vestibule_domain::limits::Limits;
use vestibule_message::host::Host;
use vestibule_ports::clock::TestClock;
use vestibule_ports::memory::MemorySessionStore;

use crate::authority::Users;

pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

pub(crate) struct Rig {
    pub(crate) users: Arc<Users>,
    pub(crate) store: Arc<MemorySessionStore>,
    pub(crate) clock: Arc<TestClock>,
    router: Router,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) cause: Option<String>,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The detail of a refusal, after looking at its form.
    pub(crate) fn refusal(&self) -> (u16, String) {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{}", self.text);
        assert_eq!(self.header("cache-control"), Some("no-store"));
        let problem = self.json();
        assert_eq!(problem["status"], self.status.as_u16());
        assert_eq!(problem["title"], self.status.canonical_reason().unwrap());
        (self.status.as_u16(), problem["detail"].as_str().unwrap().to_owned())
    }
}

pub(crate) fn token() -> AdminToken {
    AdminToken::from_random(&[7; 32])
}

pub(crate) fn bearer() -> String {
    format!("Bearer {}", token().expose())
}

pub(crate) fn door() -> Door {
    Door::new(token().digest(), [Host::parse(b"admin.internal").unwrap()])
}

impl Rig {
    pub(crate) fn new() -> Self {
        let users = Arc::new(Users::default());
        let store = Arc::new(MemorySessionStore::new());
        let clock = Arc::new(TestClock::new(NOW));
        let sessions = Sessions { store: store.clone(), clock: clock.clone(), limits: Limits::default() };
        let admin = Admin { door: door(), users: Keepers::Here(users.clone()), sessions: Some(sessions) };
        Self { users, store, clock, router: admin.router() }
    }

    /// A request of the administrator.
    pub(crate) async fn ask(&self, method: Method, path: &str) -> Answer {
        self.send(method, path, &[], Body::empty()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path).await
    }

    pub(crate) async fn post(&self, path: &str, json: &str) -> Answer {
        let body = Body::from(json.to_owned());
        self.send(Method::POST, path, &[("content-type", "application/json")], body).await
    }

    pub(crate) async fn send(&self, method: Method, path: &str, more: &[(&str, &str)], body: Body) -> Answer {
        let fields = [("host", "localhost:8099"), ("authorization", &bearer())];
        self.send_as(method, path, &[&fields, more].concat(), body).await
    }

    /// A request of whoever sends these fields and no others.
    pub(crate) async fn send_as(
        &self,
        method: Method,
        path: &str,
        fields: &[(&str, &str)],
        body: Body,
    ) -> Answer {
        send_to(self.router.clone(), method, path, fields, body).await
    }
}

pub(crate) async fn send_to(
    router: Router,
    method: Method,
    path: &str,
    fields: &[(&str, &str)],
    body: Body,
) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    let answer = router.oneshot(request.body(body).unwrap()).await.unwrap();
    let (head, body) = answer.into_parts();
    let bytes = body::to_bytes(body, usize::MAX).await.unwrap();
    Answer {
        status: head.status,
        cause: head.extensions.get::<Cause>().map(|cause| cause.0.clone()),
        headers: head.headers,
        text: String::from_utf8(bytes.to_vec()).unwrap(),
    }
}
