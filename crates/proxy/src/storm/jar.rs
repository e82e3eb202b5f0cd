//! The cookies of one browser, kept as a browser keeps them.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;
use vestibule_domain::cookie::Cookie;

/// A cookie: its value, and when it goes; `None` is with the window.
#[derive(Clone, Debug)]
struct Kept {
    value: String,
    ends: Option<Instant>,
}

/// What a browser keeps.
#[derive(Clone, Debug, Default)]
pub(super) struct Jar(BTreeMap<String, Kept>);

impl Jar {
    pub(super) fn get(&self, cookie: Cookie) -> Option<&str> {
        let kept = self.0.get(cookie.name())?;
        kept.ends.is_none_or(|ends| Instant::now() < ends).then_some(kept.value.as_str())
    }

    /// The `Cookie` field.
    pub(super) fn field(&self) -> String {
        let sent = Cookie::ALL.into_iter().filter_map(|cookie| Some((cookie.name(), self.get(cookie)?)));
        sent.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    /// Heeds a `Set-Cookie` line.
    pub(super) fn heed(&mut self, line: &str) {
        let (name, value) = value_of(line);
        let age = line.split("; ").find_map(|part| part.strip_prefix("Max-Age="));
        let ends = age.map(|age| Instant::now() + Duration::from_secs(age.parse().expect("a number")));
        self.0.insert(name.to_owned(), Kept { value: value.to_owned(), ends });
    }

    /// The window is closed.
    pub(super) fn close(&mut self) {
        self.0.retain(|_, kept| kept.ends.is_some());
    }
}

/// Name and value of a `Set-Cookie` line.
pub(super) fn value_of(line: &str) -> (&str, &str) {
    let pair = line.split("; ").next().unwrap_or_default();
    pair.split_once('=').expect("a cookie has a name and a value")
}
