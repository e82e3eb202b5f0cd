//! RFC 7396 2, the algorithm itself.

use serde_json::{Map, Value};

/// The target with the patch merged in; `None` when the patch removes it.
pub(super) fn merged(target: Option<Value>, patch: &Value) -> Option<Value> {
    let Value::Object(changes) = patch else {
        return (!patch.is_null()).then(|| patch.clone());
    };
    let mut members = match target {
        Some(Value::Object(members)) => members,
        _ => Map::new(),
    };
    for (name, change) in changes {
        let member = members.remove(name);
        if let Some(member) = merged(member, change) {
            members.insert(name.clone(), member);
        }
    }
    Some(Value::Object(members))
}

#[cfg(test)]
mod tests;
