//! The metrics face: `/healthz` (the process is alive), `/readyz` (send it traffic), `/metrics`. Its paths count under
//! any host; it shows no visitor's data.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use vestibule_idp::Idp;
use vestibule_message::method::Method;
use vestibule_message::status::Status;
use vestibule_store_embedded::Condition;
use vestibule_wire::{Answer, BodyFault, Exchange, HostFault, Monitor, Served, guarded};

/// Whether the process wants traffic.
#[derive(Clone, Default)]
pub(crate) struct Readiness {
    wanted: Arc<AtomicBool>,
    /// The file with this process's sessions, where it has one. A store that processes share counts for none of them: all
    /// would go at once, with those visitors who need no session.
    file: Option<Condition>,
}

impl Readiness {
    /// Of a process with this file of sessions.
    pub(crate) fn with(file: Option<Condition>) -> Self {
        Self { wanted: Arc::default(), file }
    }

    pub(crate) fn set(&self, ready: bool) {
        self.wanted.store(ready, Ordering::SeqCst);
    }

    fn get(&self) -> bool {
        self.wanted.load(Ordering::SeqCst) && self.file.as_ref().is_none_or(Condition::is_open)
    }
}

/// Serves health and metrics.
#[derive(Clone)]
pub(crate) struct Health {
    pub(crate) readiness: Readiness,
    pub(crate) monitor: Monitor,
    /// The identity provider, where this process is one.
    pub(crate) idp: Option<Arc<Idp>>,
}

impl Health {
    /// Whether a path is one of its own.
    pub(crate) fn claims(path: &str) -> bool {
        matches!(path, "/healthz" | "/readyz" | "/metrics")
    }

    pub(crate) async fn serve<N>(&self, x: Exchange<'_, N>) -> Served {
        let answer = if matches!(x.head().method(), Method::Get | Method::Head) {
            self.page(x.head().target().path())
        } else {
            text(405, "only GET and HEAD\n").with("allow", "GET, HEAD")
        };
        x.answer(answer).await
    }

    fn page(&self, path: &str) -> Answer {
        match path {
            "/healthz" => text(200, "alive\n"),
            "/readyz" if self.readiness.get() => text(200, "ready\n"),
            "/readyz" => text(503, "not ready\n"),
            "/metrics" => answer(200).body("text/plain; version=0.0.4; charset=utf-8", self.metrics()),
            _ => nothing_here(),
        }
    }

    /// All counters in the text format of Prometheus.
    fn metrics(&self) -> String {
        let mut text = self.monitor.render();
        if let Some(idp) = &self.idp {
            let name = "vestibule_password_hashes_total";
            let hashes = idp.passwords_hashed();
            // Cannot fail on a String.
            let _ = write!(
                text,
                "# HELP {name} Password hashes computed: what log-ins cost.\n# TYPE {name} counter\n{name} {hashes}\n"
            );
        }
        text
    }
}

/// There is nothing at this address.
pub(crate) fn nothing_here() -> Answer {
    text(404, "nothing here\n")
}

/// A hosted router gave no answer.
pub(crate) fn host_fault(fault: &HostFault) -> Answer {
    match fault {
        HostFault::Body(BodyFault::TooLarge(_)) => text(413, "the request is too large\n"),
        HostFault::Body(BodyFault::Malformed) => text(400, "the body of the request is malformed\n"),
        HostFault::Body(BodyFault::Missing) => text(408, "the request did not arrive in time\n"),
        HostFault::Answer(_) => text(500, "something went wrong on our side\n"),
    }
}

fn text(code: u16, body: &'static str) -> Answer {
    answer(code).body("text/plain; charset=utf-8", body)
}

fn answer(code: u16) -> Answer {
    guarded(Status::new(code).expect("every code in this file is between 100 and 599"))
}

#[cfg(test)]
mod tests;
