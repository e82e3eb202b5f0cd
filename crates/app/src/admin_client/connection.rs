//! One admin API: its address, its token, and calls to it. The token leaves this machine under no circumstances.

use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail, ensure};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::runtime::{Builder, Runtime};
use url::{Host, Url};
use vestibule_admin::Problem;
use vestibule_admin::token::AdminToken;

/// From connecting to the last byte of the answer; hashing a password may have to wait its turn.
const CALL_LIMIT: Duration = Duration::from_secs(10);
/// Longest answer: a page of users with everything at its limit takes less than half.
const ANSWER_BYTES_MAX: usize = 2 * 1024 * 1024;

/// An admin API that can be called.
pub(crate) struct Connection {
    url: Url,
    token: AdminToken,
    token_file: PathBuf,
    runtime: Runtime,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// What a command needs of `demo.json`.
#[derive(Deserialize)]
struct DemoRecord {
    admin: String,
}

impl Connection {
    /// The demo that was started with this directory.
    pub(crate) fn from_data_dir(dir: &Path) -> anyhow::Result<Self> {
        let path = dir.join("demo.json");
        let text = fs::read(&path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => {
                let dir = dir.display();
                anyhow!("no demo was started in {dir}: name its directory with --data-dir, or a server's file with --config")
            }
            _ => anyhow!("cannot read {}: {error}", path.display()),
        })?;
        let record: DemoRecord = serde_json::from_slice(&text)
            .with_context(|| format!("{} does not say where the admin API is", path.display()))?;
        Self::new(&record.admin, &dir.join("admin.token"))
    }

    /// The admin API at this address, such as `http://localhost:8099`, with the token in this file.
    pub(crate) fn new(url: &str, token_file: &Path) -> anyhow::Result<Self> {
        let url = Url::parse(url).with_context(|| format!("the admin API's address {url} is no URL"))?;
        let is_here = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        ensure!(
            is_here && url.scheme() == "http",
            "the admin API at {url} is not on this machine: run the command where it is"
        );
        let path = token_file.display();
        let text = fs::read_to_string(token_file)
            .with_context(|| format!("cannot read the admin token {path}: is it another user's?"))?;
        let token = AdminToken::parse(&text).with_context(|| path.to_string())?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let client = Client::builder(TokioExecutor::new()).build_http();
        Ok(Self { url, token, token_file: token_file.to_owned(), runtime, client })
    }

    /// What is at this path. An empty `query` is none.
    pub(crate) fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> anyhow::Result<T> {
        self.read(&self.call(Method::GET, path, query, None)?)
    }

    /// Gives an order that is answered with a document.
    pub(crate) fn create<T: DeserializeOwned>(
        &self,
        path: &[&str],
        order: &impl Serialize,
    ) -> anyhow::Result<T> {
        self.read(&self.call(Method::POST, path, &[], Some(serde_json::to_vec(order)?))?)
    }

    /// Gives an order that has something to say.
    pub(crate) fn order_with(&self, path: &[&str], order: &impl Serialize) -> anyhow::Result<()> {
        self.call(Method::POST, path, &[], Some(serde_json::to_vec(order)?)).map(drop)
    }

    /// Gives an order that has nothing to say, and is answered with a document.
    pub(crate) fn answered<T: DeserializeOwned>(&self, path: &[&str]) -> anyhow::Result<T> {
        self.read(&self.call(Method::POST, path, &[], None)?)
    }

    /// Gives an order.
    pub(crate) fn order(&self, path: &[&str]) -> anyhow::Result<()> {
        self.call(Method::POST, path, &[], None).map(drop)
    }

    fn read<T: DeserializeOwned>(&self, body: &Bytes) -> anyhow::Result<T> {
        serde_json::from_slice(body)
            .with_context(|| format!("{} answers in an unknown form: is it of another release?", self.url))
    }

    /// The body of a successful answer.
    fn call(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        json: Option<Vec<u8>>,
    ) -> anyhow::Result<Bytes> {
        let mut request = Request::builder()
            .method(method)
            .uri(self.address(path, query)?)
            .header(AUTHORIZATION, format!("Bearer {}", self.token.expose()));
        if json.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request = request.body(Full::from(json.unwrap_or_default()))?;
        let limited = async { tokio::time::timeout(CALL_LIMIT, self.exchange(request)).await };
        let Ok(answered) = self.runtime.block_on(limited) else {
            bail!(
                "no answer from {} in {} seconds; what was asked may still be done",
                self.url,
                CALL_LIMIT.as_secs()
            );
        };
        let (status, body) = answered?;
        if status.is_success() { Ok(body) } else { Err(self.refusal(status, &body)) }
    }

    fn address(&self, path: &[&str], query: &[(&str, &str)]) -> anyhow::Result<String> {
        let mut url = self.url.clone();
        let segments = url.path_segments_mut();
        segments.map_err(|()| anyhow!("{} has no paths", self.url))?.clear().push("admin").extend(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url.into())
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> anyhow::Result<(StatusCode, Bytes)> {
        let answer = self.client.request(request).await.map_err(|error| {
            if error.is_connect() {
                anyhow!("nothing answers at {}: is vestibule running?", self.url)
            } else {
                anyhow!(error).context(format!("{} hung up", self.url))
            }
        })?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await;
        let body = body.map_err(|error| anyhow!("the answer of {} cannot be read: {error}", self.url))?;
        Ok((status, body.to_bytes()))
    }

    fn refusal(&self, status: StatusCode, body: &[u8]) -> anyhow::Error {
        if status == StatusCode::UNAUTHORIZED {
            let file = self.token_file.display();
            return anyhow!("{} does not take the token in {file}: it is another server's", self.url);
        }
        match serde_json::from_slice::<Problem>(body) {
            Ok(problem) => anyhow!("{}", problem.detail.trim_end_matches('.')),
            Err(_) => anyhow!("{} answers {status}: is that the admin API?", self.url),
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("url", &self.url.as_str()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
