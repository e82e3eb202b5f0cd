//! The route table: by host, then by the longest prefix that ends on a segment boundary. Pure, and independent of the
//! order of the routes. `R` is whatever a requester must hold to pass; the table only compares it.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use thiserror::Error;
use vestibule_message::host::Host;
use vestibule_message::target::Target;

use crate::conduct::{Conduct, Upstream};

/// One entry of the table.
#[derive(Clone, Debug)]
pub struct Route<R> {
    /// The caller's own number for it, such as its place in the configuration.
    pub number: usize,
    /// The host it serves; without a port it serves every port that has no route of its own.
    pub host: Host,
    /// The context root: `/`, or a path without a slash at its end.
    pub prefix: Target,
    /// Where requests go.
    pub upstream: Arc<Upstream>,
    /// What a requester must hold at least.
    pub requires: R,
    /// Limits and times.
    pub conduct: Arc<Conduct>,
}

/// Why no table can be made of some routes.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TableFault {
    /// The prefix has a query, or a slash at its end.
    #[error("route {host}{prefix}: the path must be '/' or a path without query and without '/' at its end")]
    Prefix {
        /// The route's number.
        number: usize,
        /// The route's host.
        host: String,
        /// Its prefix.
        prefix: String,
    },
    /// Two routes with one host and prefix, upper and lower case counting as the same.
    #[error("route {host}{prefix} is there twice (upper and lower case count as the same)")]
    Twice {
        /// The number of the second of them.
        number: usize,
        /// The routes' host.
        host: String,
        /// Their prefix.
        prefix: String,
    },
}

impl TableFault {
    /// The number of the route that is at fault.
    pub const fn number(&self) -> usize {
        match self {
            Self::Prefix { number, .. } | Self::Twice { number, .. } => *number,
        }
    }
}

/// Why a request has no route.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum NoRoute {
    /// No route for this host (RFC 9110 15.5.20).
    #[error("no route for this host")]
    Host,
    /// No route for this path.
    #[error("no route for this path")]
    Path,
}

/// What a requester holds.
#[derive(Clone, Copy, Debug)]
pub struct Held<R> {
    /// To be compared with what the route requires.
    pub standing: R,
}

/// What a requester lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Short<R> {
    /// What the route requires.
    pub requires: R,
}

/// All routes of one face.
pub struct Table<R> {
    hosts: HashMap<String, Vec<Prefixes<R>>>,
}

/// The routes of one host (and port, when it has one), by prefix and by folded prefix.
struct Prefixes<R> {
    port: Option<u16>,
    longest: usize,
    /// Some prefix is not its own folded form, so that any path may fold into it.
    odd: bool,
    exact: HashMap<String, Arc<Route<R>>>,
    folded: HashMap<String, Arc<Route<R>>>,
}

impl<R: Ord + Copy> Table<R> {
    /// The table of these routes, or everything that is wrong with them.
    pub fn new(routes: impl IntoIterator<Item = Route<R>>) -> Result<Self, Vec<TableFault>> {
        let mut table = Self { hosts: HashMap::new() };
        let faults: Vec<_> = routes.into_iter().filter_map(|route| table.insert(route).err()).collect();
        if faults.is_empty() { Ok(table) } else { Err(faults) }
    }

    fn insert(&mut self, route: Route<R>) -> Result<(), TableFault> {
        let prefix = route.prefix.path().to_owned();
        let named = || (route.host.to_string(), prefix.clone());
        if route.prefix.query().is_some() || (prefix.len() > 1 && prefix.ends_with('/')) {
            let (host, prefix) = named();
            return Err(TableFault::Prefix { number: route.number, host, prefix });
        }
        let ports = self.hosts.entry(route.host.name().to_owned()).or_default();
        let at = ports.iter().position(|p| p.port == route.host.port()).unwrap_or_else(|| {
            let (exact, folded) = (HashMap::new(), HashMap::new());
            ports.push(Prefixes { port: route.host.port(), longest: 0, odd: false, exact, folded });
            ports.len() - 1
        });
        let prefixes = &mut ports[at];
        let (number, (host, twice)) = (route.number, named());
        let route = Arc::new(route);
        prefixes.longest = prefixes.longest.max(prefix.len());
        let folded = fold_path(&prefix);
        prefixes.odd |= folded != prefix;
        if prefixes.folded.insert(folded, Arc::clone(&route)).is_some() {
            return Err(TableFault::Twice { number, host, prefix: twice });
        }
        prefixes.exact.insert(prefix, route);
        Ok(())
    }

