//! What the environment sets: `VESTIBULE_SECTION__KEY` is one value of the file, and wins.

use std::borrow::Cow;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

/// Beginning of the environment variables that override settings.
const VARIABLE_PREFIX: &str = "VESTIBULE_";

/// Values of variables stand at places from here on, beyond every text.
const PLACES: usize = usize::MAX / 2;

/// Variables of the project's own tests.
const OF_TESTS: [&str; 5] = ["CRASHES", "MONGOD", "REDIS_SERVER", "STORM", "STORM_SEED"];

/// Settings whose value is a URL that may hold a password.
const URLS: [(&str, &str); 2] = [("sessions", "store"), ("idp", "registry")];

/// A variable whose value was put into a table.
pub(super) struct Variable {
    pub(super) name: String,
    /// The setting, key by key.
    pub(super) path: Vec<String>,
    /// The value as it stands in the environment.
    value: String,
    /// What was wrong with it before it was read as a text.
    pub(super) first_fault: Option<String>,
}

/// The variables of this process that are meant for us, in the order of their names.
pub(super) fn variables() -> Vec<(String, String)> {
    let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
    let all = std::env::vars_os().map(|(name, value)| (text(name), text(value)));
    let mut ours: Vec<_> = all.filter(|(name, _)| is_setting(name)).collect();
    ours.sort();
    ours
}

/// Whether a variable is meant as a setting.
pub(super) fn is_setting(name: &str) -> bool {
    let Some(rest) = name.strip_prefix(VARIABLE_PREFIX) else { return false };
    rest.contains("__") || !(is_service_link(rest) || OF_TESTS.contains(&rest))
}

/// Kubernetes tells every pod where the Services beside it are; one named `vestibule` or `vestibule-idp` gives variables
/// that begin like ours.
fn is_service_link(rest: &str) -> bool {
    let words: Vec<&str> = rest.split('_').collect();
    (0..words.len()).any(|start| match &words[start..] {
        ["SERVICE", "HOST"] | ["SERVICE", "PORT", ..] | ["PORT"] => true,
        ["PORT", number, "TCP" | "UDP" | "SCTP"]
        | ["PORT", number, "TCP" | "UDP" | "SCTP", "ADDR" | "PORT" | "PROTO"] => {
            number.parse::<u16>().is_ok()
        }
        _ => false,
    })
}

/// Puts the values of variables into a table; those that have no place in it are told of, a line each.
/// `VESTIBULE_LIMITS__HEAD_TIMEOUT_MS=5000` is `head_timeout_ms = 5000` in `[limits]`.
pub(super) fn put<'t>(
    table: &mut DeTable<'t>,
    variables: &'t [(String, String)],
) -> (Vec<Variable>, Vec<String>) {
    let (mut put, mut misplaced) = (Vec::new(), Vec::new());
    for (name, value) in variables {
        let path = name.strip_prefix(VARIABLE_PREFIX).unwrap_or(name).to_ascii_lowercase();
        let path: Vec<String> = path.split("__").map(str::to_owned).collect();
        match set(table, &path, parsed(value), place_of(put.len())) {
            Ok(()) => {
                put.push(Variable { name: name.clone(), path, value: value.clone(), first_fault: None });
            }
            Err(why) => misplaced.push(format!("{name}: {why}")),
        }
    }
    (put, misplaced)
}

/// Which variable stands at this place, if it is not one of the text.
pub(super) fn index_of(place: &Range<usize>) -> Option<usize> {
    place.start.checked_sub(PLACES)
}

impl Variable {
    /// Reads the value as a text, once: `SERVICE_AUDIENCE=1234` looks like a number and is none. Whether that was to be
    /// tried.
    pub(super) fn read_as_text(&mut self, table: &mut DeTable<'_>, fault: &str) -> bool {
        if self.first_fault.is_some() || matches!(parsed(&self.value), DeValue::String(_)) {
            return false;
        }
        let Some(place) = get(table, &self.path).map(Spanned::span) else { return false };
        self.first_fault = Some(fault.to_owned());
        set(table, &self.path, DeValue::String(Cow::Owned(self.value.clone())), place).is_ok()
    }
}

fn place_of(index: usize) -> Range<usize> {
    PLACES + index..PLACES + index + 1
}

