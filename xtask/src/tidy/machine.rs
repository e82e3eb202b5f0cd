//! No path of one machine in the tree: what names somebody's home works for nobody else.

use super::Finding;
use super::tree::Tree;

/// Where people live; in two halves, or this file would find itself.
const HOMES: [&str; 3] = [concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("/Us", "ers/")];

/// A checkout in `/app` must not make a finding of every `crates/app`.
const ROOT_PARTS_MIN: usize = 2;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let own = (tree.root.split('/').filter(|part| !part.is_empty()).count() >= ROOT_PARTS_MIN)
        .then_some(tree.root.as_str());
    let mut findings = Vec::new();
    for file in &tree.files {
        for (index, line) in file.text.lines().enumerate() {
            if let Some(place) = HOMES.into_iter().chain(own).find(|place| starts_a_path(line, place)) {
                let what = format!("{place} exists on one machine only: write a relative path");
                findings.push(Finding::new(&file.path, index + 1, what));
            }
        }
    }
    findings
}

/// The path of a home counts, the same words inside a longer path do not.
fn starts_a_path(line: &str, place: &str) -> bool {
    line.match_indices(place).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '.' | '_' | '-' | '/' | '}' | '~'))
    })
}
