//! The web apps of the house: one recording upstream behind all routes, and what it was told of its visitors.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use vestibule_testkit::strict::Fields;
use vestibule_testkit::upstream::{Step, Upstream, answer};

/// All web apps.
pub(in crate::journeys) struct App {
    upstream: Upstream,
    paths: AtomicUsize,
}

impl App {
    pub(in crate::journeys) fn start() -> Self {
        Self { upstream: Upstream::start(), paths: AtomicUsize::new(0) }
    }

    pub(in crate::journeys) fn url(&self) -> String {
        self.upstream.url()
    }

    /// A path below a context root that was not used yet, so that its record is of one request.
    pub(in crate::journeys) fn new_path(&self, root: &str) -> String {
        format!("{root}/{}", self.paths.fetch_add(1, Ordering::Relaxed))
    }

    /// A new path below a context root that answers with these lines.
    pub(in crate::journeys) fn answering(&self, root: &str, fields: &[&str]) -> String {
        self.playing(root, vec![Step::ReadBody, Step::Send(answer(200, fields, "a page"))])
    }

    /// A new path below a context root that asks for this change of the context.
    pub(in crate::journeys) fn patching(&self, root: &str, patch: &str) -> String {
        self.answering(root, &[&format!("x-context-update: {patch}")])
    }

    /// A new path below a context root with this script.
    pub(in crate::journeys) fn playing(&self, root: &str, script: Vec<Step>) -> String {
        let path = self.new_path(root);
        self.upstream.on(&path, script);
        path
    }

    /// Lets go on what waits in [`Step::Hold`].
    pub(in crate::journeys) fn release(&self, name: &'static str) {
        self.upstream.release(name);
    }

    /// Waits until an app has been asked for this target.
    #[track_caller]
    pub(in crate::journeys) fn wait_for(&self, target: &str) {
        self.upstream.wait_until(target, |seen| seen.heads.iter().any(|head| head.target == target));
    }

    /// How often apps were asked for this target.
    pub(in crate::journeys) fn calls(&self, target: &str) -> usize {
        self.upstream.seen().heads.iter().filter(|head| head.target == target).count()
    }

    /// What an app was told by the only request for this target.
    #[track_caller]
    pub(in crate::journeys) fn told(&self, target: &str) -> Told {
        let heads = self.upstream.seen().heads;
        let mut found = heads.into_iter().filter(|head| head.target == target);
        let told = found.next().unwrap_or_else(|| panic!("no app was asked for {target}"));
        assert!(found.next().is_none(), "an app was asked twice for {target}");
        Told(told.fields)
    }

    /// All bytes that apps were sent.
    pub(in crate::journeys) fn raw(&self) -> Vec<u8> {
        self.upstream.seen().raw()
    }
}

/// The fields of a request as the app got it.
#[derive(Clone, Debug)]
pub(in crate::journeys) struct Told(pub(in crate::journeys) Fields);

impl Told {
    /// `x-context-` and this, if it was said once.
    #[track_caller]
    pub(in crate::journeys) fn context(&self, name: &str) -> Option<&str> {
        let all = self.0.all(&format!("x-context-{name}"));
        assert!(all.len() <= 1, "said {} times: {name}", all.len());
        all.first().copied()
    }

    #[track_caller]
    pub(in crate::journeys) fn standing(&self) -> &str {
        self.context("standing").expect("every request says a standing")
    }

    /// The attributes; null if nothing was said of any.
    #[track_caller]
    pub(in crate::journeys) fn attributes(&self) -> Value {
        let json = self.context("attributes").unwrap_or("null");
        assert!(json.is_ascii(), "not escaped: {json}");
        serde_json::from_str(json).unwrap_or_else(|_| panic!("no JSON: {json}"))
    }

    #[track_caller]
    pub(in crate::journeys) fn attribute(&self, name: &str) -> Value {
        self.attributes()[name].clone()
    }

    /// The names of all context fields, in order of the names.
    pub(in crate::journeys) fn names(&self) -> Vec<&str> {
        let mut names: Vec<_> =
            self.0.iter().filter_map(|(name, _)| name.strip_prefix("x-context-")).collect();
        names.sort_unstable();
        names
    }

    /// The cookies that came, all lines joined.
    pub(in crate::journeys) fn cookies(&self) -> String {
        self.0.all("cookie").join("; ")
    }

    /// The claims in the JPT, unverified.
    #[track_caller]
    pub(in crate::journeys) fn claims(&self) -> Value {
        claims(self.context("token").expect("a JPT"))
    }
}

/// The claims in a signed token, unverified.
#[track_caller]
pub(in crate::journeys) fn claims(token: &str) -> Value {
    use base64::Engine as _;
    let payload = token.split('.').nth(1).expect("three parts");
    let json = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).expect("base64url");
    serde_json::from_slice(&json).expect("JSON")
}
