//! Cookies as a browser keeps them (RFC 6265bis): by host, whatever the port. A line that breaks the rules of the
//! `__Host-` prefix, or of our own cookies, fails the test.

use std::collections::BTreeMap;
use std::time::Duration;

use vestibule_domain::identity::Timestamp;

/// Beginning of the names of all cookies of the product.
pub(in crate::journeys) const OURS: &str = "__Host-vst";

/// A `Set-Cookie` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::journeys) struct SetCookie {
    pub(in crate::journeys) name: String,
    pub(in crate::journeys) value: String,
    pub(in crate::journeys) max_age: Option<u64>,
}

impl SetCookie {
    #[track_caller]
    pub(in crate::journeys) fn read(line: &str) -> Self {
        let mut parts = line.split("; ");
        let (name, value) = parts.next().and_then(|pair| pair.split_once('=')).expect("a name and a value");
        let attributes: Vec<_> = parts.collect();
        let max_age = attributes.iter().find_map(|it| it.strip_prefix("Max-Age="));
        if name.to_ascii_lowercase().starts_with("__host-") {
            assert!(attributes.contains(&"Path=/") && attributes.contains(&"Secure"), "refused: {line}");
            assert!(!line.to_ascii_lowercase().contains("domain="), "refused: {line}");
        }
        if name.starts_with(OURS) {
            assert!(attributes.contains(&"HttpOnly") && attributes.contains(&"SameSite=Lax"), "{line}");
            assert_eq!(attributes.len(), 4 + usize::from(max_age.is_some()), "{line}");
        }
        let max_age = max_age.map(|age| age.parse().expect("a number of seconds"));
        Self { name: name.to_owned(), value: value.to_owned(), max_age }
    }

    /// Whether it removes the cookie.
    pub(in crate::journeys) fn clears(&self) -> bool {
        self.max_age == Some(0)
    }
}

#[derive(Clone, Debug)]
struct Kept {
    value: String,
    /// `None` goes with the browser's window.
    expires_at: Option<Timestamp>,
    /// The order of creation, which is the order in a request.
    number: usize,
}

/// The cookies of one browser.
#[derive(Clone, Debug, Default)]
pub(in crate::journeys) struct Jar {
    hosts: BTreeMap<String, BTreeMap<String, Kept>>,
    count: usize,
}

impl Jar {
    pub(in crate::journeys) fn keep(&mut self, host: &str, set: &SetCookie, now: Timestamp) {
        let cookies = self.hosts.entry(host.to_owned()).or_default();
        if set.clears() {
            cookies.remove(&set.name);
            return;
        }
        self.count += 1;
        let number = cookies.get(&set.name).map_or(self.count, |kept| kept.number);
        let expires_at = set.max_age.map(|age| now + Duration::from_secs(age));
        cookies.insert(set.name.clone(), Kept { value: set.value.clone(), expires_at, number });
    }

    /// Names and values in the order they are sent.
    pub(in crate::journeys) fn of(&self, host: &str, now: Timestamp) -> Vec<(&str, &str)> {
        let kept = self.hosts.get(host).into_iter().flatten();
        let mut living: Vec<_> = kept.filter(|(_, it)| it.expires_at.is_none_or(|at| now < at)).collect();
        living.sort_by_key(|(_, kept)| kept.number);
        living.into_iter().map(|(name, kept)| (name.as_str(), kept.value.as_str())).collect()
    }

    pub(in crate::journeys) fn put(&mut self, host: &str, name: &str, value: &str) {
        let set = SetCookie { name: name.to_owned(), value: value.to_owned(), max_age: None };
        self.keep(host, &set, Timestamp::from_secs(0));
    }

    pub(in crate::journeys) fn remove(&mut self, host: &str, name: &str) {
        if let Some(cookies) = self.hosts.get_mut(host) {
            cookies.remove(name);
        }
    }

    /// What a browser forgets when its last window closes.
    pub(in crate::journeys) fn close(&mut self) {
        for cookies in self.hosts.values_mut() {
            cookies.retain(|_, kept| kept.expires_at.is_some());
        }
    }
}
