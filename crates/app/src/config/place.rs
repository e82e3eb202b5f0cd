//! Finds the line of a setting in a TOML text, for messages.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The number of the line that the byte at `offset` stands in, counted from 1.
pub(super) fn line_at(text: &str, offset: usize) -> usize {
    text.as_bytes().iter().take(offset).filter(|b| **b == b'\n').count() + 1
}

/// The line of a setting named like `route[2].app`; the nearest that is there when the setting itself is not.
pub(super) fn line_of(text: &str, setting: &str) -> Option<usize> {
    let table = DeTable::parse(text).ok()?;
    let mut found = None;
    let mut here = Some(table.into_inner());
    let mut value: Spanned<DeValue<'_>>;
    for step in setting.split('.') {
        let (name, at) = match step.split_once('[') {
            Some((name, at)) => (name, at.trim_end_matches(']').parse::<usize>().ok()),
            None => (step, None),
        };
        let Some(mut table) = here.take() else { break };
        let Some(next) = table.remove(name) else { break };
        value = next;
        if let Some(at) = at {
            let DeValue::Array(items) = value.into_inner() else { break };
            let Some(item) = items.into_iter().nth(at) else { break };
            value = item;
        }
        found = Some(line_at(text, value.span().start));
        if let DeValue::Table(table) = value.into_inner() {
            here = Some(table);
        }
    }
    found
}
