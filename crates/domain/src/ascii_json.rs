//! JSON in the form that may stand in a header field: compact, every character printable ASCII (RFC 9110 5.5).
//! Escaped once when written, so that reading a session for an app is joining texts.

use std::io;

use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::ser::{Formatter, Serializer};
use serde_json::{Map, Value};
use vestibule_oauth::json::Object;

/// One JSON value as printable ASCII.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct AsciiJson(Box<str>);

impl AsciiJson {
    /// Writes a value.
    pub fn of(value: &Value) -> Self {
        let mut bytes = Vec::new();
        value
            .serialize(&mut Serializer::with_formatter(&mut bytes, Ascii))
            .expect("a Value has texts as keys, and a Vec takes every byte");
        let text = String::from_utf8(bytes).expect("the formatter writes ASCII");
        Self(text.into_boxed_str())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads the value back. `None` for a text that this type did not write.
    pub fn to_value(&self) -> Option<Value> {
        serde_json::from_str(&self.0).ok()
    }
}

/// Refuses what could break out of a header field; whether it is JSON is seen when it is read.
impl<'de> Deserialize<'de> for AsciiJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<str>::deserialize(deserializer)?;
        if text.bytes().all(is_printable) {
            Ok(Self(text))
        } else {
            Err(de::Error::custom("not printable ASCII"))
        }
    }
}

/// The members as one JSON object. Names must be such that JSON needs no escapes for them.
pub(crate) fn object<'a>(members: impl Iterator<Item = (&'a str, &'a AsciiJson)>) -> String {
    let mut text = String::from("{");
    for (name, value) in members {
        if text.len() > 1 {
            text.push(',');
        }
        text.push('"');
        text.push_str(name);
        text.push_str("\":");
        text.push_str(value.as_str());
    }
    text.push('}');
    text
}

/// The members of a JSON object without repeated names and not nested too deeply.
pub(crate) fn strict_members(json: &[u8]) -> Option<Map<String, Value>> {
    // `Object` keeps its members to itself, so what it has found to be strict is read a second time.
    Object::parse(json).ok()?;
    serde_json::from_slice(json).ok()
}

fn is_printable(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}

/// Compact, with `\u` escapes for all that is not printable ASCII. serde_json escapes only what JSON demands.
struct Ascii;

impl Formatter for Ascii {
    fn write_string_fragment<W: io::Write + ?Sized>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut units = [0; 2];
        for char in fragment.chars() {
            if matches!(char, ' '..='~') {
                writer.write_all(&[char as u8])?;
                continue;
            }
            // RFC 8259 7: beyond the basic plane, a pair of surrogates.
            for unit in char.encode_utf16(&mut units) {
                write!(writer, "\\u{unit:04x}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
