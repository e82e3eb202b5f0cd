//! Values of `WWW-Authenticate`: the Bearer challenge of RFC 6750 3 and the Basic one of RFC 7617 2.
//! Must not know when a challenge is due.

use crate::error::BearerErrorCode;
use crate::scope::ScopeSet;

/// What a protected resource tells a caller whose token did not do.
#[derive(Debug, Clone, Default)]
pub struct BearerChallenge<'a> {
    /// Protection space, from configuration.
    pub realm: Option<&'a str>,
    /// Absent when the caller sent no token at all (RFC 6750 3.1).
    pub error: Option<BearerErrorCode>,
    /// For the developer who reads it.
    pub description: Option<&'static str>,
    /// The scopes that would have done.
    pub scope: Option<&'a ScopeSet>,
}

impl BearerChallenge<'_> {
    /// The value of the field, safe to send: what could end a quoted string is escaped or replaced.
    pub fn field_value(&self) -> String {
        let scope = self.scope.filter(|scope| !scope.is_empty()).map(ToString::to_string);
        let parameters = [
            ("realm", self.realm),
            ("error", self.error.map(BearerErrorCode::as_str)),
            ("error_description", self.description),
            ("scope", scope.as_deref()),
        ];
        let mut value = "Bearer".to_owned();
        let mut separator = " ";
        for (name, text) in parameters {
            if let Some(text) = text {
                value.push_str(separator);
                value.push_str(name);
                value.push('=');
                push_quoted(&mut value, text);
                separator = ", ";
            }
        }
        value
    }
}

/// The challenge for a client that failed to authenticate with Basic (RFC 6749 5.2).
pub fn basic_field_value(realm: &str) -> String {
    let mut value = "Basic realm=".to_owned();
    push_quoted(&mut value, realm);
    value
}

/// RFC 9110 5.6.4, narrowed to printable ASCII.
fn push_quoted(value: &mut String, text: &str) {
    value.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => value.extend(['\\', character]),
            ' '..='~' => value.push(character),
            _ => value.push('?'),
        }
    }
    value.push('"');
}

#[cfg(test)]
mod tests;
