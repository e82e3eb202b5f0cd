//! Finds the line of a setting in a TOML text, for messages, and the setting at a place in it.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

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

/// One step from a table, or a list, to what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Key(String),
    Item(usize),
}

/// The way to what stands at this place, as key or as value: the innermost, where several begin and end together.
pub(super) fn find(table: &DeTable<'_>, place: &Range<usize>) -> Option<Vec<Step>> {
    table.iter().find_map(|(key, value)| {
        let step = Step::Key(key.get_ref().to_string());
        if key.span() == *place {
            return Some(vec![step]);
        }
        within(value, place).map(|rest| std::iter::once(step).chain(rest).collect())
    })
}

fn within(value: &Spanned<DeValue<'_>>, place: &Range<usize>) -> Option<Vec<Step>> {
    let inner = match value.get_ref() {
        DeValue::Table(table) => find(table, place),
        DeValue::Array(items) => items.iter().enumerate().find_map(|(at, item)| {
            within(item, place).map(|rest| std::iter::once(Step::Item(at)).chain(rest).collect())
        }),
        _ => None,
    };
    inner.or_else(|| (value.span() == *place).then(Vec::new))
}

/// Whether the table at the end of this way has this key.
pub(super) fn has(table: &DeTable<'_>, way: &[Step], key: &str) -> bool {
    let Some((Step::Key(first), rest)) = way.split_first() else { return table.contains_key(key) };
    let mut value = table.get(first.as_str()).map(Spanned::get_ref);
    for step in rest {
        value = match (value, step) {
            (Some(DeValue::Table(table)), Step::Key(key)) => table.get(key.as_str()).map(Spanned::get_ref),
            (Some(DeValue::Array(items)), Step::Item(at)) => items.get(*at).map(Spanned::get_ref),
            _ => None,
        };
    }
    matches!(value, Some(DeValue::Table(table)) if table.contains_key(key))
}

/// Takes out what is at the end of this way.
pub(super) fn remove(table: &mut DeTable<'_>, way: &[Step]) {
    let Some((Step::Key(key), rest)) = way.split_first() else { return };
    if rest.is_empty() {
        table.remove(key.as_str());
    } else if let Some(value) = table.get_mut(key.as_str()) {
        remove_in(value.get_mut(), rest);
    }
}

fn remove_in(value: &mut DeValue<'_>, way: &[Step]) {
    match (value, way) {
        (DeValue::Table(table), _) => remove(table, way),
        (DeValue::Array(items), [Step::Item(at)]) => {
            let left =
                std::mem::replace(items, DeArray::new()).into_iter().enumerate().filter(|(nth, _)| nth != at);
            *items = left.map(|(_, item)| item).collect();
        }
        (DeValue::Array(items), [Step::Item(at), rest @ ..]) => {
            if let Some(item) = items.get_mut(*at) {
                remove_in(item.get_mut(), rest);
            }
        }
        _ => {}
    }
}

/// A way as people write it, such as `route[2].app`.
pub(super) fn setting(way: &[Step]) -> String {
    let mut setting = String::new();
    for step in way {
        match step {
            Step::Key(key) if setting.is_empty() => setting.push_str(key),
            Step::Key(key) => setting.extend([".", key]),
            Step::Item(at) => setting.extend(["[", &at.to_string(), "]"]),
        }
    }
    setting
}
