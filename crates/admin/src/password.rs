//! A password in the body of an order: the only place where it travels.

use serde::{Deserialize, Deserializer, Serializer};
use vestibule_ports::authority::Password;

pub(crate) fn serialize<S: Serializer>(password: &Password, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(password.expose())
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Password, D::Error> {
    String::deserialize(deserializer).map(|text| Password::new(&text))
}