/// A value as TOML has it; a text needs no quotes.
fn parsed(value: &str) -> DeValue<'_> {
    DeValue::parse(value.trim()).map_or_else(|_| DeValue::String(value.into()), Spanned::into_inner)
}

/// Sets one value, making the tables that it is in.
fn set<'t>(
    table: &mut DeTable<'t>,
    path: &[String],
    value: DeValue<'t>,
    place: Range<usize>,
) -> Result<(), String> {
    let mut here = table;
    let (key, tables) = path.split_last().ok_or("names no setting")?;
    for name in tables {
        if !here.contains_key(name.as_str()) {
            let empty = Spanned::new(place.clone(), DeValue::Table(DeTable::new()));
            here.insert(Spanned::new(place.clone(), Cow::Owned(name.clone())), empty);
        }
        here = match here.get_mut(name.as_str()).map(Spanned::get_mut) {
            Some(DeValue::Table(table)) => table,
            Some(DeValue::Array(_)) => {
                return Err("only single values can be set, not those of lists such as [[route]]".to_owned());
            }
            _ => return Err(format!("{name} is a single value, and holds no others")),
        };
    }
    // The key of the file would stay, and with it its place.
    here.remove(key.as_str());
    let value = moved(Spanned::new(place.clone(), value), &place);
    here.insert(Spanned::new(place, Cow::Owned(key.clone())), value);
    Ok(())
}

/// A value with everything in it at one place.
fn moved<'t>(value: Spanned<DeValue<'t>>, place: &Range<usize>) -> Spanned<DeValue<'t>> {
    let value = match value.into_inner() {
        DeValue::Array(items) => DeValue::Array(items.into_iter().map(|item| moved(item, place)).collect()),
        DeValue::Table(table) => {
            let at_place = |(key, value): (Spanned<DeString<'t>>, _)| {
                (Spanned::new(place.clone(), key.into_inner()), moved(value, place))
            };
            DeValue::Table(table.into_iter().map(at_place).collect())
        }
        single => single,
    };
    Spanned::new(place.clone(), value)
}

fn get<'a, 't>(table: &'a DeTable<'t>, path: &[String]) -> Option<&'a Spanned<DeValue<'t>>> {
    let (first, rest) = path.split_first()?;
    let value = table.get(first.as_str())?;
    match value.get_ref() {
        _ if rest.is_empty() => Some(value),
        DeValue::Table(table) => get(table, rest),
        _ => None,
    }
}

/// The text of a table without passwords.
pub(super) fn print(table: &toml::Table) -> Result<String, toml::ser::Error> {
    let mut table = table.clone();
    for (section, key) in URLS {
        let value = table.get_mut(section).and_then(|section| section.get_mut(key));
        if let Some(toml::Value::String(url)) = value {
            *url = without_secrets(url);
        }
    }
    toml::to_string(&table)
}

/// Several hosts in one URL are no URL to everybody, so the text itself is cut.
fn without_secrets(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (place, query) = rest.split_once('?').map_or((rest, None), |(place, query)| (place, Some(query)));
    if query.is_some_and(|query| query.contains('@')) {
        // Of the account, or of a value: where the password ends cannot be told.
        return format!("{scheme}://***");
    }
    let place = match place.rsplit_once('@') {
        Some((account, host)) => match account.split_once(':') {
            Some((user, _)) => format!("{user}:***@{host}"),
            None => place.to_owned(),
        },
        None => place.to_owned(),
    };
    match query {
        Some(query) => format!("{scheme}://{place}?{}", query_without_secrets(query)),
        None => format!("{scheme}://{place}"),
    }
}

/// `sentinel_password=x&tls=on` with the first value hidden, and those inside a value (`AWS_SESSION_TOKEN:x`).
fn query_without_secrets(query: &str) -> String {
    let parameter = |parameter: &str| {
        let Some((key, value)) = parameter.split_once('=') else { return parameter.to_owned() };
        if is_secret(key) {
            return format!("{key}=***");
        }
        let property = |property: &str| match property.split_once(':') {
            Some((name, _)) if is_secret(name) => format!("{name}:***"),
            _ => property.to_owned(),
        };
        format!("{key}={}", value.split(',').map(property).collect::<Vec<_>>().join(","))
    };
    query.split('&').map(parameter).collect::<Vec<_>>().join("&")
}

fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["password", "passwd", "secret", "token"].iter().any(|word| key.contains(word))
}

#[cfg(test)]
mod tests;
