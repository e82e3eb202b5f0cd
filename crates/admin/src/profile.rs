//! What apps may show of a user: the limits of what is handed on, and the order that changes it.
//! With everything at its limit it still fits into what a proxy reads of one user.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use vestibule_ports::authority::{Authority, Profile, ProfileChange};

use crate::door::ADMINISTRATOR;
use crate::order::Order;
use crate::reply::{self, Refused, Unfit};
use crate::user::{self, Named};

/// Longest name of a user, in characters.
pub const NAME_CHARS_MAX: usize = 200;

/// Longest mail address, in bytes (RFC 5321 4.5.3.1.3, without its brackets).
pub const EMAIL_BYTES_MAX: usize = 254;

/// Longest language tag, in bytes (RFC 5646 4.4.1).
pub const LOCALE_BYTES_MAX: usize = 35;

/// Most roles of a user.
pub const ROLES_MAX: usize = 20;

/// Longest name of a role, in bytes.
pub const ROLE_BYTES_MAX: usize = 64;

/// What is to change. What is left out stays; an empty text or list removes what was there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct NewProfile {
    /// The full name, at most [`NAME_CHARS_MAX`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Language tag, at most [`LOCALE_BYTES_MAX`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// A mail address, at most [`EMAIL_BYTES_MAX`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// All roles that the user is to have, at most [`ROLES_MAX`] of [`ROLE_BYTES_MAX`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<String>>,
}

/// `POST /admin/users/{id}/profile`
pub(crate) async fn change(
    State(authority): State<Arc<dyn Authority>>,
    named: Named,
    Order(NewProfile { name, locale, email, roles }): Order<NewProfile>,
) -> Result<Response, Refused> {
    let id = user::id(named)?;
    // The empty text is how something is removed, and no value of anything.
    let shown = Profile {
        name: name.clone().filter(|name| !name.is_empty()),
        locale: locale.clone().filter(|locale| !locale.is_empty()),
        email: email.clone().filter(|email| !email.is_empty()),
        roles: roles.clone().unwrap_or_default(),
    };
    check(&shown)?;
    authority.set_profile(&id, ProfileChange { name, locale, email, roles }, ADMINISTRATOR).await?;
    Ok(reply::done())
}

/// Whether everything is within its limits.
pub(crate) fn check(profile: &Profile) -> Result<(), Unfit> {
    let Profile { name, locale, email, roles } = profile;
    let is_name = |name: &String| fits(name, name.chars().count(), NAME_CHARS_MAX);
    let is_email = |email: &String| fits(email, email.len(), EMAIL_BYTES_MAX) && has_two_parts(email);
    let is_role = |role: &String| fits(role, role.len(), ROLE_BYTES_MAX);
    if !name.as_ref().is_none_or(is_name) {
        return Err(Unfit::Name);
    }
    if !locale.as_deref().is_none_or(is_language_tag) {
        return Err(Unfit::Locale);
    }
    if !email.as_ref().is_none_or(is_email) {
        return Err(Unfit::Email);
    }
    if roles.len() > ROLES_MAX || !roles.iter().all(is_role) {
        return Err(Unfit::Roles);
    }
    Ok(())
}

/// RFC 5646 2.1, as far as its form goes: which languages there are is not ours to say.
fn is_language_tag(text: &str) -> bool {
    let is_subtag =
        |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    text.len() <= LOCALE_BYTES_MAX && text.split('-').all(is_subtag)
}

/// One `@` between two parts: whether anybody reads what is sent there, only mail can tell.
fn has_two_parts(email: &str) -> bool {
    let mut parts = email.split('@');
    let is_part = |part: Option<&str>| {
        part.is_some_and(|part| !part.is_empty() && !part.chars().any(char::is_whitespace))
    };
    is_part(parts.next()) && is_part(parts.next()) && parts.next().is_none()
}

/// Control characters are none: they end up on terminals.
fn fits(text: &str, length: usize, max: usize) -> bool {
    (1..=max).contains(&length) && !text.chars().any(char::is_control)
}
