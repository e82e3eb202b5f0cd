//! What apps may know of a user, as the issuer port carries it. Must not know which app asks.

use serde_json::{Map, Value};
use vestibule_registry::user::Profile;

/// The text of a JSON object that holds what there is.
pub(crate) fn of(profile: &Profile) -> String {
    let Profile { name, locale, email, email_verified, roles } = profile;
    let members = [
        ("name", name.as_deref().map(Value::from)),
        ("locale", locale.as_deref().map(Value::from)),
        ("email", email.as_deref().map(Value::from)),
        ("email_verified", email.as_ref().map(|_| Value::from(*email_verified))),
        ("roles", (!roles.is_empty()).then(|| Value::from(roles.clone()))),
    ];
    let members = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(members.collect::<Map<_, _>>()).to_string()
}
