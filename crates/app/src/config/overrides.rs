//! What the environment sets: `VESTIBULE_SECTION__KEY` is one value of the file, and wins.

/// Beginning of the environment variables that override settings.
const VARIABLE_PREFIX: &str = "VESTIBULE_";

/// Settings whose value is a URL that may hold a password.
const URLS: [(&str, &str); 2] = [("sessions", "store"), ("idp", "registry")];

/// The variables of this process that are meant for us.
pub(super) fn variables() -> impl Iterator<Item = (String, String)> {
    std::env::vars().filter(|(key, _)| key.starts_with(VARIABLE_PREFIX))
}

/// The text of a file with everything in it that the environment sets, and no password.
pub(super) fn print(text: &str) -> Result<String, String> {
    let mut table: toml::Table = toml::from_str(text).map_err(|error| error.to_string())?;
    for (variable, value) in variables() {
        apply(&mut table, &variable, &value)?;
    }
    for (section, key) in URLS {
        let value = table.get_mut(section).and_then(|section| section.get_mut(key));
        if let Some(toml::Value::String(url)) = value {
            *url = without_password(url);
        }
    }
    toml::to_string(&table).map_err(|error| error.to_string())
}

/// Several hosts in one URL are no URL to everybody, so the text itself is cut.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let Some((account, place)) = rest.rsplit_once('@') else { return url.to_owned() };
    match account.split_once(':') {
        Some((user, _)) => format!("{scheme}://{user}:***@{place}"),
        None => url.to_owned(),
    }
}

/// Sets one value: `VESTIBULE_LIMITS__HEAD_TIMEOUT_MS=5000` is `head_timeout_ms = 5000` in `[limits]`.
pub(super) fn apply(table: &mut toml::Table, variable: &str, value: &str) -> Result<(), String> {
    let path = variable.trim_start_matches(VARIABLE_PREFIX).to_ascii_lowercase();
    let Some((section, key)) = path.split_once("__") else {
        return Err(format!("{variable}: the name must be {VARIABLE_PREFIX}SECTION__KEY"));
    };
    let section = table.entry(section).or_insert_with(|| toml::Value::Table(toml::Table::new()));
    let Some(section) = section.as_table_mut() else {
        return Err(format!(
            "{variable}: only single values can be set, not those of lists such as [[route]]"
        ));
    };
    let parsed = toml::from_str::<toml::Table>(&format!("v = {value}")).ok().and_then(|mut v| v.remove("v"));
    section.insert(key.to_owned(), parsed.unwrap_or_else(|| toml::Value::String(value.to_owned())));
    Ok(())
}

#[cfg(test)]
mod tests;
