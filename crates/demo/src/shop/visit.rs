//! One request to an app: what it was told, and the service calls it has made. Must not know any one page.

use http::{HeaderMap, Method};

use super::calls::{Answer, Call, Gateway};
use super::context::Context;
use super::told::{self, Row};

pub(super) struct Visit {
    pub(super) context: Context,
    pub(super) told: Vec<Row>,
    pub(super) calls: Vec<Call>,
}

impl Visit {
    pub(super) fn open(headers: &HeaderMap) -> Self {
        Self { context: Context::read(headers), told: told::rows(headers), calls: Vec::new() }
    }

    pub(super) async fn get(&mut self, gateway: &Gateway, path: &'static str) -> Option<Answer> {
        self.call(gateway, Method::GET, path, None).await
    }

    pub(super) async fn post(
        &mut self,
        gateway: &Gateway,
        path: &'static str,
        json: String,
    ) -> Option<Answer> {
        self.call(gateway, Method::POST, path, Some(json)).await
    }

    /// What the service answered, whatever its status; `None` if nothing came. It is on record either way.
    async fn call(
        &mut self,
        gateway: &Gateway,
        method: Method,
        path: &'static str,
        json: Option<String>,
    ) -> Option<Answer> {
        let (call, answer) = gateway.call(method, path, json, &self.context.onward).await;
        self.calls.push(call);
        answer
    }
}
