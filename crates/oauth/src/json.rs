//! JSON objects of foreign origin, read strictly: unique names, bounded depth, members of exactly one type.
//! RFC 7515 4 and RFC 7519 4 let a reader refuse repeated names; RFC 8725 2.4 says why it should.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Deepest nesting of objects and arrays, the outermost object included.
pub const DEPTH_MAX: usize = 8;

/// The bytes are no such object, or a member has another type than the one asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the expected JSON")]
pub struct NotStrict;

/// An object without repeated names.
#[derive(Debug, Clone, PartialEq)]
pub struct Object(Map<String, Value>);

impl Object {
    /// Reads bytes that hold one object and nothing after it.
    pub fn parse(bytes: &[u8]) -> Result<Self, NotStrict> {
        let mut deserializer = serde_json::Deserializer::from_slice(bytes);
        let value = Strict { depth_left: DEPTH_MAX }.deserialize(&mut deserializer).map_err(|_| NotStrict)?;
        deserializer.end().map_err(|_| NotStrict)?;
        Self::of(value)
    }

    /// Whether there is a member of this name, `null` included.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// A text that is not empty.
    pub fn text(&self, name: &str) -> Result<Option<&str>, NotStrict> {
        self.0.get(name).map(text).transpose()
    }

    /// A whole number from 0 up, written as one: `1.0`, `1e3` and `"1"` are refused.
    pub fn whole(&self, name: &str) -> Result<Option<u64>, NotStrict> {
        self.0.get(name).map(|value| value.as_u64().ok_or(NotStrict)).transpose()
    }

    /// One text, or an array of texts that is not empty.
    pub fn texts(&self, name: &str) -> Result<Option<Vec<&str>>, NotStrict> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::Array(items)) if !items.is_empty() => {
                items.iter().map(text).collect::<Result<_, _>>().map(Some)
            }
            Some(one) => text(one).map(|text| Some(vec![text])),
        }
    }

    /// An array of objects.
    pub fn objects(self, name: &str) -> Result<Option<Vec<Self>>, NotStrict> {
        let mut members = self.0;
        match members.remove(name) {
            None => Ok(None),
            Some(Value::Array(items)) => items.into_iter().map(Self::of).collect::<Result<_, _>>().map(Some),
            Some(_) => Err(NotStrict),
        }
    }

    fn of(value: Value) -> Result<Self, NotStrict> {
        if let Value::Object(members) = value { Ok(Self(members)) } else { Err(NotStrict) }
    }
}

fn text(value: &Value) -> Result<&str, NotStrict> {
    value.as_str().filter(|text| !text.is_empty()).ok_or(NotStrict)
}

/// Builds a value as serde_json would, but refuses what it forgives.
struct Strict {
    depth_left: usize,
}

impl Strict {
    fn deeper<E: Error>(&self) -> Result<usize, E> {
        self.depth_left.checked_sub(1).ok_or_else(|| E::custom("nested too deeply"))
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let depth_left = self.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element_seed(Strict { depth_left })? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let depth_left = self.deeper()?;
        let mut members = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            let value = entries.next_value_seed(Strict { depth_left })?;
            if members.insert(name, value).is_some() {
                return Err(A::Error::custom("a name is repeated"));
            }
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests;