    /// The route for a request. A path that would find another route if case, or dots and spaces at the end of a
    /// segment, did not count finds none: some servers do not count them.
    pub fn find<'t>(&'t self, host: &Host, target: &'t Target) -> Result<Match<'t, R>, NoRoute> {
        let ports = self.hosts.get(host.name()).ok_or(NoRoute::Host)?;
        let of_port = |port: Option<u16>| ports.iter().find(|p| p.port == port);
        let prefixes = of_port(host.port()).or_else(|| of_port(None)).ok_or(NoRoute::Host)?;
        let path = target.path();
        let route = longest(&prefixes.exact, path, prefixes.longest).ok_or(NoRoute::Path)?;
        if prefixes.odd || folds(path) {
            let folded = longest(&prefixes.folded, &fold_path(path), prefixes.longest);
            if !folded.is_some_and(|folded| Arc::ptr_eq(folded, route)) {
                return Err(NoRoute::Path);
            }
        }
        Ok(Match { route, target })
    }

    /// Whether some route serves this host, on any port.
    pub fn serves(&self, host: &Host) -> bool {
        self.hosts.contains_key(host.name())
    }
}

impl<R> fmt::Debug for Table<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.hosts.keys()).finish()
    }
}

/// Tries the path's own prefixes, longest first. No prefix past `longest` bytes can match, which bounds the work.
fn longest<'t, R>(
    routes: &'t HashMap<String, Arc<Route<R>>>,
    path: &str,
    longest: usize,
) -> Option<&'t Arc<Route<R>>> {
    let mut end = path.len();
    loop {
        if end <= longest
            && let Some(route) = routes.get(&path[..end])
        {
            return Some(route);
        }
        end = path[..end].rfind('/').filter(|_| end > 1)?.max(1);
    }
}

fn folds(path: &str) -> bool {
    path.bytes().any(|b| b.is_ascii_uppercase())
        || path.contains("./")
        || path.ends_with('.')
        || path.contains("%20")
}

/// The path in lower case, its segments without the dots and spaces at their end.
fn fold_path(path: &str) -> String {
    let lower = path.to_ascii_lowercase().replace("%20", " ");
    let segments: Vec<_> = lower.split('/').map(|segment| segment.trim_end_matches(['.', ' '])).collect();
    segments.join("/")
}

/// A route found, not yet passed.
pub struct Match<'t, R> {
    route: &'t Arc<Route<R>>,
    target: &'t Target,
}

impl<R: Ord + Copy> Match<'_, R> {
    /// The route found.
    pub fn route(&self) -> &Route<R> {
        self.route
    }

    /// Lets a requester pass who holds enough. Deny by default: there is no other way to a [`Permit`].
    pub fn admit(self, held: Held<R>) -> Result<Permit, Short<R>> {
        if held.standing < self.route.requires {
            return Err(Short { requires: self.route.requires });
        }
        Ok(Permit {
            target: self.target.as_str().into(),
            upstream: Arc::clone(&self.route.upstream),
            conduct: Arc::clone(&self.route.conduct),
        })
    }
}

/// Leave to relay one request: where to, with which target, within which limits. What was matched is what is sent.
#[derive(Debug)]
pub struct Permit {
    target: Box<str>,
    upstream: Arc<Upstream>,
    conduct: Arc<Conduct>,
}

impl Permit {
    /// The canonical target that was matched.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Where the request goes.
    pub fn upstream(&self) -> &Arc<Upstream> {
        &self.upstream
    }

    /// Limits and times.
    pub fn conduct(&self) -> &Conduct {
        &self.conduct
    }
}

#[cfg(test)]
mod tests;
