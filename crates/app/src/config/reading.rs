//! From a text and the environment to a configuration. A value that does not fit is told of and left out, and the rest is
//! read again, so that one fault hides no other.

use serde::Deserialize as _;
use toml::Spanned;
use toml::de::{DeTable, Deserializer, Error};

use super::overrides::{self, Variable};
use super::place::{self, Step};
use super::{BadConfig, Config};
use crate::reference;

/// Faults that are told of at most; who has more has another kind of file.
const FAULTS_MAX: usize = 100;

/// What came of reading.
pub(super) struct Reading {
    /// What was read, without what did not fit.
    pub(super) config: Config,
    /// What did not fit, a line each.
    pub(super) faults: Vec<String>,
    /// Settings that were left out, such as `route[2].app`.
    pub(super) left_out: Vec<String>,
    /// Whether whole tables were left out for what they lack.
    pub(super) lacks_tables: bool,
    /// Which settings come from which variables.
    pub(super) variables: Vec<(String, String)>,
    /// The text with what the environment sets in it.
    pub(super) merged: toml::Table,
}

/// Reads a text with what these variables set; `name` stands for it in messages.
pub(super) fn read(text: &str, name: &str, variables: &[(String, String)]) -> Result<Reading, BadConfig> {
    let root = DeTable::parse(text).map_err(|error| {
        let line = error.span().map_or(1, |span| place::line_at(text, span.start));
        BadConfig::one(format!("{name}:{line}: {}", error.message().trim_end()))
    })?;
    let span = root.span();
    let mut table = root.into_inner();
    let (variables, misplaced) = overrides::put(&mut table, variables);
    let mut sieve =
        Sieve { text, name, whole: table.clone(), variables, faults: Vec::new(), left_out: Vec::new() };
    let mut lacks_tables = false;
    let config = loop {
        let document = Spanned::new(span.clone(), table.clone());
        let error = match Config::deserialize(Deserializer::from(document)) {
            Ok(config) => break config,
            Err(error) => error,
        };
        if sieve.faults.len() == FAULTS_MAX || !sieve.take_out(&mut table, &error) {
            // Nothing can be said of the rest.
            lacks_tables = true;
            break Config::default();
        }
        lacks_tables |= missing(&error).is_some();
    };
    let merged = Deserializer::from(Spanned::new(span, table));
    let merged =
        toml::Table::deserialize(merged).map_err(|error| BadConfig::one(format!("{name}: {error}")))?;
    let mut faults = sieve.faults;
    faults.sort();
    let lines = faults.into_iter().map(|(_, line)| line).chain(misplaced).collect();
    let variables = sieve.variables.into_iter().map(|of| (of.path.join("."), of.name)).collect();
    Ok(Reading { config, faults: lines, left_out: sieve.left_out, lacks_tables, variables, merged })
}

/// Takes out of a table what does not fit.
struct Sieve<'t> {
    text: &'t str,
    name: &'t str,
    /// The table with everything in it: where things stand in the file.
    whole: DeTable<'t>,
    variables: Vec<Variable>,
    /// What did not fit, by its line; what variables set comes last.
    faults: Vec<(usize, String)>,
    left_out: Vec<String>,
}

impl<'t> Sieve<'t> {
    /// Takes out, or reads as a text, what this error is about; whether there was such a thing.
    fn take_out(&mut self, table: &mut DeTable<'t>, error: &Error) -> bool {
        let message = error.message().trim_end();
        let Some(span) = error.span() else { return self.tell(0, format!("{}: {message}", self.name)) };
        if let Some(at) = overrides::index_of(&span) {
            return self.take_out_variable(table, at, error);
        }
        let line = place::line_at(self.text, span.start);
        let (Some(there), Some(in_file)) = (place::find(table, &span), place::find(&self.whole, &span))
        else {
            return self.tell(line, format!("{}:{line}: {message}", self.name));
        };
        let setting = place::setting(&in_file);
        let said = self.said(table, &there, &setting, error);
        let lines = said.into_iter().map(|said| (line, format!("{}:{line}: {setting}: {said}", self.name)));
        self.faults.extend(lines);
        place::remove(table, &there);
        self.left_out.push(setting);
        true
    }

    fn take_out_variable(&mut self, table: &mut DeTable<'t>, at: usize, error: &Error) -> bool {
        let Some(variable) = self.variables.get_mut(at) else { return false };
        let is_lacking = missing(error).is_some();
        if !is_lacking && variable.read_as_text(table, error.message().trim_end()) {
            return true;
        }
        let first_fault = variable.first_fault.take();
        let (name, mut path) = (variable.name.clone(), variable.path.clone());
        if is_lacking {
            path.pop();
        }
        let way: Vec<_> = path.iter().cloned().map(Step::Key).collect();
        let setting = path.join(".");
        let said = match first_fault {
            Some(fault) => vec![plain(&fault).to_owned()],
            None => self.said(table, &way, &setting, error),
        };
        self.faults.extend(said.into_iter().map(|said| (usize::MAX, format!("{name}: {setting}: {said}"))));
        place::remove(table, &way);
        self.left_out.push(setting);
        true
    }

    /// What is to be said of an error: of a table that lacks keys, each that it lacks.
    fn said(&self, table: &DeTable<'t>, way: &[Step], setting: &str, error: &Error) -> Vec<String> {
        let Some(first) = missing(error) else { return vec![plain(error.message().trim_end()).to_owned()] };
        let keys = way.iter().filter_map(|step| match step {
            Step::Key(key) => Some(key.as_str()),
            Step::Item(_) => None,
        });
        let mut lacking = reference::required(&keys.collect::<Vec<_>>());
        lacking.retain(|key| !place::has(table, way, key));
        if lacking.is_empty() {
            lacking.push(first.to_owned());
        }
        // What is missing because it was left out has been told of.
        lacking.retain(|key| !self.left_out.contains(&format!("{setting}.{key}")));
        lacking.into_iter().map(|key| format!("missing field `{key}`")).collect()
    }

    /// Notes a fault that nothing can be taken out for.
    fn tell(&mut self, line: usize, fault: String) -> bool {
        self.faults.push((line, fault));
        false
    }
}

/// What is told of an error: the library's words, where they do not mislead.
fn plain(message: &str) -> &str {
    match message {
        // Only networks are written so, and an address alone is none.
        "invalid IP address syntax" => {
            "is no network: write an address and how many of its bits count, such as 10.0.0.0/8 or 192.0.2.1/32"
        }
        other => other,
    }
}

/// The key that a table lacks, if that is the error.
fn missing(error: &Error) -> Option<&str> {
    error.message().strip_prefix("missing field `")?.split('`').next()
}
