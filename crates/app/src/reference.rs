//! What can be configured, from the types that read it: as a JSON Schema for editors, and as a page for people.
//! docs/configuration.md and docs/configuration.schema.json are these, written by `cargo xtask codegen`.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::config::Config;

/// What every key is, as a JSON Schema (draft 2020-12).
pub(crate) fn schema() -> Value {
    let mut schema = schemars::schema_for!(Config).to_value();
    if let Some(root) = schema.as_object_mut() {
        root.insert("title".to_owned(), "Vestibule configuration".into());
    }
    schema
}

/// The same as a page.
pub(crate) fn page() -> String {
    let schema = schema();
    let mut page = Page { defs: schema.get("$defs").cloned().unwrap_or_default(), text: HEAD.to_owned() };
    page.table("", &schema, false);
    page.text
}

/// The keys that a table must have, by the keys on the way to it.
pub(crate) fn required(way: &[&str]) -> Vec<String> {
    let schema = schema();
    let page = Page { defs: schema.get("$defs").cloned().unwrap_or_default(), text: String::new() };
    let mut here = schema;
    for key in way {
        let Some(of) = here.get("properties").and_then(|keys| keys.get(key)) else { return Vec::new() };
        let of = page.resolved(of);
        here = of.get("items").map_or_else(|| of.clone(), |items| page.resolved(items));
    }
    let required = here.get("required").and_then(Value::as_array);
    required.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

const HEAD: &str = "\
# Configuration

Every key that a configuration file may have, made from the program itself by `cargo xtask codegen`: do not edit this page.
[example.toml](example.toml) is a whole file with remarks; `vestibule config schema` prints the same as a JSON Schema for
editors. A key that is not here is refused.

Paths count from the directory of the file.

A value can be set from outside, unless it is in a list of tables such as `[[route]]`: `VESTIBULE_SECTION__KEY`, such as
`VESTIBULE_SESSIONS__CACHE_BYTES=1000000`, `VESTIBULE_IDP__CAPS__SESSIONS_PER_USER=20` or `VESTIBULE_DATA_DIR=/data`. Any
other variable that begins with `VESTIBULE_` is refused as misspelt, except those that Kubernetes makes for Services
(`VESTIBULE_SERVICE_HOST`, `VESTIBULE_PORT_8080_TCP` and so on).
";

struct Page {
    defs: Value,
    text: String,
}

impl Page {
    /// One table of the file and, after it, the tables in it.
    fn table(&mut self, path: &str, schema: &Value, is_list: bool) {
        let schema = self.resolved(schema);
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
        let properties = properties.clone();
        let (rows, tables): (Vec<_>, Vec<_>) =
            properties.iter().partition(|(_, of)| self.fields(of).is_none());
        if !path.is_empty() {
            let name = if is_list { format!("[[{path}]]") } else { format!("[{path}]") };
            let _ = write!(self.text, "\n## `{name}`\n\n{}\n", description(&schema));
        }
        if !rows.is_empty() {
            let required = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
            self.text.push_str("\n| key | value | what it is |\n|---|---|---|\n");
            for (key, of) in rows {
                self.row(key, of, required.iter().any(|name| name == key));
            }
        }
        for (key, of) in tables {
            let inner = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            if let Some((fields, is_list)) = self.fields(of) {
                self.table(&inner, &fields, is_list);
            }
        }
    }

    fn row(&mut self, key: &str, of: &Value, is_required: bool) {
        let mut what = description(of);
        if what.is_empty() {
            what = description(&self.resolved(of));
        }
        if is_required {
            what.push_str(" Required.");
        }
        if let Some(default) = of.get("default").filter(|default| is_telling(default))
            && !what.contains("efault")
        {
            let _ = write!(what, " Default `{default}`.");
        }
        let _ = writeln!(self.text, "| `{key}` | {} | {what} |", self.kind(of));
    }

    /// The table behind a key, and whether there may be many; `None` behind a plain value.
    fn fields(&self, of: &Value) -> Option<(Value, bool)> {
        let resolved = self.resolved(of);
        if let Some(items) = resolved.get("items") {
            let items = self.resolved(items);
            return items.get("properties").is_some().then_some((items, true));
        }
        resolved.get("properties").is_some().then_some((resolved, false))
    }

    /// What kind of value a key takes, in a word or by its choices.
    fn kind(&self, of: &Value) -> String {
        let of = self.resolved(of);
        let listed = choices(&of);
        if !listed.is_empty() {
            return listed.iter().map(|choice| format!("`{choice}`")).collect::<Vec<_>>().join(", ");
        }
        match word(&of) {
            Some("array") => match of.get("items").map(|items| self.resolved(items)) {
                Some(items) if !choices(&items).is_empty() => format!("list of {}", self.kind(&items)),
                Some(items) => format!("list of {}s", word(&items).unwrap_or("value")),
                None => "list".to_owned(),
            },
            Some(word) => word.to_owned(),
            None => "see there".to_owned(),
        }
    }

    /// Follows references, and takes what may be left out for what it is when it is there.
    fn resolved(&self, of: &Value) -> Value {
        if let Some(name) = of.get("$ref").and_then(Value::as_str) {
            let name = name.rsplit('/').next().unwrap_or_default();
            return self.defs.get(name).map_or(Value::Null, |def| self.resolved(def));
        }
        let any = of.get("anyOf").and_then(Value::as_array);
        match any.into_iter().flatten().find(|it| word(it) != Some("null")) {
            Some(there) if any.is_some_and(|any| any.iter().any(|it| word(it) == Some("null"))) => {
                self.resolved(there)
            }
            _ => of.clone(),
        }
    }
}

/// The texts that a key takes, where there are only so many.
fn choices(of: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    if let Some(listed) = of.get("enum").and_then(Value::as_array) {
        return listed.iter().filter_map(text).collect();
    }
    let one_of = of.get("oneOf").and_then(Value::as_array);
    one_of.into_iter().flatten().filter_map(|it| it.get("const").and_then(text)).collect()
}

/// The word for a type, of those that are not "nothing".
fn word(of: &Value) -> Option<&str> {
    let name = match of.get("type")? {
        Value::Array(names) => names.iter().filter_map(Value::as_str).find(|name| *name != "null")?,
        name => name.as_str()?,
    };
    Some(match name {
        "integer" => "number",
        "string" => "text",
        "boolean" => "`true` or `false`",
        other => other,
    })
}

/// One paragraph, safe in a cell.
fn description(of: &Value) -> String {
    let text = of.get("description").and_then(Value::as_str).unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

/// Whether a default says more than that there is nothing.
fn is_telling(default: &Value) -> bool {
    match default {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !Map::is_empty(fields),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

#[cfg(test)]
mod tests;
