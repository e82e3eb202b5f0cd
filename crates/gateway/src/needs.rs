//! Which scopes a service needs, by method. A method that is not listed is not served.

use std::collections::BTreeMap;

use vestibule_message::method::Method;
use vestibule_oauth::scope::ScopeSet;

/// The methods that a service can have. TRACE and CONNECT never come this far.
pub(crate) const METHODS: [Method; 7] =
    [Method::Get, Method::Head, Method::Post, Method::Put, Method::Delete, Method::Patch, Method::Options];

/// The needs of one service.
#[derive(Debug)]
pub(crate) struct Needs {
    by_method: BTreeMap<Method, ScopeSet>,
    allow: String,
}

impl Needs {
    /// The same for every method.
    pub(crate) fn for_all(scopes: &ScopeSet) -> Self {
        Self::by_method(METHODS.into_iter().map(|method| (method, scopes.clone())).collect())
    }

    /// One set for each method. HEAD is GET without the body (RFC 9110 9.3.2), unless it has a set of its own.
    pub(crate) fn by_method(mut by_method: BTreeMap<Method, ScopeSet>) -> Self {
        if let Some(get) = by_method.get(&Method::Get).cloned() {
            by_method.entry(Method::Head).or_insert(get);
        }
        let names: Vec<_> = by_method.keys().map(|method| method.as_str()).collect();
        Self { allow: names.join(", "), by_method }
    }

    /// The scopes that this method needs; `None` when it is not served.
    pub(crate) fn of(&self, method: Method) -> Option<&ScopeSet> {
        self.by_method.get(&method)
    }

    /// The value of `Allow` (RFC 9110 10.2.1).
    pub(crate) fn allow(&self) -> &str {
        &self.allow
    }
}

#[cfg(test)]
mod tests;
